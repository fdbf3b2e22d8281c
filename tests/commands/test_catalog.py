"""Commands of components, services and endpoints, and of programs that sign people in."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from allauth.idp.oidc.models import Client
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.catalog.rules import component_of_token
from synnefo.astakos.models import Holding
from synnefo.astakos.oauth import rules as oauth
from synnefo.audit.models import AuditEvent
from synnefo.common.faults import Unauthorized
from synnefo.common.units import INFINITE
from tests.commands.test_astakos import listed, manage, type_in
from tests.conftest import People

pytestmark = pytest.mark.django_db

BASE = "https://cloud.example.org/volumes"
VOLUMES = {
    "volumes_volume": {
        "component": "volumes",
        "type": "volume",
        "endpoints": [{"publicURL": f"{BASE}/v2.0", "versionId": "v2.0", "SNF:exposeVersion": True}],
        "resources": {
            "disk": {
                "name": "volumes.disk", "desc": "Volumes", "unit": "bytes", "service_type": "volume",
                "service_origin": "volumes_volume", "ui_visible": False, "api_visible": True,
            }
        },
    }
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_catalog(standard: None) -> None:
    listing.forget()


@pytest.fixture
def volumes() -> str:
    """A component of somebody's own; its token."""
    return added("volumes", "--base-url", BASE, "--ui-url", f"{BASE}/ui")


def added(*arguments: str) -> str:
    word, token = manage("component-add", *arguments).split()
    assert word == "Token:"
    return token


def imported(monkeypatch: pytest.MonkeyPatch, definitions: Any) -> str:
    """What ``service-import`` says, reading standard input."""
    type_in(monkeypatch, json.dumps(definitions))
    words = io.StringIO()
    call_command("service-import", "--json", "-", stdout=io.StringIO(), stderr=words)
    return words.getvalue()


def shown(*arguments: str) -> dict[str, Any]:
    (row,) = json.loads(manage(*arguments, "--output-format", "json"))
    found: dict[str, Any] = row
    return found


def entry(name: str) -> dict[str, Any]:
    listing.forget()
    entries = listing.synnefo(RequestFactory(SERVER_NAME="here").get("/"))
    return next(found for found in entries if found["name"] == name)


def test_a_component_is_added_with_a_token_that_it_speaks_by(volumes: str) -> None:
    assert len(volumes) == 43
    assert component_of_token(volumes).name == "volumes"
    (row,) = [
        row for row in listed("component-list", "-o", "id,name,base_url,ui_url") if row["name"] == "volumes"
    ]
    assert (row["base_url"], row["ui_url"]) == (BASE, f"{BASE}/ui")
    with pytest.raises(CommandError, match="already"):
        added("volumes")


def test_a_token_is_shown_to_who_asks_and_that_is_recorded(volumes: str) -> None:
    number = str(Component.objects.get(name="volumes").pk)
    assert "token" not in shown("component-show", "volumes")
    before = AuditEvent.objects.filter(action="component.reveal").count()
    assert shown("component-show", number, "--reveal")["token"] == volumes
    assert AuditEvent.objects.filter(action="component.reveal").count() == before + 1
    assert volumes not in str([*Component.objects.values(), *AuditEvent.objects.values()])


def test_a_token_that_cannot_be_read_is_said_so(volumes: str, settings: Any) -> None:
    with pytest.raises(CommandError, match="no service token"):
        manage("component-show", "pithos", "--reveal")
    settings.SECRET_KEY = "another one"
    with pytest.raises(CommandError, match="cannot be read"):
        manage("component-show", "volumes", "--reveal")
    assert component_of_token(volumes).name == "volumes"


def test_a_token_is_renewed_or_given(volumes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = manage("component-modify", "volumes", "--renew-token").strip()
    with pytest.raises(Unauthorized):
        component_of_token(volumes)
    assert component_of_token(renewed).name == "volumes"
    type_in(monkeypatch, "the token of the old cloud\n")
    manage("component-modify", "volumes", "--auth-token", "-")
    assert component_of_token("the token of the old cloud").name == "volumes"
    assert shown("component-show", "volumes", "--reveal")["token"] == "the token of the old cloud"
    with pytest.raises(CommandError, match="at least 20"):
        manage("component-modify", "volumes", "--auth-token", "short")
    with pytest.raises(CommandError, match="Another component"):
        manage("component-modify", "pithos", "--auth-token", "the token of the old cloud")
    with pytest.raises(CommandError, match="not allowed with"):
        manage("component-modify", "volumes", "--auth-token", "x", "--renew-token")


def test_services_come_from_a_file_with_their_endpoints_and_resources(
    volumes: str, monkeypatch: pytest.MonkeyPatch, people: People
) -> None:
    assert imported(monkeypatch, VOLUMES) == ""
    resource = Resource.objects.get(name="volumes.disk")
    assert (resource.unit, resource.api_visible, resource.ui_visible) == ("bytes", True, False)
    assert (resource.system_default, resource.project_default) == (INFINITE, 0)
    assert Holding.objects.filter(resource="volumes.disk", holder=f"user:{people.alice.user.uuid}").exists()
    (endpoint,) = entry("volumes_volume")["endpoints"]
    assert endpoint == {
        "region": "default", "publicURL": f"{BASE}/v2.0", "SNF:uiURL": f"{BASE}/ui",
        "versionId": "v2.0", "SNF:exposeVersion": "True",
    }  # fmt: skip
    assert shown("service-show", "volumes_volume")["endpoints"] == [
        {"id": str(Endpoint.objects.get(service__name="volumes_volume").pk), "key": key, "value": value}
        for key, value in (
            ("SNF:exposeVersion", "True"),
            ("publicURL", f"{BASE}/v2.0"),
            ("versionId", "v2.0"),
        )
    ]
    rows = listed("endpoint-list", "-o", "service,public_url,data")
    assert {"service": "volumes_volume", "public_url": f"{BASE}/v2.0",
            "data": "SNF:exposeVersion=True, versionId=v2.0"} in rows  # fmt: skip


def test_importing_again_updates_what_is_said_of_resources_and_keeps_what_operators_set(
    volumes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(monkeypatch, VOLUMES)
    manage("resource-modify", "volumes.disk", "--system-default", "5GiB", "--api-visible", "no")
    changed = json.loads(json.dumps(VOLUMES))
    changed["volumes_volume"]["resources"]["disk"]["desc"] = "Space of volumes"
    changed["volumes_volume"]["endpoints"] = [{"publicURL": "https://elsewhere.example.org/v3"}]
    words = imported(monkeypatch, changed)
    assert "does not begin with https://cloud.example.org/volumes" in words
    resource = Resource.objects.get(name="volumes.disk")
    assert (resource.description, resource.system_default, resource.api_visible) == (
        "Space of volumes", 5 * 2**30, False,
    )  # fmt: skip
    assert [row["publicURL"] for row in entry("volumes_volume")["endpoints"]] == [
        "https://elsewhere.example.org/v3"
    ]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("component", "nowhere", "no component 'nowhere'"),
        ("component", "pithos", "belongs to another component"),
        ("type", "", "at least 1 character"),
        ("endpoints", [{"versionId": "v1"}], "no publicURL"),
        ("endpoints", "here", "valid array"),
        (
            "resources",
            {"x": {"name": "a.b", "service_type": "t", "service_origin": "other"}},
            "another service",
        ),
        (
            "resources",
            {"x": {"name": "dotless", "service_type": "t", "service_origin": "volumes_volume"}},
            "has a dot",
        ),
        ("catalog", "else", "catalog"),
    ],
)
def test_a_wrong_file_is_refused_and_nothing_of_it_stays(
    volumes: str, monkeypatch: pytest.MonkeyPatch, path: str, value: Any, words: str
) -> None:
    imported(monkeypatch, VOLUMES)
    wrong = json.loads(json.dumps(VOLUMES))
    wrong["volumes_new"] = {"component": "volumes", "type": "new"}
    wrong["volumes_volume"][path] = value
    before = Service.objects.count()
    with pytest.raises(CommandError, match=words):
        imported(monkeypatch, dict(reversed(wrong.items())))
    assert Service.objects.count() == before


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"a": 1}'])
def test_a_file_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    path.write_text(text)
    with pytest.raises(CommandError):
        manage("service-import", "--json", str(path))
    with pytest.raises(CommandError, match="No such file"):
        manage("service-import", "--json", str(tmp_path / "other.json"))


def test_what_is_exported_can_be_imported(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    own = json.loads(manage("service-export-astakos"))
    assert own["astakos_account"]["endpoints"] == [
        {
            "publicURL": "https://cloud.example.org/astakos/account/v1.0",
            "versionId": "v1.0",
            "SNF:exposeVersion": "True",
        }
    ]
    assert own["astakos_account"]["resources"]["pending_app"]["api_visible"] is False
    far = json.loads(manage("service-export", "pithos", "https://files.example.org/pithos/"))
    assert (
        far["pithos_object-store"]["endpoints"][0]["publicURL"]
        == "https://files.example.org/pithos/object-store/v1"
    )
    assert far["swift"]["catalog"] == "openstack"
    resources = list(Resource.objects.order_by("pk").values())
    imported(monkeypatch, {**own, **far})
    assert list(Resource.objects.order_by("pk").values()) == resources
    assert (
        entry("pithos_object-store")["endpoints"][0]["publicURL"]
        == "https://files.example.org/pithos/object-store/v1"
    )


def test_web_login_has_its_address_under_a_key_of_its_own() -> None:
    (endpoint,) = entry("astakos_weblogin")["endpoints"]
    assert endpoint["SNF:webloginURL"] == endpoint["publicURL"] == "http://here/astakos/weblogin"
    assert "SNF:webloginURL" not in entry("astakos_oauth2")["endpoints"][0]
    names = [found["name"] for found in listing.synnefo(RequestFactory(SERVER_NAME="here").get("/"))]
    assert names[:2] == ["astakos_weblogin", "astakos_account"]


def test_a_component_goes_with_its_services_and_what_is_charged_stays(
    volumes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(monkeypatch, VOLUMES)
    manage("component-modify", "volumes", "--purge-services")
    assert not Service.objects.filter(name="volumes_volume").exists()
    imported(monkeypatch, VOLUMES)
    manage("component-remove", "volumes")
    assert not Service.objects.filter(name="volumes_volume").exists()
    assert Resource.objects.filter(name="volumes.disk").exists()
    with pytest.raises(CommandError, match="No component"):
        manage("component-remove", "volumes")
    with pytest.raises(CommandError, match="No service"):
        manage("service-show", "volumes_volume")
    with pytest.raises(CommandError, match="nothing to change"):
        manage("component-modify", "pithos")


def test_a_component_is_registered_by_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    Component.objects.filter(name="pithos").delete()
    type_in(monkeypatch, "https://files.example.org/pithos\n\n\n")
    word, token = manage("component-register", "pithos").split()
    assert word == "Token:"
    row = component_of_token(token)
    assert (row.base_url, row.url) == (
        "https://files.example.org/pithos",
        "https://files.example.org/pithos/ui",
    )
    services = list(row.services.order_by("pk").values())
    endpoints = list(Endpoint.objects.filter(service__component=row).order_by("pk").values())
    type_in(monkeypatch, "y\n\n\n")
    assert manage("component-register", "pithos") == ""
    assert component_of_token(token) == row
    assert list(row.services.order_by("pk").values()) == services
    assert list(Endpoint.objects.filter(service__component=row).order_by("pk").values()) == endpoints
    type_in(monkeypatch, "n\n")
    manage("component-register", "pithos", "--base-url", "https://other.example.org")
    assert component_of_token(token).base_url == "https://files.example.org/pithos"


def test_components_are_registered_without_questions(settings: Any) -> None:
    with pytest.raises(CommandError, match="--base-url says where"):
        manage("component-register", "cyclades", "--yes")
    with pytest.raises(CommandError, match="name it"):
        manage("component-register", "--yes", "--base-url", "https://cloud.example.org")
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    stale = Service.objects.create(
        component=Component.objects.get(name="cyclades"), name="cyclades_old", type="old"
    )
    manage("component-register", "--yes")
    assert not Service.objects.filter(pk=stale.pk).exists()
    assert (
        entry("cyclades_compute")["endpoints"][0]["publicURL"]
        == "https://cloud.example.org/cyclades/compute/v2.0"
    )
    before = list(Endpoint.objects.order_by("pk").values()), list(Service.objects.order_by("pk").values())
    assert manage("component-register", "--yes") == ""
    assert before == (
        list(Endpoint.objects.order_by("pk").values()),
        list(Service.objects.order_by("pk").values()),
    )


def test_components_become_what_a_file_says(tmp_path: Path) -> None:
    wanted = {"volumes": {"base_url": BASE, "ui_url": f"{BASE}/ui", "services": VOLUMES}}
    path = tmp_path / "components.json"
    path.write_text(json.dumps(wanted))
    name, token = manage("component-apply", str(path)).split(": ")
    assert component_of_token(token.strip()).name == name == "volumes"
    before = list(Endpoint.objects.order_by("pk").values())
    events = AuditEvent.objects.count()
    assert manage("component-apply", str(path)) == ""
    assert list(Endpoint.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == events
    wanted["volumes"]["ui_url"] = "https://pages.example.org"
    wanted["volumes"]["services"] = {"volumes_other": {"type": "volume"}}
    Resource.objects.filter(name="volumes.disk").delete()
    path.write_text(json.dumps(wanted))
    manage("component-apply", str(path))
    assert list(Service.objects.filter(component__name="volumes").values_list("name", flat=True)) == [
        "volumes_other"
    ]
    assert Component.objects.get(name="volumes").url == "https://pages.example.org"


# -- programs that sign people in -------------------------------------------------------------------
def test_a_program_is_made_known_as_the_guide_says() -> None:
    url = "https://files.example.org/pithos/ui/view"
    out = manage("oauth2-client-add", "pithos-view", "--secret", "12345", "--is-trusted", "--url", url)
    assert out == ""
    (row,) = listed("oauth2-client-list", "-o", "id,identifier,redirect_urls,is_trusted")
    assert row == {"id": row["id"], "identifier": "pithos-view", "redirect_urls": url, "is_trusted": "True"}
    client = Client.objects.get()
    assert client.check_secret("12345")
    assert "12345" not in client.secret
    manage("oauth2-client-remove", row["id"])
    assert not Client.objects.exists()
    with pytest.raises(CommandError, match="No client"):
        manage("oauth2-client-remove", "pithos-view")


def test_a_secret_is_made_and_printed_this_once(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://wiki.example.org/back"
    secret = manage("oauth2-client-add", "wiki", "--url", url).strip()
    assert Client.objects.get(pk="wiki").check_secret(secret)
    type_in(monkeypatch, "from a file\n")
    manage("oauth2-client-add", "blog", "--secret", "-", "--url", url)
    assert Client.objects.get(pk="blog").check_secret("from a file")
    assert manage("oauth2-client-add", "app", "--type", "public", "--url", "http://127.0.0.1/back") == ""
    with pytest.raises(CommandError, match="already"):
        manage("oauth2-client-add", "wiki", "--url", url)
    with pytest.raises(CommandError, match="needs a redirect URL"):
        manage("oauth2-client-add", "none", "--url", "https://" + "x" * 6000)
    manage("oauth2-client-add", "robot", "--grant", "client_credentials", "--scope", "openid")
    assert [row["identifier"] for row in listed("oauth2-client-list", "--public")] == ["app"]
    names = [row["identifier"] for row in listed("oauth2-client-list", "--confidential")]
    assert names == ["wiki", "blog", "robot"]
    assert listed("oauth2-client-list", "--trusted") == []
    assert [row["id"] for row in listed("oauth2-client-list", "--filter-by", "identifier=app")] == [
        str(oauth.find_client("app").pk)
    ]


def test_the_signing_key_is_renewed(client: Any) -> None:
    url = "/astakos/oauth2/.well-known/jwks.json"
    (before,) = client.get(url).json()["keys"]
    manage("oauth2-key-renew")
    kept, new = client.get(url).json()["keys"]
    assert kept == before != new
