"""Registering services and resources: again and again, and onto what is there already."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from synnefo.astakos.catalog import listing, rules
from synnefo.astakos.catalog.rules import EndpointDefinition, ResourceDefinition, ServiceDefinition
from synnefo.astakos.catalog.standard import register_standard
from synnefo.astakos.models import Component, Endpoint, Holding, Resource, Service
from synnefo.audit.models import AuditEvent
from synnefo.common.caller import system_caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, Unauthorized
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db
SYSTEM = system_caller("test")
HERE = RequestFactory(SERVER_NAME="here").get("/")

VOLUMES = ServiceDefinition(
    "cinder",
    "block-storage",
    Service.Catalog.OPENSTACK,
    (EndpointDefinition("/cinder/v3"),),
    (ResourceDefinition("cinder.volume", "Number of volumes"),),
)


def test_registering_again_changes_nothing(cloud: None) -> None:
    before = list(Endpoint.objects.order_by("pk").values())
    resources = list(Resource.objects.order_by("pk").values())
    events = AuditEvent.objects.count()
    register_standard()
    assert list(Endpoint.objects.order_by("pk").values()) == before
    assert list(Resource.objects.order_by("pk").values()) == resources
    assert AuditEvent.objects.count() == events


def test_what_operators_set_survives_registering_again(cloud: None) -> None:
    rules.modify_resource(SYSTEM, "cyclades.vm", system_default=5, ui_visible=False)
    rules.modify_component(SYSTEM, rules.find_component("cyclades"), ui_url="https://ui.example.org")
    register_standard()
    resource = Resource.objects.get(name="cyclades.vm")
    assert (resource.system_default, resource.ui_visible) == (5, False)
    assert Component.objects.get(name="cyclades").url == "https://ui.example.org"


def test_a_new_resource_reaches_the_projects_that_exist(ada: Person) -> None:
    rules.register_service(SYSTEM, rules.find_component("cyclades"), VOLUMES)
    resource = Resource.objects.get(name="cinder.volume")
    assert (resource.system_default, resource.project_default) == (INFINITE, 0)
    assert Holding.objects.get(holder=f"user:{ada.uuid}", resource="cinder.volume").limit == INFINITE


def test_a_moved_endpoint_replaces_the_old_one_and_others_keep_their_ids(cloud: None) -> None:
    component = rules.find_component("cyclades")
    two = (EndpointDefinition("/cinder/v3"), EndpointDefinition("https://far.example.org/v3"))
    service = rules.register_service(
        SYSTEM, component, ServiceDefinition("cinder", "volume", "openstack", two)
    )
    kept = service.endpoints.get(public_url="/cinder/v3").uuid
    moved = (EndpointDefinition("/cinder/v3"), EndpointDefinition("https://near.example.org/v3"))
    rules.register_service(SYSTEM, component, ServiceDefinition("cinder", "volume", "openstack", moved))
    assert {row.public_url for row in service.endpoints.all()} == {
        "/cinder/v3",
        "https://near.example.org/v3",
    }
    assert service.endpoints.get(public_url="/cinder/v3").uuid == kept
    listing.forget()
    entry = next(entry for entry in listing.openstack(HERE) if entry["name"] == "cinder")
    assert {endpoint["url"] for endpoint in entry["endpoints"]} == {
        "http://here/cinder/v3",
        "https://near.example.org/v3",
    }


def test_a_service_belongs_to_one_component(cloud: None) -> None:
    with pytest.raises(Conflict):
        rules.register_service(SYSTEM, rules.find_component("astakos"), ServiceDefinition("nova", "compute"))


def test_a_resource_is_named_with_a_dot(cloud: None) -> None:
    definition = ServiceDefinition("other", "other", resources=(ResourceDefinition("plain", ""),))
    with pytest.raises(BadRequest):
        rules.register_service(SYSTEM, rules.find_component("cyclades"), definition)
    assert not Service.objects.filter(name="other").exists()


def test_what_pages_show_the_api_shows(cloud: None) -> None:
    hidden = rules.modify_resource(SYSTEM, "cyclades.vm", api_visible=False)
    assert (hidden.api_visible, hidden.ui_visible) == (False, False)
    shown = rules.modify_resource(SYSTEM, "cyclades.vm", ui_visible=True)
    assert (shown.api_visible, shown.ui_visible) == (True, True)
    with pytest.raises(ItemNotFound):
        rules.modify_resource(SYSTEM, "no.such", api_visible=True)


def test_new_defaults_are_for_new_projects(ada: Person) -> None:
    rules.modify_resource(SYSTEM, "cyclades.vm", system_default=1)
    assert Holding.objects.get(holder=f"user:{ada.uuid}", resource="cyclades.vm").limit == INFINITE


def test_the_catalog_is_remembered_and_forgotten(cloud: None) -> None:
    def types() -> set[str]:
        return {entry["type"] for entry in listing.openstack(HERE)}

    assert "block-storage" not in types()
    rules.register_service(SYSTEM, rules.find_component("cyclades"), VOLUMES)
    assert "block-storage" not in types()
    listing.forget()
    assert "block-storage" in types()


def test_a_service_token_is_kept_as_a_digest_and_audited(cloud: None) -> None:
    component = rules.find_component("cyclades")
    token = rules.renew_service_token(SYSTEM, component)
    assert rules.component_of_token(token) == component
    assert token not in str(list(Component.objects.values()))
    assert AuditEvent.objects.filter(action="component.token").exists()
    for wrong in ("", "unknown"):
        with pytest.raises(Unauthorized):
            rules.component_of_token(wrong)


def test_components_are_found_by_name_or_number(cloud: None) -> None:
    component = rules.find_component("cyclades")
    assert rules.find_component(str(component.pk)) == component
    with pytest.raises(ItemNotFound):
        rules.find_component("nobody")
