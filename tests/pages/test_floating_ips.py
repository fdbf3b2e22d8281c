"""Floating IPs: the list, a new one, where one leads, and giving them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import floating as servers_floating
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import limit, signed_in, texts_of

LIST, FORM = "/ui/floating-ips/", "/ui/floating-ips/create/"


def addresses_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


def offered(answer: Any) -> list[str]:
    return re.findall(r'<option value="([^"]+)"', answer.content.decode())


@pytest.fixture
def ip(cloud: People, server: Server) -> Any:
    """Leads to Alice's server."""
    return floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)


@pytest.fixture
def free(cloud: People) -> Any:
    return floating.create(cloud.alice.caller)


def test_without_one_the_page_says_what_they_are(alice: Client, cloud: People) -> None:
    page = texts_of(alice.get(LIST))
    assert "No floating IPs yet" in page
    assert "openstack floating ip create NETWORK" in page


def test_a_row_says_where_it_leads(alice: Client, ip: Any, free: Any) -> None:
    page = texts_of(alice.get(LIST + "?sort=address"))
    assert "198.18.0.2 public web-1 10.0.0.2 just now" in page
    assert "198.18.0.3 public nothing just now" in page


def test_they_are_found_by_address_server_and_use(alice: Client, ip: Any, free: Any) -> None:
    assert addresses_in(alice.get(LIST + "?sort=-address")) == [free.address, ip.address]
    assert addresses_in(alice.get(LIST + "?q=web")) == [ip.address]
    assert addresses_in(alice.get(LIST + "?q=198.18.0.3")) == [free.address]
    assert addresses_in(alice.get(LIST + "?state=free")) == [free.address]
    assert addresses_in(alice.get(LIST + "?state=in+use")) == [ip.address]


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, cloud: People, new_server: Callable[..., Server], django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        floating.create(cloud.alice.caller, port_uuid=new_server(f"web-{number}").ports.get().uuid)
    with django_assert_max_num_queries(30):
        assert len(addresses_in(alice.get(LIST))) == 4


def test_one_is_allocated_and_leads_to_a_server_at_once(
    alice: Client, cloud: People, server: Server, public_network: Any
) -> None:
    form = alice.get(FORM)
    port = server.ports.get().uuid
    assert f'value="{public_network.uuid}" checked' in form.content.decode()
    assert offered(form) == [port]
    answer = alice.post(FORM, {"network": public_network.uuid, "port": port}, follow=True)
    assert "198.18.0.2 is yours and leads to web-1 now." in texts_of(answer)
    assert IPAddress.objects.get(floating_ip=True).nat_port == server.ports.get()
    alice.post(FORM, {"network": public_network.uuid, "port": ""})
    assert IPAddress.objects.get(address="198.18.0.3").nat_port is None


def test_what_cannot_be_had_is_told(alice: Client, bob: Client, cloud: People, ip: Any) -> None:
    public = ip.network.uuid
    assert alice.post(FORM, {}).status_code == 422
    assert "Choose a network." in texts_of(alice.post(FORM, {}))
    assert alice.post(FORM, {"network": "nonsense"}).status_code == 422
    taken = alice.post(FORM, {"network": public, "port": ip.nat_port.uuid})
    assert "has a floating IP already" in texts_of(taken)
    assert bob.post(FORM, {"network": public, "port": ip.nat_port.uuid}).status_code == 422
    limit(cloud, floating_ip=1)
    page = alice.get(FORM)
    assert "Floating IPs: 1 needed, 0 left" in texts_of(page)
    assert re.search(r'id="submit" disabled', page.content.decode())
    assert alice.post(FORM, {"network": public}).status_code == 422
    assert IPAddress.objects.filter(floating_ip=True).count() == 1


def test_only_cards_that_can_take_one_are_offered(
    alice: Client, cloud: People, ip: Any, free: Any, new_server: Callable[..., Server]
) -> None:
    other = new_server("web-2")
    assert offered(alice.get(f"{LIST}{free.uuid}/attach/")) == [other.ports.get().uuid]
    networks.get(cloud.alice.caller, other.ports.get().network.uuid).subnets.update(gateway=None)
    page = alice.get(f"{LIST}{free.uuid}/attach/")
    assert offered(page) == []
    assert "There is no server that could take it" in texts_of(page)


def test_one_is_attached_moved_and_detached(
    alice: Client, ip: Any, new_server: Callable[..., Server]
) -> None:
    other = new_server("web-2").ports.get()
    back = LIST + "?sort=address"
    moved = alice.post(f"{LIST}{ip.uuid}/attach/", {"port": other.uuid, "next": back}, follow=True)
    assert moved.redirect_chain == [(back, 303)]
    assert "198.18.0.2 leads to web-2 now." in texts_of(moved)
    ip.refresh_from_db()
    assert ip.nat_port == other
    assert "198.18.0.2 leads nowhere now." in texts_of(
        alice.post(LIST + "act/", {"do": f"detach:{ip.uuid}"}, follow=True)
    )
    ip.refresh_from_db()
    assert ip.nat_port is None


def test_ticked_ones_are_detached_and_released_together(alice: Client, ip: Any, free: Any) -> None:
    both = [ip.uuid, free.uuid]
    assert "2 floating IPs: each leads nowhere now." in texts_of(
        alice.post(LIST + "act/", {"do": "detach", "ip": both}, follow=True)
    )
    asked = alice.post(LIST + "act/", {"do": "release", "ip": both}, follow=True)
    assert "Release 2 floating IPs?" in texts_of(asked)
    assert IPAddress.objects.filter(floating_ip=True).count() == 2
    told = alice.post(LIST + "release/now/", {"ip": both}, follow=True)
    assert "2 floating IPs: each is released." in texts_of(told)
    assert not IPAddress.objects.filter(floating_ip=True).exists()


def test_releasing_says_what_cannot_be_reached_any_more(alice: Client, ip: Any) -> None:
    asked = texts_of(alice.get(f"{LIST}release/?ip={ip.uuid}"))
    assert "server web-1 stays, and cannot be reached by it any more" in asked


def test_one_that_a_card_has_as_its_own_is_shown_detached_and_then_released(
    alice: Client, cloud: People, server: Server, free: Any, settle: Callable[[], None]
) -> None:
    servers_floating.add(cloud.alice.caller, server, free.address)
    settle()
    page = alice.get(LIST)
    assert "198.18.0.2 public web-1" in texts_of(page)
    assert "/attach/" not in page.content.decode()
    assert addresses_in(alice.get(LIST + "?state=in+use&q=web")) == [free.address]
    own = alice.get(f"/ui/servers/{server.uuid}/")
    assert re.search(r"198\.18\.0\.2 floating Detach", texts_of(own))
    assert "The floating IP 198.18.0.2 stays yours." in texts_of(
        alice.get(f"/ui/servers/delete/?server={server.uuid}")
    )
    assert "Detach 198.18.0.2 from web-1 first" in texts_of(alice.get(f"{LIST}release/?ip={free.uuid}"))
    alice.post(LIST + "act/", {"do": f"detach:{free.uuid}"})
    settle()
    free.refresh_from_db()
    assert (free.port, server.ports.count()) == (None, 1)
    assert "198.18.0.2 is released." in texts_of(
        alice.post(LIST + "release/now/", {"ip": free.uuid}, follow=True)
    )


@pytest.mark.parametrize("form", [{"do": "detach"}, {"do": "odd"}, {"do": "detach", "ip": ["x"] * 101}])
def test_what_means_nothing_is_refused(alice: Client, cloud: People, form: dict[str, Any]) -> None:
    assert alice.post(LIST + "act/", form).status_code == 400


def test_the_same_request_follows_what_is_chosen(alice: Client, server: Server, public_network: Any) -> None:
    port = server.ports.get()
    answer = alice.post(FORM + "same/", {"network": public_network.uuid, "port": port.uuid})
    said = texts_of(answer).replace("\\ ", "")
    assert f"openstack floating ip create --port {port.uuid}" in said
    assert f"kamaki ip create --network-id {public_network.pk}" in said
    assert f"kamaki ip attach ADDRESS --server-id {server.pk}" in said
    assert f'port_id = "{port.uuid}"' in said


PATHS = [
    ("get", "{}/attach/", {}), ("post", "{}/attach/", {"port": "x"}), ("get", "release/?ip={}", {}),
    ("post", "act/", {"do": "detach:{}"}), ("post", "act/", {"do": "detach", "ip": "{}"}),
    ("post", "release/now/", {"ip": "{}"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form"), PATHS)
@pytest.mark.parametrize("who", ["bob", "admin", "nobody"])
def test_other_peoples_floating_ips_are_not_there(
    client: Client, cloud: People, ip: Any, who: str, method: str, path: str, form: dict[str, str]
) -> None:
    browser = client if who == "nobody" else signed_in(getattr(cloud, who))
    data = {key: value.format(ip.uuid) for key, value in form.items()}
    target = LIST + path.format(ip.uuid)
    answer = browser.get(target) if method == "get" else browser.post(target, data)
    assert answer.status_code == (302 if who == "nobody" else 404)
    assert IPAddress.objects.get(pk=ip.pk).nat_port == ip.nat_port
