"""Many at once take addresses, on PostgreSQL: no address twice, none lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from synnefo.common.faults import Conflict
from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddress, Network, Pool
from synnefo.cyclades.networks.pools import create as create_pool
from tests.conftest import SYSTEM, People

AT_ONCE = 50

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def all_at_once(act: object, count: int = AT_ONCE) -> list[object]:
    """What each of many threads got: a result, or the Conflict that it was answered."""
    start = threading.Barrier(count)

    def one(number: int) -> object:
        try:
            start.wait(30)
            return act(number)  # type: ignore[operator]
        except Conflict as fault:
            return fault
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_ports_made_at_once_have_different_addresses(cloud: People) -> None:
    alice = cloud.alice.caller
    network = networks.create(alice, name="lan")
    networks.create_subnet(alice, network.uuid, cidr="10.0.0.0/26")
    got = all_at_once(lambda number: ports.create(alice, network.uuid).addresses.get().address)
    assert all(isinstance(one, str) for one in got)
    assert sorted(got) == sorted(f"10.0.0.{number}" for number in range(2, AT_ONCE + 2))  # type: ignore[type-var]


def test_the_last_addresses_go_to_as_many_as_there_are(cloud: People) -> None:
    alice = cloud.alice.caller
    network = networks.create(alice, name="lan")
    networks.create_subnet(alice, network.uuid, cidr="10.0.0.0/28")
    got = all_at_once(lambda number: ports.create(alice, network.uuid).addresses.get().address)
    given = [one for one in got if isinstance(one, str)]
    assert len(given) == len(set(given)) == 13
    assert sum(isinstance(one, Conflict) for one in got) == AT_ONCE - 13
    assert network.ports.count() == 13


def test_floating_ips_taken_and_given_back_at_once(cloud: People, public_network: Network) -> None:
    alice = cloud.alice.caller

    def act(number: int) -> str:
        ip = floating.create(alice)
        if number % 2:
            floating.delete(alice, ip.uuid)
        return ip.uuid

    got = all_at_once(act, 20)
    assert all(isinstance(one, str) for one in got)
    left = list(IPAddress.objects.filter(floating_ip=True).values_list("address", flat=True))
    assert len(left) == len(set(left)) == 10


def test_prefixes_taken_at_once_are_different(cloud: People) -> None:
    create_pool(SYSTEM, Pool.Kind.MAC_PREFIX, base="aa:00:0", size=64)
    got = all_at_once(lambda number: networks.create(cloud.alice.caller, name="n").mac_prefix, 20)
    assert len(set(got)) == 20
