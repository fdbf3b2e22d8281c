"""Pages of routers: made, led out, joined with networks, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.networks import routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Router
from tests.conftest import People
from tests.pages.conftest import signed_in, texts_of

LIST, FORM = "/ui/routers/", "/ui/routers/create/"


@pytest.fixture
def router(cloud: People) -> Router:
    return routers.create(cloud.alice.caller, name="edge")


def of(router: Router, rest: str = "") -> str:
    return f"{LIST}{router.uuid}/{rest}"


def legs(router: Router) -> list[str]:
    rows = router.ports.filter(device_owner=routers.INTERFACE).order_by("pk")
    return [ip.address for port in rows for ip in port.addresses.all()]


def test_without_routers_the_page_says_what_they_are(alice: Client) -> None:
    assert "No routers yet" in texts_of(alice.get(LIST))


def test_a_router_is_made_and_leads_out(alice: Client, public_network: Any) -> None:
    said = texts_of(alice.post(FORM + "same/", {"name": "edge", "external": public_network.uuid}))
    assert "openstack router create --external-gateway public edge" in " ".join(
        said.replace("\\", " ").split()
    )
    answer = alice.post(FORM, {"name": "edge", "external": public_network.uuid}, follow=True)
    assert "Router edge is there." in texts_of(answer)
    assert Router.objects.get().external == public_network
    assert "edge Active public 198.18.0.2 no network" in texts_of(alice.get(LIST))


def test_a_form_that_is_wrong_makes_nothing(alice: Client, network: Any) -> None:
    assert alice.post(FORM, {"name": ""}).status_code == 422
    refused = alice.post(FORM, {"name": "edge", "external": network.uuid})
    assert refused.status_code == 422
    assert "is not an external network" in texts_of(refused)
    assert 'value="edge"' in refused.content.decode()
    assert not Router.objects.exists()


def test_it_joins_a_subnet_and_leaves_it(alice: Client, router: Router, network: Any) -> None:
    subnet = network.subnets.get()
    assert "lan: 10.0.0.0/24, as 10.0.0.1" in texts_of(alice.get(of(router, "join/")))
    alice.post(of(router, "join/"), {"subnet": subnet.uuid})
    assert legs(router) == ["10.0.0.1"]
    assert "no subnet that it could join" in texts_of(alice.get(of(router, "join/")))
    page = texts_of(alice.get(of(router)))
    for words in ("1 joined", "lan", "10.0.0.0/24", "Add interface to edge Done", "Create router edge Done"):
        assert words in page
    assert "edge router" in texts_of(alice.get(f"/ui/networks/{network.uuid}/"))
    assert "Router edge is in use" in texts_of(alice.get(of(router, "delete/")))
    alice.post(of(router, "delete/"))
    port = router.ports.get()
    assert "10.0.0.1" in texts_of(alice.get(of(router, f"leave/{port.uuid}/")))
    alice.post(of(router, f"leave/{port.uuid}/"))
    assert legs(router) == []


def test_what_is_refused_is_told_and_nothing_typed_is_lost(alice: Client, router: Router) -> None:
    refused = alice.post(of(router, "route/"), {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"})
    assert refused.status_code == 422
    assert "is not connected with router" in texts_of(refused)
    assert 'value="10.9.0.0/16"' in refused.content.decode()


def test_routes_are_added_and_removed(alice: Client, cloud: People, router: Router, network: Any) -> None:
    routers.add_interface(cloud.alice.caller, router.uuid, subnet_uuid=network.subnets.get().uuid)
    alice.post(of(router, "route/"), {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"})
    router.refresh_from_db()
    assert router.routes == [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}]
    assert 'value="10.9.0.0/16 10.0.0.9"' in alice.get(of(router)).content.decode()
    alice.post(of(router, "route/remove/"), {"do": "10.9.0.0/16 10.0.0.9"})
    router.refresh_from_db()
    assert router.routes == []


def test_its_gateway_is_set_without_nat_and_cleared(
    alice: Client, router: Router, public_network: Any
) -> None:
    assert "nothing: it only joins networks" in texts_of(alice.get(of(router, "gateway/")))
    alice.post(of(router, "gateway/"), {"external": public_network.uuid})
    router.refresh_from_db()
    assert (router.external, router.snat) == (public_network, False)
    assert "off: only floating IPs get out" in texts_of(alice.get(of(router)))
    alice.post(of(router, "gateway/"), {"external": "", "snat": "on"})
    router.refresh_from_db()
    assert (router.external, router.snat) == (None, True)


def test_it_is_renamed_switched_off_and_deleted(alice: Client, router: Router) -> None:
    alice.post(of(router, "edit/"), {"name": "core"})
    assert "core Off" in texts_of(alice.get(LIST))
    answer = alice.post(of(router, "delete/"), follow=True)
    assert "Router core is deleted." in texts_of(answer)
    assert not Router.objects.exists()
    gone = alice.get(of(router, "facts/"), headers={"HX-Request": "true"})
    assert gone["HX-Redirect"] == LIST


PATHS = [
    ("get", "", {}), ("get", "facts/", {}), ("get", "edit/", {}), ("get", "gateway/", {}),
    ("get", "join/", {}),
    ("get", "route/", {}), ("get", "delete/", {}), ("get", "leave/x/", {}), ("post", "leave/x/", {}),
    ("post", "edit/", {"name": "taken"}), ("post", "gateway/", {"external": ""}), ("post", "delete/", {}),
    ("post", "join/", {"subnet": "x"}), ("post", "route/remove/", {"do": "a b"}),
    ("post", "route/", {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form"), PATHS)
def test_only_who_has_a_router_sees_and_changes_it(
    cloud: People, router: Router, client: Client, bob: Client, method: str, path: str, form: dict[str, str]
) -> None:
    for other in (bob, signed_in(cloud.admin)):
        answer = getattr(other, method)(of(router, path), form)
        gone = answer.status_code == 303 and answer["Location"] == LIST
        assert answer.status_code == 404 or gone
    assert "edge" not in texts_of(bob.get(LIST + "rows/"))
    stranger = getattr(client, method)(of(router, path), form)
    assert (stranger.status_code, stranger["Location"].partition("?")[0]) == (302, "/ui/login/")
    router.refresh_from_db()
    assert (router.name, router.deleting) == ("edge", False)


def test_a_subnet_of_others_is_not_joined(bob: Client, cloud: People, router: Router, network: Any) -> None:
    mine = routers.create(cloud.bob.caller, name="mine")
    refused = bob.post(of(mine, "join/"), {"subnet": network.subnets.get().uuid})
    assert refused.status_code == 422
    assert legs(mine) == []


def test_lists_and_pages_cost_the_same_number_of_queries_whatever_they_show(
    alice: Client, cloud: People, router: Router, django_assert_max_num_queries: Any
) -> None:
    caller = cloud.alice.caller
    for number in range(5):
        made = networks.create(caller, name=f"n-{number}")
        subnet = networks.create_subnet(caller, made.uuid, cidr=f"10.{number}.0.0/24")
        routers.add_interface(caller, router.uuid, subnet_uuid=subnet.uuid)
        routers.create(caller, name=f"r-{number}")
    with django_assert_max_num_queries(27):
        assert "r-4" in texts_of(alice.get(LIST))
    with django_assert_max_num_queries(30):
        assert "5 joined" in texts_of(alice.get(of(router)))
