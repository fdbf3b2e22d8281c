"""The administrators' dashboard: who may open it, what is found there, what is done and by whose right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from synnefo.admin.site import site
from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Scope
from synnefo.common.faults import Unauthorized
from synnefo.cyclades.networks import floating
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.engine.models import Operation
from tests.conftest import People
from tests.pages.conftest import limit, signed_in, texts_of

USERS, SERVERS = "/admin/users/", "/admin/servers/"
Settle = Callable[[], None]


def rows_in(answer: Any) -> list[str]:
    """What the first links of a list's rows say."""
    found = re.findall(
        r'<th[^>]*class="[^"]*field-\w+[^"]*"[^>]*>(.*?)</th>', answer.content.decode(), re.DOTALL
    )
    return [re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in found]


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def bobs(cloud: People, image: Any, flavor: Any, settle: Settle) -> Server:
    """A running server of Bob's."""
    made, _ = servers.create(cloud.bob.caller, ServerRequest("bobs-db", image.uuid, flavor.uuid, []))
    settle()
    return Server.objects.get(pk=made.pk)


def act(client: Client, table: str, name: str, *rows: Any, **more: str) -> Any:
    return client.post(f"{table}act/{name}/", {"row": [row.pk for row in rows], **more}, follow=True)


# -- who may ------------------------------------------------------------------------------------
def every_path(alice: User, server: Server) -> list[str]:
    return [
        "/admin/", "/admin/jsi18n/", USERS, SERVERS, f"{USERS}{alice.pk}/", f"{SERVERS}{server.pk}/",
        f"{USERS}act/suspend/?row={alice.pk}", f"{SERVERS}act/stop/?row={server.pk}",
    ]  # fmt: skip


def test_strangers_are_sent_to_sign_in_and_users_are_refused(
    client: Client, alice: Client, root: Client, people: People, server: Server
) -> None:
    for path in every_path(people.alice.user, server):
        sent = client.get(path)
        assert (sent.status_code, sent.headers["Location"].partition("?")[0]) == (302, "/ui/login/"), path
        refused = alice.get(path)
        assert (refused.status_code, "for its administrators" in texts_of(refused)) == (403, True), path
        assert root.get(path).status_code == 200, path


def test_nothing_is_done_for_those_who_may_not(
    client: Client, alice: Client, people: People, server: Server
) -> None:
    for who in (client, alice):
        who.post(f"{USERS}act/suspend/", {"row": people.bob.user.pk, "reason": "x"})
        who.post(f"{SERVERS}act/stop/", {"row": server.pk})
    assert User.objects.get(pk=people.bob.user.pk).is_active
    assert not Operation.objects.filter(kind="server.stop").exists()


def test_an_administrator_who_is_none_any_more_is_refused_at_once(root: Client, people: People) -> None:
    assert root.get(USERS).status_code == 200
    User.objects.filter(pk=people.admin.user.pk).update(is_superuser=False)
    assert root.get(USERS).status_code == 403


def test_there_is_no_way_to_save_a_row_by_hand(root: Client, people: People, server: Server) -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not [name for name in names if re.search(r"_(add|delete|history)$", name)]
    assert {type(table).__name__ for table in site._registry.values()} == {
        "Applications", "Components", "Flavors", "Mails", "Memberships", "Projects", "Requests", "Resources",
        "Servers", "Users",
    }  # fmt: skip
    for path in (USERS, SERVERS, "/admin/"):
        for made in ("add/", "1/delete/", "1/change/", "login/", "logout/", "password_change/"):
            assert root.get(path + made).status_code == 404, path + made
    for path in (f"{USERS}{people.bob.user.pk}/", f"{SERVERS}{server.pk}/"):
        before = list(User.objects.values()), list(Server.objects.values())
        assert (
            root.post(path, {"email": "x@example.org", "name": "x", "is_superuser": "on"}).status_code == 405
        )
        assert (list(User.objects.values()), list(Server.objects.values())) == before


@pytest.mark.parametrize("path", [f"{USERS}act/suspend/", f"{SERVERS}act/stop/", USERS])
def test_what_changes_something_needs_the_forms_token(people: People, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.admin.user)
    assert client.post(path, {"row": "1", "reason": "forged"}).status_code == 403


def test_pages_load_nothing_from_elsewhere_and_have_a_policy_of_their_own(
    root: Client, people: People, server: Server
) -> None:
    for path in every_path(people.alice.user, server):
        if path == "/admin/jsi18n/":
            continue
        answer = root.get(path)
        page, policy = answer.content.decode(), answer["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src-elem 'self';" in policy
        assert not re.search(r"<script(?![^>]*src=)|<style|\son[a-z]+=", page), path
        assert not re.search(r"""(src|href)=["'](https?:)?//""", page), path
    assert "unsafe" not in root.get("/ui/tokens/")["Content-Security-Policy"]


def test_the_way_there_is_shown_to_administrators_alone(alice: Client, root: Client) -> None:
    assert 'href="/admin/"' in root.get("/ui/tokens/").content.decode()
    assert 'href="/admin/"' not in alice.get("/ui/tokens/").content.decode()


# -- users --------------------------------------------------------------------------------------
def test_users_are_found_by_name_email_and_uuid(root: Client, people: People) -> None:
    assert sorted(rows_in(root.get(USERS))) == [f"{name}@example.org" for name in ("alice", "bob", "root")]
    for words in ("Alice", "ALICE@", people.alice.user.uuid, "alice tester"):
        assert rows_in(root.get(USERS, {"q": words})) == ["alice@example.org"], words
    assert rows_in(root.get(USERS, {"q": "nobody"})) == []


def test_users_are_filtered_by_state_and_sorted(root: Client, people: People) -> None:
    act(root, USERS, "suspend", people.bob.user, reason="spam")
    assert rows_in(root.get(USERS, {"state": "suspended"})) == ["bob@example.org"]
    active = rows_in(root.get(USERS, {"state": "active", "o": "1"}))
    assert active == ["alice@example.org", "root@example.org"]
    assert rows_in(root.get(USERS, {"is_superuser__exact": "1"})) == ["root@example.org"]
    assert "2" in texts_of(root.get("/admin/"))


def test_a_suspended_user_is_thrown_out_at_once(root: Client, client: Client, people: People) -> None:
    bob = signed_in(people.bob)
    token, _ = tokens.create_api_token(people.bob.caller, people.bob.user, "script")
    head = {"X-Auth-Token": token}
    path = "/astakos/identity/v3/auth/projects"
    assert (bob.get("/ui/tokens/").status_code, client.get(path, headers=head).status_code) == (200, 200)

    answer = act(root, USERS, "suspend", people.bob.user, reason="sends spam")
    assert "bob@example.org is suspended." in texts_of(answer)
    for refused in (token, people.bob.token):
        assert client.get(path, headers={"X-Auth-Token": refused}).status_code == 401
        with pytest.raises(Unauthorized):
            tokens.identify(refused)
    assert bob.get("/ui/tokens/").headers["Location"].startswith("/ui/login/")

    event = AuditEvent.objects.get(action="user.deactivate")
    assert (event.actor, event.actor_name) == (people.admin.user.uuid, "root@example.org")
    assert (event.target_id, event.details["reason"]) == (people.bob.user.uuid, "sends spam")
    page = texts_of(root.get(f"{USERS}{people.bob.user.pk}/"))
    for words in ("Suspended", "sends spam", "user.deactivate"):
        assert words in page

    act(root, USERS, "resume", people.bob.user)
    assert client.get(path, headers=head).status_code == 200


def test_suspending_asks_for_a_reason_and_says_what_it_means(root: Client, people: People) -> None:
    asked = texts_of(root.get(f"{USERS}act/suspend/", {"row": people.bob.user.pk}))
    assert "Suspend bob@example.org?" in asked
    assert "Servers go on running" in asked
    refused = act(root, USERS, "suspend", people.bob.user, reason="  ")
    assert refused.status_code == 422
    assert "Say why" in texts_of(refused)
    assert User.objects.get(pk=people.bob.user.pk).is_active


def test_several_users_are_suspended_at_once_from_the_list(root: Client, people: People) -> None:
    both = [people.alice.user, people.bob.user]
    ticked = {"action": "suspend", "_selected_action": [user.pk for user in both]}
    asked = root.post(USERS, ticked, follow=True)
    assert "Suspend 2 users?" in texts_of(asked)
    answer = act(root, USERS, "suspend", *both, reason="a test", next=f"{USERS}?state=suspended")
    assert "2 users: each is suspended." in texts_of(answer)
    assert sorted(rows_in(answer)) == ["alice@example.org", "bob@example.org"]
    assert not User.objects.filter(pk__in=[user.pk for user in both], is_active=True).exists()


def test_what_a_rule_refuses_is_told_and_the_others_are_done(root: Client, people: People) -> None:
    answer = act(root, USERS, "suspend", people.admin.user, people.bob.user, reason="all of them")
    page = texts_of(answer)
    assert "root@example.org: One cannot suspend oneself." in page
    assert "bob@example.org is suspended." in page
    assert User.objects.get(pk=people.admin.user.pk).is_active


def test_what_cannot_be_done_is_not_offered(root: Client, people: People) -> None:
    page = root.get(f"{USERS}{people.bob.user.pk}/").content.decode()
    assert "act/suspend/" in page
    assert "act/resume/" not in page
    assert "It cannot be done to bob@example.org now" in texts_of(
        root.get(f"{USERS}act/resume/", {"row": people.bob.user.pk})
    )


@pytest.mark.parametrize("query", ["", "?row=x", "?row=99999999999999999999", "?row=0", "?" + "row=1&" * 3])
def test_an_action_on_nothing_is_refused(root: Client, people: People, query: str) -> None:
    User.objects.filter(pk=1).delete()
    assert root.get(f"{USERS}act/suspend/{query}").status_code == 400
    assert root.get(f"{USERS}act/nonsense/{query}").status_code == 404
    assert root.get(f"{USERS}987654321/").status_code == 404


def test_after_an_action_one_goes_to_no_other_site(root: Client, people: People) -> None:
    answer = root.post(
        f"{USERS}act/suspend/",
        {"row": people.bob.user.pk, "reason": "x", "next": "https://elsewhere.example.org/"},
    )
    assert answer.headers["Location"] == USERS


def test_a_users_page_has_projects_and_quota(root: Client, people: People) -> None:
    limit(people, vm=3)
    page = texts_of(root.get(f"{USERS}{people.alice.user.pk}/"))
    for words in (people.alice.user.uuid, "cyclades.vm 0 3 0 3", "ACCEPTED"):
        assert words.lower() in page.lower()


# -- servers ------------------------------------------------------------------------------------
def test_all_servers_are_listed_with_their_owners(root: Client, server: Server, bobs: Server) -> None:
    answer = root.get(SERVERS)
    assert sorted(rows_in(answer)) == ["bobs-db", "web-1"]
    page = texts_of(answer)
    for words in ("alice@example.org", "bob@example.org", "10.0.0.2", "Running", "memory"):
        assert words in page


def test_servers_are_found_by_all_that_names_them(
    root: Client, people: People, server: Server, bobs: Server
) -> None:
    ip = floating.create(people.alice.caller, port_uuid=server.ports.get().uuid)
    for words in ("WEB-", server.uuid, str(server.pk), "10.0.0.2", ip.address, "Alice@", server.userid):
        assert "web-1" in rows_in(root.get(SERVERS, {"q": words})), words
    assert rows_in(root.get(SERVERS, {"q": "bob@example.org"})) == ["bobs-db"]
    assert rows_in(root.get(SERVERS, {"q": "nothing"})) == []


def test_servers_are_filtered_by_state_and_backend(
    root: Client, server: Server, bobs: Server, settle: Settle
) -> None:
    act(root, SERVERS, "stop", bobs)
    assert rows_in(root.get(SERVERS, {"state": "changing"})) == ["bobs-db"]
    settle()
    assert rows_in(root.get(SERVERS, {"state": "stopped"})) == ["bobs-db"]
    assert rows_in(root.get(SERVERS, {"state": "running"})) == ["web-1"]
    assert len(rows_in(root.get(SERVERS, {"backend__id__exact": str(server.backend_id)}))) == 2


def test_an_administrator_stops_and_starts_anybodys_server_by_the_rules(
    root: Client, people: People, bobs: Server, settle: Settle
) -> None:
    answer = act(root, SERVERS, "stop", bobs)
    assert "bobs-db is stopping." in texts_of(answer)
    settle()
    bobs.refresh_from_db()
    assert (bobs.operstate, bobs.wanted_on) == ("STOPPED", False)
    operation = Operation.objects.get(kind="server.stop")
    assert (operation.actor, operation.project) == (people.admin.user.uuid, bobs.project)
    event = AuditEvent.objects.get(action="server.stop")
    assert (event.actor_name, event.project) == ("root@example.org", bobs.project)
    page = texts_of(root.get(f"{SERVERS}{bobs.pk}/"))
    for words in ("Stop Done root@example.org", "server.stop root@example.org", "bob@example.org"):
        assert words in page
    act(root, SERVERS, "start", bobs)
    settle()
    bobs.refresh_from_db()
    assert bobs.operstate == "STARTED"


def test_what_a_server_used_is_given_back_to_its_owner(
    root: Client, people: People, bobs: Server, settle: Settle
) -> None:
    from synnefo.common.accounts import accounts

    def used(person: Any) -> int:
        return accounts().quotas(person.user.uuid, person.user.uuid)["cyclades.cpu"].usage

    assert (used(people.bob), used(people.admin)) == (1, 0)
    act(root, SERVERS, "stop", bobs)
    settle()
    assert (used(people.bob), used(people.admin)) == (0, 0)


def test_the_rules_refuse_administrators_what_the_state_does_not_allow(
    root: Client, bobs: Server, settle: Settle
) -> None:
    act(root, SERVERS, "stop", bobs)
    answer = act(root, SERVERS, "stop", bobs)
    assert "bobs-db: Cannot perform 'STOP' action while there is a pending 'STOP'" in texts_of(answer)


def test_only_the_dashboard_lets_administrators_see_what_is_not_theirs(people: People, bobs: Server) -> None:
    caller = people.admin.caller
    for scope, seen in ((Scope.OWNER, 0), (Scope.PROJECT, 0), (Scope.CLOUD, 1)):
        asking = type(caller)(**{**_fields(caller), "scope": scope})
        assert servers.servers_for(asking).count() == seen
    stranger = type(caller)(**{**_fields(people.alice.caller), "scope": Scope.CLOUD})
    assert servers.servers_for(stranger).count() == 0


def _fields(caller: Any) -> dict[str, Any]:
    return {name: getattr(caller, name) for name in caller.__dataclass_fields__}


def test_lists_cost_the_same_number_of_queries_whatever_they_show(
    root: Client, people: People, new_person: Callable[..., Any], new_server: Callable[..., Server],
    image: Any, flavor: Any, backend_row: Any, django_assert_max_num_queries: Callable[..., Any],
) -> None:  # fmt: skip
    new_server("one")
    for number in range(6):
        person = new_person(f"user{number}")
        Server.objects.create(
            name=f"s-{number}", userid=person.user.uuid, project=person.user.uuid, flavor=flavor,
            image=image.uuid, backend=backend_row, operstate="STARTED", task="",
        )  # fmt: skip
    with django_assert_max_num_queries(14):
        assert len(rows_in(root.get(USERS))) == 9
    with django_assert_max_num_queries(18):
        assert len(rows_in(root.get(SERVERS))) == 7
    with django_assert_max_num_queries(20):
        root.get("/admin/")


def test_a_page_has_fifty_rows_and_leads_to_the_next(
    root: Client, cloud: People, image: Any, flavor: Any, backend_row: Any
) -> None:
    Server.objects.bulk_create(
        Server(
            name=f"s-{number:03}", userid=cloud.alice.user.uuid, project=cloud.alice.user.uuid, flavor=flavor,
            image=image.uuid, backend=backend_row, operstate="STARTED", task="",
        )
        for number in range(55)
    )  # fmt: skip
    assert len(rows_in(root.get(SERVERS))) == 50
    assert len(rows_in(root.get(SERVERS, {"p": "2"}))) == 5
    assert len(rows_in(root.get(SERVERS, {"all": ""}))) == 50


def test_at_most_a_hundred_at_once(root: Client, people: People) -> None:
    assert root.get(f"{USERS}act/suspend/", {"row": list(range(1, 102))}).status_code == 400
