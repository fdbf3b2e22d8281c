"""The dashboard: what it counts, what it tells of what was done, and to whom."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.projects.models import Membership, Project
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import floating
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import limit, texts_of

HOME, LIVE = "/ui/", "/ui/dashboard/"


def tallies(answer: Any) -> dict[str, int]:
    found = re.findall(r'state=(\w+)"><span class="tally">(\d+)<', answer.content.decode())
    return {name: int(number) for name, number in found}


def test_an_empty_cloud_shows_the_first_steps_with_their_commands(alice: Client, cloud: People) -> None:
    page = texts_of(alice.get(HOME))
    assert "First steps" in page
    assert "openstack keypair create --public-key" in page
    assert "openstack server create" in page
    keypairs.create(cloud.alice.caller, "laptop")
    page = texts_of(alice.get(HOME))
    assert "Done: Add an SSH key" in page
    assert "openstack keypair create" not in page


def test_every_resource_that_people_use_has_its_bar(alice: Client, cloud: People, server: Server) -> None:
    limit(cloud, vm=4, ram=512 * 2**20)
    page = texts_of(alice.get(HOME))
    for words in ("Servers 1 of 4", "RAM 256 MB of 512 MB", "CPUs", "Disk", "Networks", "Stored files"):
        assert words in page


def test_servers_are_counted_by_state_and_the_latest_are_named(
    alice: Client, cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]
) -> None:
    first = new_server("web-1")
    for number in range(2, 8):
        new_server(f"web-{number}")
    rules.stop(cloud.alice.caller, first.uuid)
    settle()
    Server.objects.filter(name="web-2").update(operstate="ERROR")
    rules.reboot(cloud.alice.caller, Server.objects.get(name="web-3").uuid, hard=False)
    answer = alice.get(HOME)
    assert tallies(answer) == {"running": 4, "stopped": 1, "changing": 1, "error": 1}
    assert re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode()) == [
        f"web-{number}" for number in (7, 6, 5, 4, 3)
    ]
    assert "All 7" in texts_of(answer)
    assert "First steps" not in texts_of(answer)


def test_what_one_did_is_told_with_its_outcome(
    alice: Client, cloud: People, server: Server, engine_room: Any, settle: Callable[[], None]
) -> None:
    caller = dataclasses.replace(cloud.alice.caller, request_id="req-the-reboot")
    rules.reboot(caller, server.uuid, hard=True)
    assert "Reboot server web-1 In progress just now you" in texts_of(alice.get(HOME))
    assert 'data-refresh="2"' in alice.get(LIVE).content.decode()
    settle()
    assert "Reboot server web-1 Done just now you" in texts_of(alice.get(HOME))
    assert 'data-refresh="15"' in alice.get(LIVE).content.decode()
    ip = floating.create(caller, port_uuid=server.ports.get().uuid)
    floating.delete(caller, ip.uuid)
    rules.delete(caller, server.uuid)
    settle()
    answer = alice.get(HOME)
    page = texts_of(answer)
    assert f"Release floating IP {ip.address} Done" in page
    assert "Delete server web-1 Done" in page
    assert f"/ui/servers/{server.uuid}/" not in answer.content.decode()


def test_one_sees_what_one_did_in_this_project_alone(
    alice: Client, bob: Client, cloud: People, server: Server
) -> None:
    assert "web-1" not in texts_of(bob.get(HOME))
    project = Project.objects.get(uuid=cloud.bob.user.uuid)
    Membership.objects.create(
        project=project, person=cloud.alice.user, state=Membership.State.ACCEPTED, initialized=True
    )
    alice.post("/ui/project/", {"project": project.uuid})
    page = texts_of(alice.get(HOME))
    assert "First steps" in page
    assert "web-1" not in page


@pytest.mark.parametrize("path", [HOME, LIVE])
def test_nobody_sees_it_without_signing_in(client: Client, cloud: People, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/ui/login/")


def test_it_is_sent_again_only_when_it_changed(alice: Client, cloud: People, server: Server) -> None:
    Server.objects.update(created="2020-01-01T00:00:00Z")
    first = alice.get(LIVE)
    assert alice.get(LIVE, headers={"If-None-Match": first["ETag"]}).status_code == 304
    rules.stop(cloud.alice.caller, server.uuid)
    assert alice.get(LIVE, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_it_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, new_server: Callable[..., Server], django_assert_max_num_queries: Any
) -> None:
    for name in ("a", "b", "c"):
        new_server(name)
    with django_assert_max_num_queries(38):
        assert tallies(alice.get(HOME))["running"] == 3
