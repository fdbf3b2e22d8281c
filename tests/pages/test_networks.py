"""The list of networks, one network, a new one, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.projects.models import Membership, Project
from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import limit, signed_in, texts_of

LIST, FORM = "/ui/networks/", "/ui/networks/create/"
WANTED = {"name": "backend", "cidr": "10.1.0.0/16", "gateway": "on", "dhcp": "on"}


def names_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


def of(network: Any) -> str:
    return f"/ui/networks/{network.uuid}/"


def test_a_row_says_what_one_looks_for(alice: Client, server: Server) -> None:
    page = texts_of(alice.get(LIST))
    assert "lan Active 10.0.0.0/24 1 Private just now" in page
    assert "public Active 198.18.0.0/24 0 Public" in page


def test_networks_are_found_by_name_range_and_kind(alice: Client, cloud: People, network: Any) -> None:
    networks.create(cloud.alice.caller, name="other")
    assert names_in(alice.get(LIST + "?sort=name")) == ["lan", "other", "public"]
    assert names_in(alice.get(LIST + "?q=LA")) == ["lan"]
    assert names_in(alice.get(LIST + "?q=10.0.")) == ["lan"]
    assert names_in(alice.get(LIST + "?state=public")) == ["public"]
    assert names_in(alice.get(LIST + "?state=private&sort=name")) == ["lan", "other"]
    assert "No network matches “nothing”" in texts_of(alice.get(LIST + "?q=nothing"))


def test_lists_and_pages_cost_the_same_number_of_queries_whatever_they_show(
    alice: Client, cloud: People, new_server: Callable[..., Server], network: Any,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for number in range(5):
        networks.create(cloud.alice.caller, name=f"n-{number}")
        new_server(f"web-{number}")
    with django_assert_max_num_queries(30):
        assert len(names_in(alice.get(LIST))) == 7
    with django_assert_max_num_queries(34):
        assert texts_of(alice.get(of(network))).count("web-") == 5


def test_the_form_proposes_a_range_that_is_free(alice: Client, cloud: People, network: Any) -> None:
    networks.create_subnet(
        cloud.alice.caller, networks.create(cloud.alice.caller, name="b").uuid, cidr="192.168.0.0/23"
    )
    page = alice.get(FORM).content.decode()
    assert 'name="cidr" value="192.168.2.0/24"' in page


def test_a_network_is_made_with_its_subnet(alice: Client, cloud: People) -> None:
    answer = alice.post(FORM, WANTED, follow=True)
    assert "Network backend is there." in texts_of(answer)
    made = Network.objects.get(name="backend")
    assert answer.redirect_chain == [(of(made), 303)]
    subnet = made.subnets.get()
    assert (subnet.cidr, subnet.gateway, subnet.dhcp) == ("10.1.0.0/16", "10.1.0.1", True)
    assert (made.userid, made.project) == (cloud.alice.caller.user, cloud.alice.caller.project)


def test_gateway_and_dhcp_are_left_out_as_one_wishes(alice: Client, cloud: People) -> None:
    alice.post(FORM, {"name": "closed", "cidr": "10.1.0.0/24"})
    subnet = Network.objects.get(name="closed").subnets.get()
    assert (subnet.gateway, subnet.dhcp) == (None, False)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": ""}, "Give the network a name."),
        ({"cidr": ""}, "Give it a range of addresses."),
        ({"cidr": "10.0.0.1/24"}, "has host bits set"),
        ({"cidr": "10.0.0.0/31"}, "between 8 and 29"),
        ({"cidr": "nonsense"}, "Invalid cidr"),
        ({"cidr": "198.18.0.0/16"}, "which the cloud uses itself"),
    ],
)
def test_mistakes_are_told_at_the_field_and_nothing_is_left_behind(
    alice: Client, cloud: People, change: dict[str, str], complaint: str
) -> None:
    answer = alice.post(FORM, {**WANTED, **change})
    assert answer.status_code == 422
    assert texts_of(answer).count(complaint) == 2
    typed = {**WANTED, **change}
    assert f'name="name" value="{typed["name"]}"' in answer.content.decode()
    assert f'name="cidr" value="{typed["cidr"]}"' in answer.content.decode()
    assert not Network.objects.filter(public=False, deleted=False).exists()


def test_without_quota_the_button_is_off_and_says_why(alice: Client, cloud: People) -> None:
    limit(cloud, **{"network.private": 0})
    page = alice.get(FORM)
    assert "Networks: 1 needed, 0 left" in texts_of(page)
    assert re.search(r'id="submit" disabled', page.content.decode())
    refused = alice.post(FORM, WANTED)
    assert refused.status_code == 422
    assert "This is more than your quota allows." in texts_of(refused)


def test_the_same_request_follows_what_is_typed(alice: Client, cloud: People) -> None:
    said = texts_of(alice.post(FORM + "same/", {"name": "my net", "cidr": "10.1.0.0/24", "dhcp": "on"}))
    assert "openstack network create 'my net'" in said
    assert "kamaki network create --name 'my net'" in said
    assert "--no-gateway" in said
    assert "no_gateway = true" in said


def test_a_page_shows_facts_ports_and_what_was_done(
    alice: Client, cloud: People, server: Server, settle: Callable[[], None]
) -> None:
    network = Network.objects.get(name="lan")
    floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)
    settle()
    page = texts_of(alice.get(of(network)))
    for words in (
        network.uuid, "10.0.0.0/24", "10.0.0.1", "1 of 253 addresses", "web-1", "10.0.0.2", "198.18.0.2",
        server.ports.get().mac, "Create network lan Done", "Add subnet to lan Done",
    ):  # fmt: skip
        assert words in page


def test_a_network_is_renamed(alice: Client, network: Any) -> None:
    assert 'name="name" value="lan"' in alice.get(of(network) + "rename/").content.decode()
    answer = alice.post(of(network) + "rename/", {"name": "new name"}, follow=True)
    assert "<h1>new name</h1>" in answer.content.decode()


def test_a_network_that_is_not_needed_goes_after_a_question(alice: Client, network: Any) -> None:
    asked = texts_of(alice.get(of(network) + "delete/"))
    assert "This goes: network lan and its range 10.0.0.0/24" in asked
    answer = alice.post(of(network) + "delete/", follow=True)
    assert answer.redirect_chain == [(LIST, 303)]
    assert "Network lan is deleted." in texts_of(answer)
    assert not Network.objects.filter(deleted=False, public=False).exists()
    gone = alice.get(of(network) + "facts/", headers={"HX-Request": "true"})
    assert gone["HX-Redirect"] == LIST


def test_a_network_in_use_says_what_is_in_the_way(alice: Client, server: Server, network: Any) -> None:
    asked = alice.get(of(network) + "delete/")
    assert "server web-1 , 10.0.0.2" in texts_of(asked)
    assert "btn-danger" not in asked.content.decode()
    assert "ports still in use" in texts_of(alice.post(of(network) + "delete/", follow=True))
    assert Network.objects.filter(pk=network.pk, deleted=False).exists()


def test_a_port_that_no_server_has_is_removed(alice: Client, cloud: People, network: Any) -> None:
    port = ports.create(cloud.alice.caller, network.uuid)
    assert port.uuid in alice.get(of(network)).content.decode()
    alice.post(of(network) + "ports/remove/", {"port": port.uuid})
    assert not network.ports.exists()


def test_a_port_of_another_network_is_not_removed_from_here(
    alice: Client, cloud: People, network: Any
) -> None:
    other = networks.create(cloud.alice.caller, name="other")
    port = ports.create(cloud.alice.caller, other.uuid)
    assert alice.post(of(network) + "ports/remove/", {"port": port.uuid}).status_code == 404
    assert other.ports.exists()


def test_public_networks_are_shown_and_not_changed(
    alice: Client, cloud: People, public_network: Any, server: Server
) -> None:
    ip = floating.create(cloud.bob.caller)
    page = alice.get(of(public_network))
    assert "belongs to the cloud" in texts_of(page)
    assert "rename/" not in page.content.decode()
    assert ip.address not in texts_of(page)
    for path, form in (("rename/", {"name": "mine"}), ("delete/", {})):
        assert alice.post(of(public_network) + path, form).status_code == 403
    public_network.refresh_from_db()
    assert (public_network.name, public_network.deleted) == ("public", False)


def test_a_member_of_the_project_sees_a_shared_network_and_counts_only_what_he_sees(
    cloud: People, bob: Client, alice: Client, network: Any, server: Server, new_person: Any
) -> None:
    project = Project.objects.get(uuid=cloud.alice.user.uuid)
    Membership.objects.create(
        project=project, person=cloud.bob.user, state=Membership.State.ACCEPTED, initialized=True
    )
    bob.post("/ui/project/", {"project": project.uuid})
    assert bob.get(of(network)).status_code == 404
    Network.objects.filter(pk=network.pk).update(shared_to_project=True)
    page = texts_of(bob.get(of(network)))
    assert "Shared in the project" in page
    assert "web-1" not in page
    assert "1 port of other members" in texts_of(bob.get(of(network) + "delete/"))
    stranger = signed_in(new_person("carol"))
    assert stranger.get(of(network)).status_code == 404


PATHS = [
    ("get", "", {}), ("get", "facts/", {}), ("get", "rename/", {}), ("get", "delete/", {}),
    ("post", "rename/", {"name": "taken"}), ("post", "delete/", {}), ("post", "ports/remove/", {"port": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form"), PATHS)
def test_other_peoples_networks_are_not_there(
    bob: Client, network: Any, method: str, path: str, form: dict[str, str]
) -> None:
    answer = getattr(bob, method)(of(network) + path, form)
    gone = answer.status_code == 303 and answer["Location"] == LIST
    assert answer.status_code == 404 or gone
    network.refresh_from_db()
    assert (network.name, network.deleted) == ("lan", False)
    assert names_in(bob.get(LIST)) == ["public"]


@pytest.mark.parametrize(("method", "path", "form"), PATHS)
def test_nothing_of_it_works_without_signing_in(
    client: Client, network: Any, method: str, path: str, form: dict[str, str]
) -> None:
    for answer in (getattr(client, method)(of(network) + path, form), client.get(LIST), client.get(FORM)):
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/ui/login/")


def test_an_administrator_is_a_person_like_others_here(cloud: People, network: Any) -> None:
    assert signed_in(cloud.admin).get(of(network)).status_code == 404


def test_the_living_part_is_sent_again_only_when_it_changed(
    alice: Client, cloud: People, network: Any
) -> None:
    Network.objects.update(created="2020-01-01T00:00:00Z")
    first = alice.get(LIST + "rows/")
    assert alice.get(LIST + "rows/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    networks.rename(cloud.alice.caller, network.uuid, name="other")
    assert alice.get(LIST + "rows/", headers={"If-None-Match": first["ETag"]}).status_code == 200
