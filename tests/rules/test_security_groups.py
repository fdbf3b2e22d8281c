"""Rules of security groups, and what engines are told of them."""

from __future__ import annotations

from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.caller import Caller
from synnefo.cyclades.backends.base import CardFilter, FilterRule
from synnefo.cyclades.networks import groups, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.groups import Wish
from synnefo.cyclades.networks.models import Network, Port, SecurityGroup
from synnefo.cyclades.operations.pictures import network_spec
from tests.conftest import People

OUT = (FilterRule("egress", "IPv4"), FilterRule("egress", "IPv6"))


@pytest.fixture
def alice(cloud: People) -> Caller:
    return cloud.alice.caller


@pytest.fixture
def network(alice: Caller) -> Network:
    made = networks.create(alice, name="lan")
    networks.create_subnet(alice, made.uuid, cidr="10.0.0.0/24")
    return made


def filter_of(port: Port) -> CardFilter | None:
    spec = network_spec(port.network_id)
    return next((one for one in spec.filters if one.nic == port.engine_name), None)


def test_ports_get_the_projects_default_group_which_lets_its_own_in(alice: Caller, network: Network) -> None:
    first, second = (ports.create(alice, network.uuid) for _ in range(2))
    group = groups.default_of(alice)
    assert [one.name for one in first.security_groups.all()] == ["default"]
    name = f"group-{group.pk}"
    found = filter_of(first)
    assert found is not None
    assert set(found.rules or ()) == {
        *OUT,
        FilterRule("ingress", "IPv4", remote_set=name),
        FilterRule("ingress", "IPv6", remote_set=name),
    }
    addresses = [port.addresses.get().address for port in (first, second)]
    assert network_spec(network.pk).address_sets == {name: tuple(addresses)}
    ports.delete(alice, second.uuid)
    assert network_spec(network.pk).address_sets == {name: (addresses[0],)}


def test_where_clients_know_no_groups_ports_have_none(cloud: People, network: Network) -> None:
    port = ports.create(cloud.alice.caller.everywhere(), network.uuid)
    assert not port.security_groups.exists()
    assert filter_of(port) is None


def test_profiles_are_built_in_groups(cloud: People, network: Network) -> None:
    owner = cloud.alice.caller.everywhere()
    port = ports.create(owner, network.uuid)
    ports.set_profile(owner, port, "ENABLED")
    assert filter_of(port) == CardFilter(port.engine_name, OUT)
    ports.set_profile(owner, port, "PROTECTED")
    limited = filter_of(port)
    assert limited is not None
    assert FilterRule("ingress", "IPv4", "tcp", 22, 22) in (limited.rules or ())
    assert FilterRule("ingress", "IPv4", "tcp", 80, 80) not in (limited.rules or ())
    ports.set_profile(owner, port, "DISABLED")
    assert filter_of(port) is None
    with pytest.raises(faults.BadRequest):
        ports.set_profile(owner, port, "OPEN")


def test_public_cards_have_the_profile_of_the_setting(
    cloud: People, public_network: Network, settings: Any
) -> None:
    from synnefo.cyclades.networks import floating

    owner = cloud.alice.caller.everywhere()
    ip = floating.create(owner)
    port = floating.create_port(owner, public_network, ip.address)
    assert filter_of(port) is None
    settings.DEFAULT_FIREWALL_PROFILE = "ENABLED"
    assert filter_of(port) == CardFilter(port.engine_name, OUT)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish("sideways"), "direction"),
        (Wish("ingress", "IPX"), "ethertype"),
        (Wish("ingress", protocol="magic"), "not supported"),
        (Wish("ingress", protocol="256"), "not supported"),
        (Wish("ingress", protocol="icmpv6"), "Invalid ethertype"),
        (Wish("ingress", port_min=1, port_max=2), "specify protocol"),
        (Wish("ingress", protocol="gre", port_min=1, port_max=2), "no ports"),
        (Wish("ingress", protocol="tcp", port_min=2, port_max=1), "must be <="),
        (Wish("ingress", protocol="tcp", port_min=2), "must be <="),
        (Wish("ingress", protocol="udp", port_min=0, port_max=1), "port 0"),
        (Wish("ingress", protocol="tcp", port_min=-1, port_max=1), "port -1"),
        (Wish("ingress", protocol="icmp", port_min=256), "ICMP type"),
        (Wish("ingress", protocol="icmp", port_max=6), "is missing"),
        (Wish("ingress", remote_cidr="10.0.0.0/33"), "no range"),
        (Wish("ingress", remote_cidr="fd00::/64"), "Conflicting value ethertype"),
        (Wish("ingress", remote_cidr="10.0.0.0/8", remote_group="x"), "Only remote_ip_prefix or"),
        (Wish("ingress", description="x" * 256), "255"),
    ],
    ids=str,
)
def test_rules_that_there_cannot_be_are_refused(alice: Caller, wish: Wish, words: str) -> None:
    group = groups.create(alice, name="web")
    with pytest.raises(faults.BadRequest, match=words):
        groups.add_rule(alice, group.uuid, wish)
    assert group.rules.count() == 2


def test_a_rule_is_there_once(alice: Caller) -> None:
    group = groups.create(alice, name="web")
    groups.add_rule(alice, group.uuid, Wish("ingress", protocol="tcp", port_min=80, port_max=80))
    same = Wish("ingress", protocol="tcp", port_min=80, port_max=80, description="again")
    with pytest.raises(faults.Conflict):
        groups.add_rule(alice, group.uuid, same)
    groups.add_rule(alice, group.uuid, Wish("ingress", "IPv6", "tcp", 80, 80))
    assert group.rules.count() == 4


def test_the_default_group_stays_what_it_is(alice: Caller) -> None:
    default, web = groups.default_of(alice), groups.create(alice, name="web")
    for refused in (
        lambda: groups.delete(alice, default.uuid),
        lambda: groups.update(alice, default.uuid, name="other"),
        lambda: groups.update(alice, web.uuid, name="default"),
        lambda: groups.create(alice, name="default"),
    ):
        with pytest.raises(faults.Conflict):
            refused()
    assert groups.update(alice, default.uuid, name="default", description="ours").description == "ours"


def test_a_group_in_use_stays_and_takes_rules_that_name_it_along(alice: Caller, network: Network) -> None:
    web, db = (groups.create(alice, name=name) for name in ("web", "db"))
    groups.add_rule(alice, db.uuid, Wish("ingress", remote_group=web.uuid))
    port = ports.create(alice, network.uuid, security_groups=[web.uuid])
    with pytest.raises(faults.Conflict):
        groups.delete(alice, web.uuid)
    ports.set_groups(alice, port.uuid, [db])
    groups.delete(alice, web.uuid)
    assert db.rules.count() == 2


def test_groups_are_their_projects(cloud: People) -> None:
    alice, bob = cloud.alice.caller, cloud.bob.caller
    web = groups.create(alice, name="web")
    mine = groups.create(bob, name="web")
    rule = web.rules.all()[0]
    for act in (
        lambda: groups.get(bob, web.uuid),
        lambda: groups.delete(bob, web.uuid),
        lambda: groups.add_rule(bob, web.uuid, Wish("ingress")),
        lambda: groups.add_rule(bob, mine.uuid, Wish("ingress", remote_group=web.uuid)),
        lambda: groups.remove_rule(bob, rule.uuid),
    ):
        with pytest.raises(faults.ItemNotFound):
            act()
    assert groups.named(bob, ["web"]) == [mine]
    assert groups.named(alice, [web.uuid, "default"]) == [web, groups.default_of(alice)]
    SecurityGroup.objects.create(name="web", userid=alice.user, project=alice.project)
    with pytest.raises(faults.Conflict):
        groups.named(alice, ["web"])


def test_without_port_security_nothing_is_looked_at(alice: Caller, network: Network) -> None:
    port = ports.create(alice, network.uuid, port_security=False)
    assert not port.security_groups.exists()
    assert filter_of(port) == CardFilter(port.engine_name, None, False)
    web = groups.create(alice, name="web")
    for refused in (
        lambda: ports.create(alice, network.uuid, port_security=False, security_groups=[web.uuid]),
        lambda: ports.update(alice, port.uuid, address_pairs=[{"ip_address": "10.0.0.0/24"}]),
        lambda: ports.set_groups(alice, port.uuid, [web]),
    ):
        with pytest.raises(faults.Conflict):
            refused()


def test_a_port_uses_other_addresses_if_it_is_said(alice: Caller, network: Network) -> None:
    pair = {"ip_address": "10.0.0.200"}
    port = ports.create(alice, network.uuid, security_groups=[], address_pairs=[pair])
    found = filter_of(port)
    assert found is not None
    assert found.address_pairs == (("10.0.0.200", port.mac),)
    for bad in ("x", "10.0.0.300"):
        with pytest.raises(faults.BadRequest):
            ports.update(alice, port.uuid, address_pairs=[{"ip_address": bad}])


def test_limits(alice: Caller, settings: Any) -> None:
    settings.CYCLADES_MAX_SECURITY_GROUPS = 2
    web = groups.create(alice, name="web")
    with pytest.raises(faults.OverLimit):
        groups.create(alice, name="db")
    settings.CYCLADES_MAX_SECURITY_RULES = 6
    with pytest.raises(faults.OverLimit):
        groups.add_rule(alice, web.uuid, Wish("ingress"))
