"""Subnets and ports on a network's page: added, changed, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.networks import groups, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Port, Subnet
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import signed_in, texts_of


def of(network: Any, rest: str = "") -> str:
    return f"/ui/networks/{network.uuid}/{rest}"


def test_an_ipv6_subnet_is_added_beside_the_other(alice: Client, network: Any) -> None:
    form = {"cidr": "fd00:1::/64", "name": "six", "gateway": "", "dhcp": "on", "mode": "slaac"}
    assert "The subnet is there." in texts_of(alice.post(of(network, "subnets/create/"), form, follow=True))
    made = network.subnets.get(ip_version=6)
    assert (made.cidr, made.gateway, made.ipv6_mode) == ("fd00:1::/64", "fd00:1::1", "slaac")
    page = texts_of(alice.get(of(network)))
    for words in ("10.0.0.0/24", "fd00:1::/64", "on (slaac)", "0 of 253 addresses", "0 addresses"):
        assert words in page


def test_all_that_a_subnet_has_is_said_in_its_form(alice: Client, network: Any) -> None:
    form = {
        "cidr": "10.8.0.0/24", "gateway": "none", "dns": "9.9.9.9, 1.1.1.1",
        "pools": "10.8.0.10-10.8.0.19\n10.8.0.30 - 10.8.0.39", "routes": "10.9.0.0/16 via 10.8.0.9",
    }  # fmt: skip
    alice.post(of(network, "subnets/create/"), form)
    made = network.subnets.get(cidr="10.8.0.0/24")
    assert (made.gateway, made.dhcp, made.dns_nameservers) == (None, False, ["9.9.9.9", "1.1.1.1"])
    assert made.host_routes == [{"destination": "10.9.0.0/16", "nexthop": "10.8.0.9"}]
    page = alice.get(f"/ui/subnets/{made.uuid}/edit/").content.decode()
    for words in ("10.8.0.10-10.8.0.19\n10.8.0.30-10.8.0.39", "10.9.0.0/16 via 10.8.0.9", 'value="none"'):
        assert words in page
    alice.post(f"/ui/subnets/{made.uuid}/edit/", {"gateway": "10.8.0.1", "dhcp": "on", "name": "n"})
    made.refresh_from_db()
    assert (made.name, made.gateway, made.dhcp, made.dns_nameservers) == ("n", "10.8.0.1", True, [])
    assert "0 of 20 addresses" in texts_of(alice.get(of(network)))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cidr": ""}, "Give it a range of addresses."),
        ({"cidr": "nonsense"}, "Invalid cidr"),
        ({"cidr": "10.0.0.0/25"}, "overlaps with another subnet"),
        ({"dns": "nobody"}, "Invalid DNS server"),
        ({"pools": "10.8.0.10"}, "is not of the form"),
        ({"routes": "10.9.0.0/16 via nowhere"}, "Invalid input for host_routes"),
        ({"mode": "slaac"}, "cannot be set when ip_version is 4"),
    ],
)
def test_a_subnet_that_makes_no_sense_is_refused_and_what_was_typed_stays(
    alice: Client, network: Any, wrong: dict[str, str], complaint: str
) -> None:
    typed = {"cidr": "10.8.0.0/24", "name": "kept", "dhcp": "on", **wrong}
    refused = alice.post(of(network, "subnets/create/"), typed)
    assert refused.status_code == 422
    assert complaint in texts_of(refused)
    assert 'value="kept"' in refused.content.decode()
    assert network.subnets.count() == 1


def test_a_subnet_goes_when_nothing_uses_it(alice: Client, cloud: People, network: Any) -> None:
    subnet = network.subnets.get()
    port = ports.create(cloud.alice.caller, network.uuid)
    asked = alice.get(f"/ui/subnets/{subnet.uuid}/delete/")
    assert "Subnet 10.0.0.0/24 is in use" in texts_of(asked)
    assert "btn-danger" not in asked.content.decode()
    refused = alice.post(f"/ui/subnets/{subnet.uuid}/delete/", follow=True)
    assert "one or more ports have an IP from it" in texts_of(refused)
    ports.delete(cloud.alice.caller, port.uuid)
    assert "Subnet 10.0.0.0/24 is deleted." in texts_of(
        alice.post(f"/ui/subnets/{subnet.uuid}/delete/", follow=True)
    )
    assert not Subnet.objects.filter(pk=subnet.pk).exists()


def test_a_port_is_made_as_it_is_wished_for(alice: Client, cloud: People, network: Any) -> None:
    default = groups.default_of(cloud.alice.caller)
    page = alice.get(of(network, "ports/create/")).content.decode()
    assert f'value="{default.uuid}" checked' in page
    form = {"name": "spare", "addresses": "10.0.0.77", "mac": "aa:00:00:00:00:77", "secured": "on"}
    alice.post(of(network, "ports/create/"), {**form, "groups": [default.uuid]})
    port = Port.objects.get(name="spare")
    assert ([ip.address for ip in port.addresses.all()], port.mac) == (["10.0.0.77"], "aa:00:00:00:00:77")
    assert "no server spare Down 10.0.0.77 none aa:00:00:00:00:77 default" in " ".join(
        word for word in texts_of(alice.get(of(network))).split()
    )


def test_a_port_gets_other_addresses_and_groups(alice: Client, cloud: People, server: Server) -> None:
    port, web = server.ports.get(), groups.create(cloud.alice.caller, name="web")
    assert 'value="10.0.0.2"' in alice.get(f"/ui/ports/{port.uuid}/edit/").content.decode()
    typed = {"name": "front", "addresses": "10.0.0.2 10.0.0.9", "secured": "on", "groups": [web.uuid]}
    alice.post(f"/ui/ports/{port.uuid}/edit/", typed)
    port.refresh_from_db()
    assert (port.name, [group.name for group in port.security_groups.all()]) == ("front", ["web"])
    assert [ip.address for ip in port.addresses.order_by("pk")] == ["10.0.0.2", "10.0.0.9"]
    refused = alice.post(f"/ui/ports/{port.uuid}/edit/", {**typed, "addresses": "10.0.0.1"})
    assert refused.status_code == 422
    assert 'value="10.0.0.1"' in refused.content.decode()


def test_a_port_without_security_has_no_groups(alice: Client, server: Server) -> None:
    port = server.ports.get()
    alice.post(f"/ui/ports/{port.uuid}/edit/", {"addresses": "10.0.0.2"})
    port.refresh_from_db()
    assert (port.port_security, port.security_groups.count()) == (False, 0)


def test_what_belongs_to_the_cloud_or_to_others_is_not_changed_here(
    alice: Client, bob: Client, client: Client, cloud: People, network: Any, public_network: Any
) -> None:
    subnet, port = network.subnets.get(), ports.create(cloud.alice.caller, network.uuid, name="p")
    paths = [
        of(network, "subnets/create/"), of(network, "ports/create/"), f"/ui/subnets/{subnet.uuid}/edit/",
        f"/ui/subnets/{subnet.uuid}/delete/", f"/ui/ports/{port.uuid}/edit/",
    ]  # fmt: skip
    form = {"cidr": "10.8.0.0/24", "name": "taken"}
    for path in paths:
        for other in (bob, signed_in(cloud.admin)):
            assert (other.get(path).status_code, other.post(path, form).status_code) == (404, 404), path
        assert client.post(path, form)["Location"].startswith("/ui/login/")
    public = public_network.subnets.get()
    for path in (of(public_network, "subnets/create/"), f"/ui/subnets/{public.uuid}/edit/"):
        assert alice.post(path, form).status_code == 403
    assert alice.post(of(public_network, "ports/create/"), form).status_code == 422
    assert alice.post(f"/ui/subnets/{public.uuid}/delete/").status_code == 403
    assert (network.subnets.count(), network.ports.count(), public_network.subnets.count()) == (1, 1, 1)


def test_another_subnet_costs_the_page_no_query(
    alice: Client, cloud: People, network: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        networks.create_subnet(cloud.alice.caller, network.uuid, cidr=f"10.{number + 1}.0.0/24")
        ports.create(cloud.alice.caller, network.uuid)
    with django_assert_max_num_queries(36):
        assert texts_of(alice.get(of(network))).count("no server") == 5
