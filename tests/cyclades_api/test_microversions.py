"""Compute's microversions: which one is spoken, and what each of them brings."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.servers import rules
from tests.conftest import People
from tests.cyclades_api.conftest import PUBLIC_KEY, Api
from tests.cyclades_api.test_servers import KEYS

V = "compute/v2.1"
Settle = Callable[[], None]


def answered(api: Api, **headers: str) -> Any:
    names = {"new": "OpenStack-API-Version", "old": "X-OpenStack-Nova-API-Version"}
    named = {names[key]: value for key, value in headers.items()}
    return Client().get(f"/cyclades/openstack/{V}/servers", headers={"X-Auth-Token": api.token, **named})


@pytest.mark.parametrize(
    ("headers", "spoken"),
    [
        ({}, "2.1"),
        ({"new": "compute 2.19"}, "2.19"),
        ({"new": "volume 3.70, compute 2.19"}, "2.19"),
        ({"new": "volume 3.70"}, "2.1"),
        ({"old": "2.37"}, "2.37"),
        ({"new": "compute latest", "old": "2.2"}, "2.37"),
    ],
)
def test_the_one_that_is_named_is_spoken(alice: Api, headers: dict[str, str], spoken: str) -> None:
    answer = answered(alice, **headers)
    assert answer.status_code == 200
    assert answer["OpenStack-API-Version"] == f"compute {spoken}"
    assert answer["X-OpenStack-Nova-API-Version"] == spoken
    assert "X-OpenStack-Nova-API-Version" in answer["Vary"]


@pytest.mark.parametrize(
    ("named", "status"),
    [("2.38", 406), ("2.0", 406), ("3.1", 406), ("1.9", 406), ("2", 400), ("2.01", 400), ("two", 400)],
)
def test_one_that_is_not_spoken_is_refused(alice: Api, named: str, status: int) -> None:
    answer = answered(alice, new=f"compute {named}")
    assert answer.status_code == status
    assert named in answer.content.decode()


def test_servers_are_told_more_of(alice: Api, order: dict[str, Any], settle: Settle) -> None:
    order["server"] |= {"description": "of mine", "tags": ["blue", "red"]}
    server = alice.json("POST", f"{V}/servers", order)["server"]["id"]
    settle()
    for minor, more in ((1, set()), (9, {"locked"}), (19, {"locked", "description"})):
        shown = alice.speaking(f"2.{minor}").json("GET", f"{V}/servers/{server}")["server"]
        assert set(shown) == KEYS | more
    newest = alice.speaking("latest")
    shown = newest.json("GET", f"{V}/servers/{server}")["server"]
    assert (shown["locked"], shown["description"], shown["tags"]) == (False, "of mine", ["blue", "red"])
    assert newest.json("GET", f"{V}/servers/detail")["servers"] == [shown]
    alice.json("POST", f"{V}/servers/{server}/action", {"lock": None})
    change = {"server": {"description": "another's"}}
    changed = newest.json("PUT", f"{V}/servers/{server}", change)["server"]
    assert (changed["locked"], changed["description"], changed["tags"]) == (
        True,
        "another's",
        ["blue", "red"],
    )
    assert alice("PUT", f"{V}/servers/{server}", change).status_code == 400


def test_administrators_are_told_where_and_how(
    admin: Api, cloud: People, order: dict[str, Any], settle: Settle
) -> None:
    lan = admin.json("POST", "network/v2.0/networks", {"network": {"name": "lan"}})["network"]["id"]
    subnet = {"network_id": lan, "cidr": "10.0.0.0/24"}
    admin.json("POST", "network/v2.0/subnets", {"subnet": subnet})
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    order["server"] |= {"name": "Web", "max_count": 2, "networks": [{"uuid": lan}], "user_data": data}
    order["server"]["return_reservation_id"] = True
    reservation = admin.json("POST", f"{V}/servers", order)["reservation_id"]
    prefix, newer = "OS-EXT-SRV-ATTR:", admin.speaking("2.16")
    told = [row[f"{prefix}user_data"] for row in newer.json("GET", f"{V}/servers/detail")["servers"]]
    settle()
    assert told == [data, data]
    second, first = newer.json("GET", f"{V}/servers/detail")["servers"]
    for place, shown in enumerate((first, second)):
        assert shown[f"{prefix}reservation_id"] == reservation
        assert shown[f"{prefix}launch_index"] == place
        assert shown[f"{prefix}hostname"] == f"web-{place + 1}"
        assert shown[f"{prefix}user_data"] is None  # it is kept for the first boot alone
        assert shown["host_status"] == "UP"
    [old, _] = admin.json("GET", f"{V}/servers/detail")["servers"]
    assert not {"host_status", f"{prefix}hostname"} & set(old)


def test_it_costs_no_more_queries_for_many_servers(admin: Api, order: dict[str, Any], settle: Settle) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    order["server"] |= {"networks": "none", "tags": ["a"]}
    counts = []
    for _ in range(2):
        admin.speaking("2.37").json("POST", f"{V}/servers", order)
        settle()
        with CaptureQueriesContext(connection) as asked:
            admin.speaking("2.37").json("GET", f"{V}/servers/detail")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_networks_are_chosen_by_words(
    alice: Api, bob: Api, cloud: People, order: dict[str, Any], settle: Settle
) -> None:
    newest = alice.speaking("2.37")

    def made(api: Api, **more: Any) -> dict[str, Any]:
        body = {"server": {**order["server"], **more}}
        server = api.json("POST", f"{V}/servers", body)["server"]["id"]
        settle()
        addresses: dict[str, Any] = api.json("GET", f"{V}/servers/{server}")["server"]["addresses"]
        return addresses

    assert made(newest, networks="none") == {}
    assert list(made(newest, networks="auto")) == ["lan"]
    del order["server"]["networks"]
    assert newest("POST", f"{V}/servers", order).status_code == 400
    assert list(made(alice)) == ["lan"]
    order["server"]["networks"] = "none"
    assert alice("POST", f"{V}/servers", order).status_code == 400
    # bob has none: one is made for him, once
    for _ in range(2):
        assert list(made(bob.speaking("2.37"), networks="auto")) == ["auto_allocated_network"]
    own = [row for row in bob.json("GET", "network/v2.0/networks")["networks"] if not row["router:external"]]
    assert [row["name"] for row in own] == ["auto_allocated_network"]
    assert rules.servers_for(cloud.bob.caller).count() == 2


def test_a_network_that_was_never_finished_is_finished(
    bob: Api, order: dict[str, Any], settle: Settle
) -> None:
    """Whoever made it was killed before it had a range."""
    half = {"network": {"name": "auto_allocated_network"}}
    made = bob.json("POST", "network/v2.0/networks", half)["network"]["id"]
    body = {"server": {**order["server"], "networks": "auto"}}
    bob.speaking("2.37").json("POST", f"{V}/servers", body)
    settle()
    own = [row for row in bob.json("GET", "network/v2.0/networks")["networks"] if not row["router:external"]]
    assert [(row["id"], len(row["subnets"])) for row in own] == [(made, 1)]


def test_consoles_are_of_their_own(alice: Api, server: str) -> None:
    act, path = {"os-getVNCConsole": {"type": "novnc"}}, f"{V}/servers/{server}"
    wanted = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    assert alice("POST", f"{path}/action", act).status_code == 200
    assert alice("POST", f"{path}/remote-consoles", wanted).status_code == 404
    newer = alice.speaking("2.6")
    assert newer("POST", f"{path}/action", act).status_code == 404
    shown = newer.json("POST", f"{path}/remote-consoles", wanted)["remote_console"]
    assert (shown["protocol"], shown["type"]) == ("vnc", "novnc")
    assert "console" in shown["url"]
    for protocol, kind in (("serial", "serial"), ("vnc", "serial")):
        wanted = {"remote_console": {"protocol": protocol, "type": kind}}
        assert newer("POST", f"{path}/remote-consoles", wanted).status_code == 400


def test_tags_find_servers(alice: Api, order: dict[str, Any], settle: Settle) -> None:
    newest, found = alice.speaking("2.26"), {}
    for name, words in (("both", ["a", "b"]), ("one", ["a"]), ("no", [])):
        body = {"server": {**order["server"], "name": name}}
        found[name] = alice.json("POST", f"{V}/servers", body)["server"]["id"]
        settle()
        shown = newest.json("PUT", f"{V}/servers/{found[name]}/tags", {"tags": words})
        assert shown == {"tags": words}
    for query, names in (
        ("tags=a,b", {"both"}), ("tags-any=a,b", {"both", "one"}), ("not-tags=a,b", {"one", "no"}),
        ("not-tags-any=a,b", {"no"}), ("tags=a&not-tags-any=b", {"one"}),
    ):  # fmt: skip
        rows = newest.json("GET", f"{V}/servers?{query}")["servers"]
        assert {row["name"] for row in rows} == names, query
    path = f"{V}/servers/{found['no']}/tags"
    made = newest("PUT", f"{path}/new")
    assert (made.status_code, made["Location"].endswith(f"{path}/new")) == (201, True)
    assert newest("PUT", f"{path}/new").status_code == 204
    assert newest.get(f"{path}/new").status_code == 204
    assert newest("DELETE", f"{path}/new").status_code == 204
    assert newest("DELETE", f"{path}/new").status_code == 404
    assert newest("DELETE", path).status_code == 204
    assert alice.get(path).status_code == 404


def test_key_pairs_are_of_a_kind_an_owner_and_a_page(alice: Api, cloud: People) -> None:
    path, me = f"{V}/os-keypairs", cloud.alice.caller.user
    wanted = {"keypair": {"name": "a", "public_key": PUBLIC_KEY, "type": "ssh"}}
    assert alice("POST", path, wanted).status_code == 400
    kinds, owners, pages = (alice.speaking(f"2.{minor}") for minor in (2, 10, 35))
    made = kinds("POST", path, wanted)
    assert (made.status_code, made.json()["keypair"]["type"]) == (201, "ssh")
    assert kinds("POST", path, {"keypair": {"name": "x", "type": "x509"}}).status_code == 400
    assert owners("POST", path, {"keypair": {"name": "b", "user_id": me}}).status_code == 201
    other = cloud.bob.caller.user
    assert owners("POST", path, {"keypair": {"name": "c", "user_id": other}}).status_code == 403
    assert owners.get(f"{path}?user_id={other}").status_code == 403
    assert owners.get(f"{path}/a?user_id={me}").status_code == 200
    first = pages.json("GET", f"{path}?limit=1")
    assert [row["keypair"]["name"] for row in first["keypairs"]] == ["a"]
    second = pages.json("GET", first["keypairs_links"][0]["href"].partition("/openstack/")[2])
    assert [row["keypair"]["name"] for row in second["keypairs"]] == ["b"]
    assert "keypairs_links" not in second
    assert pages.get(f"{path}?marker=nope").status_code == 400
    assert len(alice.json("GET", f"{path}?limit=1")["keypairs"]) == 2
    assert kinds("DELETE", f"{path}/a").status_code == 204
    assert alice("DELETE", f"{path}/b").status_code == 202


def test_engines_are_told_in_newer_words(admin: Api, backend_row: Any) -> None:
    path = f"{V}/os-hypervisors"
    [old] = admin.json("GET", f"{path}/detail")["hypervisors"]
    assert (old["cpu_info"], old["host_ip"]) == ("", "127.0.0.1")
    assert admin.speaking("2.28").json("GET", f"{path}/detail")["hypervisors"][0]["cpu_info"] == {}
    assert admin.speaking("2.33").json("GET", f"{path}?marker={backend_row.pk}")["hypervisors"] == []
    services, body = f"{V}/os-services", {"host": backend_row.name, "binary": "nova-compute"}
    newer = admin.speaking("2.11")
    assert admin("PUT", f"{services}/force-down", {**body, "forced_down": True}).status_code == 404
    assert newer("PUT", f"{services}/force-down", body).status_code == 400
    for down in (True, False):
        told = newer.json("PUT", f"{services}/force-down", {**body, "forced_down": down})["service"]
        assert told["forced_down"] is down
        assert newer.json("GET", services)["services"][0]["forced_down"] is down


def test_networks_are_not_counted_by_nova_any_more(alice: Api, cloud: People) -> None:
    path = f"{V}/os-quota-sets/{cloud.alice.caller.project}"
    gone = {"floating_ips", "security_groups", "security_group_rules", "fixed_ips"}
    old, new = (alice.speaking(version).json("GET", path)["quota_set"] for version in ("2.35", "2.36"))
    assert set(old) - set(new) == gone
    old, new = (
        alice.speaking(version).json("GET", f"{V}/limits")["limits"]["absolute"]
        for version in ("2.35", "2.36")
    )
    assert set(old) - set(new) == {
        "maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules", "totalFloatingIpsUsed",
        "totalSecurityGroupsUsed",
    }  # fmt: skip


def test_what_else_is_newer(alice: Api, admin: Api, server: str, flavor: Any, settle: Settle) -> None:
    path = f"{V}/servers/{server}"
    dump = {"trigger_crash_dump": None}
    assert alice.speaking("2.16")("POST", f"{path}/action", dump).status_code == 404
    assert alice.speaking("2.17")("POST", f"{path}/action", dump).status_code == 400
    groups, body = f"{V}/os-server-groups", {"server_group": {"name": "g", "policies": ["affinity"]}}
    assert "user_id" not in alice.json("POST", groups, body)["server_group"]
    assert {"user_id", "project_id"} <= set(alice.speaking("2.13").json("GET", groups)["server_groups"][0])
    grant = {"addTenantAccess": {"tenant": "11111111-2222-4333-8444-555555555555"}}
    access = f"{V}/flavors/{flavor.uuid}/action"
    assert admin.speaking("2.7")("POST", access, grant).status_code == 409
    assert alice("DELETE", path).status_code == 204
    settle()
    assert alice.get(f"{path}/os-instance-actions").status_code == 404
    told = alice.speaking("2.21").json("GET", f"{path}/os-instance-actions")["instanceActions"]
    assert {"create", "delete"} <= {row["action"] for row in told}
