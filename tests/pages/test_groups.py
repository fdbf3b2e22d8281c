"""Pages of security groups."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.networks import groups
from synnefo.cyclades.networks.models import SecurityGroup, SecurityRule
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import texts_of

pytestmark = pytest.mark.django_db

LIST = "/ui/security-groups/"


@pytest.fixture
def group(cloud: People) -> SecurityGroup:
    return groups.create(cloud.alice.caller, name="web", description="what browsers need")


def page(group: SecurityGroup, rest: str = "") -> str:
    return f"{LIST}{group.uuid}/{rest}"


def incoming(group: SecurityGroup) -> list[tuple[Any, ...]]:
    rows = SecurityRule.objects.filter(group=group, direction="ingress").order_by("pk")
    return list(rows.values_list("ethertype", "protocol", "port_min", "port_max", "remote_cidr"))


def test_every_project_has_its_default(alice: Client, bob: Client, group: SecurityGroup) -> None:
    assert "what browsers need" in texts_of(alice.get(LIST))
    assert "Default security group" in texts_of(alice.get(LIST))
    assert "web" not in texts_of(bob.get(f"{LIST}rows/"))


def test_what_others_have_is_not_there(bob: Client, group: SecurityGroup) -> None:
    for rest in ("", "rule/", "port/", "delete/"):
        assert bob.get(page(group, rest)).status_code == 404, rest
    for rest in ("rule/", "port/", "act/", "delete/"):
        assert bob.post(page(group, rest), {"service": "ssh", "do": "rule:x"}).status_code == 404, rest
    assert incoming(group) == []


def test_a_group_is_created(alice: Client) -> None:
    said = texts_of(alice.post(f"{LIST}create/same/", {"name": "web"}))
    assert "openstack security group create web" in said
    alice.post(f"{LIST}create/", {"name": "web", "description": "x"})
    assert SecurityGroup.objects.get(name="web").description == "x"
    for name in ("", "default"):
        assert alice.post(f"{LIST}create/", {"name": name}).status_code == 422


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"service": "ssh"}, ("IPv4", "tcp", 22, 22, "")),
        ({"service": "ping", "remote": "192.0.2.0/24"}, ("IPv4", "icmp", None, None, "192.0.2.0/24")),
        ({"service": "all", "remote": "2001:db8::/32"}, ("IPv6", "", None, None, "2001:db8::/32")),
        ({"service": "other", "protocol": "udp", "ports": "53"}, ("IPv4", "udp", 53, 53, "")),
        ({"service": "other", "protocol": "tcp", "ports": "8000-8100"}, ("IPv4", "tcp", 8000, 8100, "")),
    ],
)
def test_rules_are_added_and_removed(
    alice: Client, group: SecurityGroup, typed: dict[str, str], kept: tuple[Any, ...]
) -> None:
    alice.post(page(group, "rule/"), {"direction": "ingress", **typed})
    assert incoming(group) == [kept]
    rule = SecurityRule.objects.get(group=group, direction="ingress")
    assert rule.uuid in alice.get(page(group)).content.decode()
    alice.post(page(group, "act/"), {"do": f"rule:{rule.uuid}"})
    assert incoming(group) == []


@pytest.mark.parametrize(
    "wrong", [{"ports": "x"}, {"ports": "1-2-3"}, {"ports": "70000"}, {"remote": "nowhere"}]
)
def test_a_rule_that_makes_no_sense_is_refused(
    alice: Client, group: SecurityGroup, wrong: dict[str, str]
) -> None:
    alice.post(page(group, "rule/"), {"service": "other", "protocol": "tcp", **wrong})
    assert incoming(group) == []
    assert alice.get(page(group)).status_code == 200


def test_a_group_is_put_on_a_server_and_taken_away(
    alice: Client, group: SecurityGroup, server: Server
) -> None:
    port = server.ports.get()
    assert "web-1 on lan" in texts_of(alice.get(page(group, "port/")))
    alice.post(page(group, "port/"), {"port": port.uuid})
    assert sorted(row.name for row in port.security_groups.all()) == ["default", "web"]
    assert "web-1" in texts_of(alice.get(page(group)))
    assert "is in use" in texts_of(alice.get(page(group, "delete/")))
    alice.post(page(group, "delete/"))
    assert SecurityGroup.objects.filter(pk=group.pk).exists()
    alice.post(page(group, "act/"), {"do": f"port:{port.uuid}"})
    assert [row.name for row in port.security_groups.all()] == ["default"]


def test_a_group_is_deleted_but_not_the_default(alice: Client, cloud: People, group: SecurityGroup) -> None:
    alice.post(page(group, "delete/"))
    assert not SecurityGroup.objects.filter(pk=group.pk).exists()
    default = groups.default_of(cloud.alice.caller)
    alice.post(page(default, "delete/"))
    assert SecurityGroup.objects.filter(pk=default.pk).exists()
