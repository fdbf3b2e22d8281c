"""The list of servers, one server, and what is done to them from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.common.listing import ROWS
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.engine.models import Operation
from tests.conftest import People
from tests.pages.conftest import limit, texts_of

LIST = "/ui/servers/"
Settle = Callable[[], None]


def names_in(answer: Any) -> list[str]:
    """The servers of a list, in its order."""
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


@pytest.fixture
def three(new_server: Callable[..., Server]) -> list[Server]:
    return [new_server(name) for name in ("beta", "alpha", "gamma")]


def test_without_servers_the_page_says_what_they_are_and_how_to_get_one(alice: Client) -> None:
    page = texts_of(alice.get(LIST))
    assert "No servers yet" in page
    assert "openstack server create" in page


def test_a_row_says_what_one_looks_for(alice: Client, cloud: People, server: Server) -> None:
    floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)
    page = texts_of(alice.get(LIST))
    for words in ("web-1", "Running", "10.0.0.2", "198.18.0.2", "1 CPU, 256 MB, 1 GB", "tiny", "just now"):
        assert words in page


def test_rows_come_newest_first_and_as_one_sorts_them(alice: Client, three: list[Server]) -> None:
    assert names_in(alice.get(LIST)) == ["gamma", "alpha", "beta"]
    assert names_in(alice.get(LIST + "?sort=name")) == ["alpha", "beta", "gamma"]
    assert names_in(alice.get(LIST + "?sort=-name")) == ["gamma", "beta", "alpha"]


@pytest.mark.parametrize("nonsense", ["sort=drop", "page=0", "page=x", "page=999", "state=odd", "q=%00"])
def test_an_address_that_means_nothing_shows_the_list(
    alice: Client, three: list[Server], nonsense: str
) -> None:
    assert len(names_in(alice.get(f"{LIST}?{nonsense}"))) == 3


def test_rows_are_found_by_name_address_and_state(
    alice: Client, cloud: People, three: list[Server], settle: Settle
) -> None:
    rules.stop(cloud.alice.caller, three[0].uuid)
    assert names_in(alice.get(LIST + "?state=changing")) == ["beta"]
    settle()
    assert names_in(alice.get(LIST + "?state=stopped")) == ["beta"]
    assert names_in(alice.get(LIST + "?state=running&sort=name")) == ["alpha", "gamma"]
    assert names_in(alice.get(LIST + "?q=ALP")) == ["alpha"]
    assert names_in(alice.get(LIST + "?q=10.0.0.2")) == ["beta"]
    assert names_in(alice.get(LIST + "?q=" + three[2].uuid)) == ["gamma"]
    assert "No server matches “nothing”" in texts_of(alice.get(LIST + "?q=nothing"))


def test_a_page_has_fifty_rows_and_leads_to_the_next(
    alice: Client, cloud: People, image: Any, flavor: Any, backend_row: Any
) -> None:
    caller = cloud.alice.caller
    Server.objects.bulk_create(
        Server(
            name=f"s-{number:03}", userid=caller.user, project=caller.project, flavor=flavor,
            image=image.uuid, backend=backend_row, operstate="STARTED", task="",
        )
        for number in range(ROWS + 5)
    )  # fmt: skip
    first = alice.get(LIST + "?sort=name")
    assert len(names_in(first)) == ROWS
    assert f"{ROWS} of {ROWS + 5}" in texts_of(first)
    assert "?sort=name&amp;page=2" in first.content.decode()
    assert names_in(alice.get(LIST + "?sort=name&page=2")) == [
        f"s-{number:03}" for number in range(ROWS, ROWS + 5)
    ]


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, three: list[Server], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(31):
        assert len(names_in(alice.get(LIST))) == 3


def test_the_living_part_is_sent_again_only_when_it_changed(
    alice: Client, cloud: People, server: Server, settle: Settle
) -> None:
    Server.objects.update(created="2020-01-01T00:00:00Z")
    for path in ("/ui/servers/rows/", f"/ui/servers/{server.uuid}/facts/"):
        first = alice.get(path)
        assert first.status_code == 200
        again = alice.get(path, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    rules.stop(cloud.alice.caller, server.uuid)
    changed = alice.get("/ui/servers/rows/", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert 'data-refresh="2"' in changed.content.decode()
    settle()
    assert 'data-refresh="15"' in alice.get("/ui/servers/rows/").content.decode()


@pytest.mark.parametrize("do", ["stop", "reboot", "hard-reboot"])
def test_an_action_is_done_and_told(alice: Client, server: Server, settle: Settle, do: str) -> None:
    answer = alice.post(
        "/ui/servers/act/", {"do": f"{do}:{server.uuid}", "next": LIST + "?sort=name"}, follow=True
    )
    assert answer.redirect_chain == [(LIST + "?sort=name", 303)]
    assert f"web-1 is {'stopping' if do == 'stop' else 'rebooting'}." in texts_of(answer)
    settle()
    server.refresh_from_db()
    assert server.operstate == ("STOPPED" if do == "stop" else "STARTED")


def test_ticked_servers_are_acted_on_together_and_refusals_are_told_by_name(
    alice: Client, cloud: People, three: list[Server], settle: Settle
) -> None:
    rules.stop(cloud.alice.caller, three[0].uuid)
    settle()
    answer = alice.post(
        "/ui/servers/act/", {"do": "stop", "server": [row.uuid for row in three]}, follow=True
    )
    page = texts_of(answer)
    assert "2 servers: each is stopping." in page
    assert "beta: Cannot perform" in page
    settle()
    assert set(Server.objects.values_list("operstate", flat=True)) == {"STOPPED"}


def test_only_what_is_possible_is_offered(
    alice: Client, cloud: People, server: Server, settle: Settle
) -> None:
    def offered() -> set[str]:
        return set(re.findall(r'value="([a-z-]+):' + server.uuid, alice.get(LIST).content.decode()))

    assert offered() == {"stop", "reboot", "hard-reboot", "pause", "suspend", "shelve", "lock"}
    rules.stop(cloud.alice.caller, server.uuid)
    assert offered() == {"lock"}
    settle()
    assert offered() == {"start", "shelve", "lock"}


def test_deleting_says_what_goes_and_what_stays(alice: Client, cloud: People, server: Server) -> None:
    floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)
    page = texts_of(alice.get(f"/ui/servers/delete/?server={server.uuid}"))
    assert "Delete web-1 ?" in page or "Delete web-1?" in page
    assert "its 1 GB disk and all that is on it" in page
    assert "10.0.0.2" in page
    assert "The floating IP 198.18.0.2 stays" in page
    assert Server.objects.filter(deleted=False, task="").exists()


@pytest.mark.parametrize("release", [True, False])
def test_a_deleted_server_is_gone_and_its_floating_ip_as_one_chose(
    alice: Client, cloud: People, server: Server, settle: Settle, release: bool
) -> None:
    floating.create(cloud.alice.caller, port_uuid=server.ports.get().uuid)
    form = {"server": [server.uuid], "typed": "web-1", "next": LIST, **({"release": "1"} if release else {})}
    answer = alice.post("/ui/servers/delete/now/", form, follow=True)
    assert "web-1 is being deleted." in texts_of(answer)
    settle()
    assert Server.objects.get().deleted
    assert IPAddress.objects.filter(floating_ip=True).exists() is not release


def test_a_page_of_a_server_that_is_gone_leads_to_the_list(
    alice: Client, cloud: People, server: Server, settle: Settle
) -> None:
    rules.delete(cloud.alice.caller, server.uuid)
    settle()
    answer = alice.get(f"/ui/servers/{server.uuid}/facts/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == LIST
    assert "The server is deleted." in texts_of(alice.get(LIST))


def test_a_server_page_has_facts_addresses_and_history(
    alice: Client, cloud: People, server: Server, settle: Settle
) -> None:
    rules.reboot(cloud.alice.caller, server.uuid, hard=True)
    page = texts_of(alice.get(f"/ui/servers/{server.uuid}/"))
    for words in (
        "C1R256D1local",
        server.uuid,
        "10.0.0.2",
        "lan",
        "Create",
        "Reboot (hard)",
        "In progress",
        "Done",
    ):
        assert words in page
    settle()
    assert "In progress" not in texts_of(alice.get(f"/ui/servers/{server.uuid}/"))


def test_its_volumes_are_named_and_lead_to_their_pages(alice: Client, server: Server) -> None:
    answer = alice.get(f"/ui/servers/{server.uuid}/")
    [root] = server.volumes.all()
    assert "Root of web-1 1 GB, boots from it" in texts_of(answer)
    assert f'href="/ui/volumes/{root.uuid}/"' in answer.content.decode()


def test_what_is_under_way_tells_its_step_of_how_many_and_who_asked(
    alice: Client, cloud: People, server: Server
) -> None:
    rules.reboot(cloud.alice.caller, server.uuid, hard=False)
    page = texts_of(alice.get(f"/ui/servers/{server.uuid}/"))
    assert re.search(r"Reboot In progress step 1 of 2: [a-z ]+ just now \d s you", page)
    system_row = Operation.objects.latest("pk")
    system_row.actor = ""
    system_row.save(update_fields=("actor",))
    assert "the cloud" in texts_of(alice.get(f"/ui/servers/{server.uuid}/"))


def test_a_server_is_renamed(alice: Client, server: Server) -> None:
    path = f"/ui/servers/{server.uuid}/"
    assert 'name="name" value="web-1"' in alice.get(path + "rename/").content.decode()
    assert (
        "<h1>new name</h1>"
        in alice.post(path + "rename/", {"name": "new name"}, follow=True).content.decode()
    )
    refused = alice.post(path + "rename/", {"name": " "}, follow=True)
    assert "1 to 255 printable characters are needed" in texts_of(refused)
    server.refresh_from_db()
    assert server.name == "new name"


@pytest.mark.parametrize("typed", ["", "web", "WEB-1", "web-1 x"])
def test_a_server_goes_only_if_its_name_is_typed(alice: Client, server: Server, typed: str) -> None:
    answer = alice.post("/ui/servers/delete/now/", {"server": server.uuid, "typed": typed})
    assert answer.status_code == 422
    assert "Nothing was deleted." in texts_of(answer)
    assert not Server.objects.exclude(task="").exists()


def test_several_servers_go_if_their_number_is_typed(
    alice: Client, three: list[Server], settle: Settle
) -> None:
    uuids = [row.uuid for row in three[:2]]
    assert "Type 2 servers to confirm" in texts_of(
        alice.get(f"/ui/servers/delete/?server={uuids[0]}&server={uuids[1]}")
    )
    assert alice.post("/ui/servers/delete/now/", {"server": uuids, "typed": "beta"}).status_code == 422
    alice.post("/ui/servers/delete/now/", {"server": uuids, "typed": "2 servers"})
    settle()
    assert Server.objects.filter(deleted=True).count() == 2


def test_a_floating_ip_is_added_in_one_step_and_released(
    alice: Client, server: Server, settle: Settle
) -> None:
    path = f"/ui/servers/{server.uuid}/"
    added = alice.post(path + "floating-ip/add/", follow=True)
    assert "198.18.0.2 leads to web-1 now." in texts_of(added)
    assert "ssh root@198.18.0.2" in texts_of(added)
    ip = IPAddress.objects.get(floating_ip=True)
    assert ip.nat_port == server.ports.get()
    assert alice.post(path + "floating-ip/add/").status_code == 400
    released = alice.post(path + "floating-ip/remove/", {"address": ip.uuid}, follow=True)
    assert "198.18.0.2 is released" in texts_of(released)
    assert not IPAddress.objects.filter(floating_ip=True).exists()


def test_without_quota_no_floating_ip_is_added_and_the_page_says_why(
    alice: Client, cloud: People, server: Server
) -> None:
    limit(cloud, floating_ip=0)
    page = texts_of(alice.post(f"/ui/servers/{server.uuid}/floating-ip/add/", follow=True))
    assert "Floating IPs: 1 needed, 0 left." in page
    assert not IPAddress.objects.filter(floating_ip=True).exists()


def test_a_server_that_cannot_be_started_for_lack_of_quota_stays_off_and_the_page_says_why(
    alice: Client, cloud: People, server: Server, settle: Settle
) -> None:
    rules.stop(cloud.alice.caller, server.uuid)
    settle()
    limit(cloud, ram=0)
    page = texts_of(alice.post("/ui/servers/act/", {"do": f"start:{server.uuid}"}, follow=True))
    assert "web-1: This is more than your quota allows. RAM: 256 MB needed, 0 bytes left." in page
    settle()
    server.refresh_from_db()
    assert server.operstate == "STOPPED"


def test_an_address_of_another_server_is_not_released_from_here(
    alice: Client, cloud: People, new_server: Callable[..., Server]
) -> None:
    one, other = new_server("one"), new_server("other")
    ip = floating.create(cloud.alice.caller, port_uuid=other.ports.get().uuid)
    answer = alice.post(f"/ui/servers/{one.uuid}/floating-ip/remove/", {"address": ip.uuid})
    assert answer.status_code == 404
    assert IPAddress.objects.filter(uuid=ip.uuid).exists()


def test_names_are_shown_and_never_run(alice: Client, cloud: People, image: Any, flavor: Any) -> None:
    name = '"><script>alert(1)</script>'
    server, _ = rules.create(cloud.alice.caller, ServerRequest(name, image.uuid, flavor.uuid, []))
    for path in (LIST, f"/ui/servers/{server.uuid}/", f"/ui/servers/delete/?server={server.uuid}"):
        assert "<script>alert" not in alice.get(path).content.decode()


OTHERS_PATHS = [
    ("get", "/ui/servers/{}/rename/", {}),
    ("post", "/ui/servers/{}/rename/", {"name": "taken"}),
    ("get", "/ui/servers/{}/", {}),
    ("get", "/ui/servers/{}/facts/", {}),
    ("get", "/ui/servers/{}/log/", {}),
    ("get", "/ui/servers/{}/console/", {}),
    ("post", "/ui/servers/{}/console/ticket/", {}),
    ("post", "/ui/servers/{}/floating-ip/add/", {}),
    ("post", "/ui/servers/{}/floating-ip/remove/", {}),
    ("get", "/ui/servers/delete/?server={}", {}),
    ("post", "/ui/servers/delete/now/", {"server": "{}", "typed": "web-1"}),
    ("post", "/ui/servers/act/", {"do": "stop:{}"}),
    ("post", "/ui/servers/act/", {"do": "hard-reboot", "server": "{}"}),
]


@pytest.mark.parametrize(("method", "path", "form"), OTHERS_PATHS)
def test_other_peoples_servers_are_not_there(
    bob: Client, server: Server, settle: Settle, method: str, path: str, form: dict[str, str]
) -> None:
    uuid = server.uuid
    data = {key: value.format(uuid) for key, value in form.items()}
    answer = (
        getattr(bob, method)(path.format(uuid), data or None)
        if method == "post"
        else bob.get(path.format(uuid))
    )
    gone = (
        answer.status_code == 303 and answer["Location"] == LIST
    )  # the living part of a page leads to the list
    assert answer.status_code == 404 or gone
    settle()
    server.refresh_from_db()
    assert (server.operstate, server.task, server.deleted) == ("STARTED", "", False)
    assert server.name == "web-1"


@pytest.mark.parametrize(("method", "path", "form"), OTHERS_PATHS)
def test_nothing_of_it_works_without_signing_in(
    client: Client, server: Server, method: str, path: str, form: dict[str, str]
) -> None:
    data = {key: value.format(server.uuid) for key, value in form.items()}
    answer = getattr(client, method)(path.format(server.uuid), data)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/ui/login/")


def test_the_list_has_only_ones_own(bob: Client, server: Server) -> None:
    assert "No servers yet" in texts_of(bob.get(LIST))
