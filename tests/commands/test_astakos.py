"""Commands of Astakos: accounts, projects, quota, the catalog."""

from __future__ import annotations

import datetime
import io
import json
import re
from typing import Any, cast

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError
from django.utils import timezone

from synnefo.astakos.accounts import login, tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.catalog import rules as catalog
from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project, ProjectLimit
from synnefo.astakos.quotas import rules as quotas
from synnefo.astakos.quotas.models import Commission, Holding
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import accounts, provisions_for
from synnefo.common.faults import Unauthorized
from synnefo.common.units import INFINITE
from tests.conftest import People
from tests.manage import listed, manage

PASSWORD = "a-long-password-1"


def user_of(email: str) -> User:
    return User.objects.get(username=email.lower())


@pytest.fixture
def eve(standard: None) -> User:
    """An account that was just added."""
    manage("user-add", "Eve@Example.org", "Eve", "Moneypenny", "--password", PASSWORD)
    return user_of("eve@example.org")


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


# -- accounts -------------------------------------------------------------------------------------
def test_an_account_is_added_verified_and_accepted(eve: User) -> None:
    assert (eve.email, eve.status) == ("Eve@Example.org", "Pending email verification")
    manage("user-modify", "EVE@example.org", "--verify", "--accept")
    eve.refresh_from_db()
    assert eve.status == "Accepted/Active (manual)"
    assert eve.default_project == eve.uuid
    assert Project.objects.get(uuid=eve.uuid).is_base
    assert login.by_password("eve@example.org", PASSWORD, address="") == eve


def test_a_generated_password_is_printed_below_the_uuid_and_works(standard: None) -> None:
    uuid, password = manage("user-add", "x@example.org", "X", "Y").split()
    manage("user-modify", uuid, "--verify", "--accept")
    assert login.by_password("x@example.org", password, address="") == User.objects.get(uuid=uuid)


def test_a_chosen_password_is_not_printed_and_may_come_from_standard_input(
    standard: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, f"{PASSWORD}\n")
    uuid = manage("user-add", "x@example.org", "X", "Y", "--password", "-")
    user = user_of("x@example.org")
    assert uuid.split() == [user.uuid]
    assert user.check_password(PASSWORD)


def test_an_account_is_added_with_rights(standard: None) -> None:
    manage(
        "user-add", "x@example.org", "X", "Y", "--admin", "-g", "helpdesk", "-g", "staff",
        "-p", "astakos.view_user",
    )  # fmt: skip
    user = user_of("x@example.org")
    assert user.is_superuser
    assert set(user.groups.values_list("name", flat=True)) == {"helpdesk", "staff"}
    assert user.user_permissions.get().codename == "view_user"


def test_an_account_is_rejected_with_a_reason(eve: User) -> None:
    manage("user-modify", str(eve.pk), "--verify")
    manage("user-modify", str(eve.pk), "--reject", "--reject-reason", "nobody knows her")
    eve.refresh_from_db()
    assert eve.status == "Rejected (nobody knows her)"
    manage("user-modify", eve.uuid, "--accept")
    eve.refresh_from_db()
    assert eve.is_active


def test_a_deactivated_user_is_kept_out_until_activated(people: People) -> None:
    uuid = people.alice.user.uuid
    manage("user-modify", uuid, "--set-inactive", "--inactive-reason", "on leave")
    assert User.objects.get(uuid=uuid).status == "Accepted/Inactive (on leave)"
    with pytest.raises(Unauthorized):
        tokens.identify(people.alice.token)
    manage("user-modify", uuid, "--set-active")
    assert tokens.identify(people.alice.token).user == uuid


def test_rights_are_given_and_taken(people: People) -> None:
    uuid = people.alice.user.uuid
    manage(
        "user-modify", uuid, "--set-admin", "--add-group", "staff", "--add-permission", "astakos.view_user"
    )
    user = User.objects.get(uuid=uuid)
    assert user.is_superuser
    assert user.groups.get().name == "staff"
    assert user.user_permissions.count() == 1
    manage(
        "user-modify", uuid, "--set-noadmin", "--delete-group", "staff",
        "--delete-permission", "astakos.view_user",
    )  # fmt: skip
    user = User.objects.get(uuid=uuid)
    assert not user.is_superuser
    assert not user.groups.exists()
    assert not user.user_permissions.exists()


def test_secrets_are_renewed_and_printed_once(people: People) -> None:
    email = people.alice.user.email
    password, token = manage("user-modify", email, "--renew-password", "--renew-token").split()
    assert login.by_password(email, password, address="") == people.alice.user
    assert tokens.identify(token).user == people.alice.user.uuid
    with pytest.raises(Unauthorized):
        tokens.identify(people.alice.token)
    assert manage("user-modify", email, "--password", PASSWORD) == ""
    assert login.by_password(email, PASSWORD, address="") == people.alice.user


def test_no_secret_is_audited(people: People) -> None:
    email = people.alice.user.email
    secrets = manage("user-modify", email, "--renew-password", "--renew-token").split()
    manage("user-modify", email, "--password", PASSWORD)
    events = json.dumps(list(AuditEvent.objects.values("action", "target_id", "details")))
    assert "user.password" in events
    assert all(secret not in events for secret in [*secrets, PASSWORD])


def test_a_new_email_is_the_new_login_name(people: People) -> None:
    manage("user-modify", people.alice.user.uuid, "--set-email", "Alice@New.example.org")
    assert login.by_password("alice@new.example.org", PASSWORD, address="") == people.alice.user


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_an_account_is_removed_when_confirmed(
    eve: User, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    type_in(monkeypatch, answer)
    if left:
        with pytest.raises(CommandError, match="nothing was changed"):
            manage("user-modify", eve.uuid, "--delete")
    else:
        manage("user-modify", eve.uuid, "--delete")
    assert User.objects.filter(pk=eve.pk).count() == left


def test_an_account_is_removed_without_asking_but_never_an_accepted_one(eve: User, people: People) -> None:
    manage("user-modify", eve.uuid, "--delete", "-f")
    assert not User.objects.filter(pk=eve.pk).exists()
    with pytest.raises(CommandError, match="never accepted"):
        manage("user-modify", people.alice.user.uuid, "--delete", "-f")


def test_of_several_changes_all_or_none_are_made(eve: User) -> None:
    with pytest.raises(CommandError, match="No permission"):
        manage("user-modify", eve.uuid, "--verify", "--accept", "--add-permission", "astakos.nothing")
    eve.refresh_from_db()
    assert eve.status == "Pending email verification"
    assert not Project.objects.filter(uuid=eve.uuid).exists()


def test_accounts_are_listed_by_state_and_group(people: People, eve: User) -> None:
    row = listed("user-list", "--filter-by", "email=root@example.org")[0]
    assert list(row) == ["id", "displayname", "realname", "uuid", "active", "admin"]
    assert (row["displayname"], row["active"], row["admin"]) == ("root@example.org", "True", "True")

    def names(*arguments: str) -> list[str]:
        return [row["displayname"].partition("@")[0] for row in listed("user-list", *arguments)]

    assert names("--active") == ["alice", "bob", "root"]
    assert names("--pending-verification") == ["Eve"]
    manage("user-modify", eve.uuid, "--verify", "--add-group", "a", "--add-group", "b")
    manage("user-modify", "bob@example.org", "--add-group", "b")
    assert names("--pending-moderation") == ["Eve"]
    assert sorted(names("--group", "a", "--group", "b")) == ["Eve", "bob"]
    assert [row["groups"] for row in listed("user-list", "-o", "groups", "--group", "a")] == ["a, b"]
    assert [(row["name"], row["users_count"]) for row in listed("group-list")] == [("a", "1"), ("b", "2")]


def test_an_account_is_shown_whole_but_for_secrets(people: People) -> None:
    alice = people.alice.user
    manage("user-modify", alice.uuid, "--add-group", "staff", "--add-permission", "astakos.view_user")
    for style in ("pretty", "json", "csv"):
        text = manage("user-show", str(alice.pk), "--quota", "--projects", "--output-format", style)
        assert alice.uuid in text
        assert not re.search(r"token|md5|digest|password", text)
    (shown,) = listed("user-show", "ALICE@example.org", "--quota", "--projects", "--unit-style", "pb")
    assert shown["status"] == "Accepted/Active (manual)"
    assert (shown["groups"], shown["permissions"]) == ("staff", "astakos.view_user")
    quota: Any = shown["quota"]
    assert {
        "source": alice.uuid, "resource": "cyclades.ram", "limit": "1 PB", "usage": "0 PB",
        "effective_limit": "1 PB",
    } in quota  # fmt: skip
    assert [row["membership"] for row in cast(Any, shown["memberships"])] == ["Accepted"]


def test_a_token_is_made_for_a_program(people: People) -> None:
    token = manage(
        "token-add", people.bob.user.uuid, "--name", "backup", "--hours", "2", "--read-only"
    ).strip()
    identity = tokens.identify(token)
    assert (identity.user, identity.read_only) == (people.bob.user.uuid, True)
    row = tokens.api_tokens_of(people.bob.user).get()
    assert row.name == "backup"
    assert row.expires - row.created < datetime.timedelta(hours=2, seconds=1)
    assert token not in json.dumps(list(AuditEvent.objects.values("details")))


def test_a_token_for_a_program_is_limited_to_a_project_and_services(people: People, settings: Any) -> None:
    bob = people.bob.user
    limits = ("--project", bob.uuid, "--service", "image", "--service", "compute")
    identity = tokens.identify(manage("token-add", "bob@example.org", *limits).strip())
    assert (identity.project, identity.confined) == (bob.uuid, True)
    assert identity.services == {"image", "compute"}
    with pytest.raises(CommandError, match="no member"):
        manage("token-add", "bob@example.org", "--project", people.alice.user.uuid)
    with pytest.raises(CommandError, match="every token ends"):
        manage("token-add", "bob@example.org", "--forever")
    settings.ASTAKOS_TOKENS_WITHOUT_END = True
    manage("token-add", "bob@example.org", "--forever", "--name", "always")
    assert tokens.api_tokens_of(bob).get(name="always").expires == tokens.NEVER


# -- projects and quota ---------------------------------------------------------------------------
@pytest.fixture
def team(people: People) -> Project:
    """A project of Bob's; Alice is a member."""
    project = Project.objects.create(
        realname="team.example.org", name="team.example.org", owner=people.bob.user,
        state=Project.State.NORMAL, end_date=timezone.now() + datetime.timedelta(days=30),
    )  # fmt: skip
    projects.fill_limits([project], Resource.objects.all())
    project.memberships.create(person=people.alice.user, state=1, initialized=True)
    projects.sync([project])
    return project


def use(user: User, project: str, **amounts: int) -> int:
    wanted = provisions_for(user.uuid, project, {f"cyclades.{name}": many for name, many in amounts.items()})
    return quotas.issue(wanted, client="tests", name="use", force=True, auto_accept=True)


def test_projects_are_listed_without_those_of_the_system_and_the_ended_ones(team: Project) -> None:
    (row,) = listed("project-list")
    assert row == {
        "id": team.uuid,
        "name": "team.example.org",
        "owner": "bob@example.org",
        "status": "Active",
        "pending_app": "",
    }
    assert len(listed("project-list", "--system-projects")) == 4
    assert listed("project-list", "--filter-by", "owner=BOB@example.org,name=team.example.org")
    assert not listed("project-list", "--filter-by", f"owner!={team.owner.uuid}")  # type: ignore[union-attr]
    Project.objects.filter(pk=team.pk).update(state=Project.State.TERMINATED)
    assert not listed("project-list")
    assert [row["status"] for row in listed("project-list", "-d")] == ["Terminated"]


def test_a_project_is_shown_with_limits_and_members(team: Project, people: People) -> None:
    use(people.alice.user, team.uuid, vm=2, ram=2**30)
    (shown,) = listed("project-show", team.uuid, "--quota", "--members", "--unit-style", "none")
    assert (shown["status"], shown["owner"], shown["max members"]) == ("Active", "bob@example.org", "inf")
    quota = {row["resource"]: row for row in cast(Any, shown["quota"])}
    assert quota["cyclades.ram"] == {
        "resource": "cyclades.ram", "max_per_member": str(2**50), "max_per_project": str(2**50),
        "usage": str(2**30),
    }  # fmt: skip
    assert quota["cyclades.vm"]["usage"] == "2"
    assert cast(Any, shown["members"]) == [
        {"uuid": people.alice.user.uuid, "email": "alice@example.org", "status": "Accepted"}
    ]
    assert "alice@example.org" in manage("project-show", team.uuid, "--members")


def test_limits_of_a_project_hold_at_once(team: Project, people: People) -> None:
    manage(
        "project-modify",
        team.uuid,
        "--limit",
        "cyclades.vm",
        "1",
        "3",
        "--limit",
        "cyclades.ram",
        "1GiB",
        "inf",
    )
    uses = accounts().quotas(people.alice.user.uuid, team.uuid)
    assert (uses["cyclades.vm"].limit, uses["cyclades.vm"].project_limit) == (1, 3)
    assert (uses["cyclades.ram"].limit, uses["cyclades.ram"].project_limit) == (2**30, INFINITE)


def test_a_project_is_changed(team: Project, people: People) -> None:
    manage(
        "project-modify", team.uuid, "--name", "crew.example.org", "--owner", "alice@example.org",
        "--homepage", "https://crew.example.org", "--description", "The crew", "--end-date", "2040-01-31",
        "--join-policy", "auto", "--leave-policy", "closed", "--max-members", "7", "--private", "yes",
    )  # fmt: skip
    row = Project.objects.get(pk=team.pk)
    assert (row.name, row.realname, row.owner) == ("crew.example.org", "crew.example.org", people.alice.user)
    assert (row.homepage, row.description) == ("https://crew.example.org", "The crew")
    assert row.end_date == datetime.datetime(2040, 1, 31, tzinfo=datetime.UTC)
    assert (row.member_join_policy, row.member_leave_policy, row.max_members, row.private) == (1, 3, 7, True)


def test_what_does_not_fit_a_project_is_refused(team: Project, eve: User) -> None:
    other = Project.objects.create(realname="other", name="other", state=1, end_date=timezone.now())
    for arguments in (
        ("--name", "other"), ("--name", "n" * 100), ("--homepage", "nonsense"), ("--owner", eve.uuid),
        ("--exclude", other.uuid, "--private", "yes"),
        ("--private", "yes", "--limit", "cyclades.nothing", "1", "1"),
    ):  # fmt: skip
        with pytest.raises(CommandError):
            manage("project-modify", team.uuid, *arguments)
    row = Project.objects.get(pk=team.pk)
    assert (row.name, row.homepage, row.owner, row.private) == ("team.example.org", "", team.owner, False)


def test_limits_of_all_system_projects_but_some(team: Project, people: People) -> None:
    manage(
        "project-modify", "--all-system-projects", "--exclude", people.bob.user.uuid,
        "--limit", "cyclades.vm", "5", "5",
    )  # fmt: skip
    rows = listed("quota-list", "-o", "displayname,limit", "--filter-by", "resource=cyclades.vm,limit=5")
    assert sorted(row["displayname"] for row in rows) == ["alice@example.org", "root@example.org"]


def test_quota_is_listed_for_accepted_users_with_units(team: Project, people: People, eve: User) -> None:
    alice = people.alice.user
    use(alice, team.uuid, ram=3 * 2**30)
    manage("project-modify", team.uuid, "--limit", "cyclades.ram", "4GiB", "6GiB")
    wanted = f"user=alice@example.org,source={team.uuid},resource=cyclades.ram"
    assert listed("quota-list", "--filter-by", wanted) == [
        {
            "holder": alice.uuid,
            "source": team.uuid,
            "resource": "cyclades.ram",
            "limit": "4 GB",
            "usage": "3 GB",
        }
    ]
    shown = listed(
        "quota-list", "--filter-by", wanted, "--unit-style", "mb", "--display-mails", "-o", "limit,usage"
    )
    assert shown == [{"displayname": "alice@example.org", "limit": "4096 MB", "usage": "3072 MB"}]
    wanted = f"user=user:{alice.uuid},source=project:{team.uuid},usage>=3GiB"
    assert len(listed("quota-list", "--filter-by", wanted)) == 1
    holders = {row["holder"] for row in listed("quota-list")}
    assert holders == {person.user.uuid for person in (people.alice, people.bob, people.admin)}


def test_what_a_user_reaches_is_less_where_others_used_the_pool(team: Project, people: People) -> None:
    team.memberships.create(person=people.bob.user, state=1, initialized=True)
    projects.sync([team])
    use(people.bob.user, team.uuid, vm=4)
    manage("project-modify", team.uuid, "--limit", "cyclades.vm", "3", "5")
    wanted = f"source={team.uuid},resource=cyclades.vm,user={people.alice.user.uuid}"
    fields = "limit,usage,project_limit,project_usage,effective_limit"
    (row,) = listed("quota-list", "-o", fields, "--filter-by", wanted)
    assert list(row.values()) == ["3", "0", "5", "4", "1"]
    over = listed("quota-list", "--overlimit", "-o", "displayname,source,resource,usage,limit")
    assert [list(row.values()) for row in over] == [["bob@example.org", team.uuid, "cyclades.vm", "4", "3"]]


def test_commissions_that_wait_are_listed(people: People) -> None:
    alice = people.alice.user
    serial = quotas.issue(
        provisions_for(alice.uuid, alice.uuid, {"cyclades.vm": 1}), client="cyclades", name="server.create"
    )
    (row,) = listed("commission-list", "-o", "serial,name,clientkey,provisions")
    assert list(row.values()) == [str(serial), "server.create", "cyclades", "2"]
    assert listed("commission-list", "--filter-by", "clientkey=cyclades,issue_time>2020-01-01 00:00Z")
    assert not listed("commission-list", "--overdue", "3600")
    Commission.objects.update(issued=timezone.now() - datetime.timedelta(hours=2))
    assert listed("commission-list", "--overdue", "3600")


# -- catalog --------------------------------------------------------------------------------------
def test_resources_and_the_defaults_of_new_projects(standard: None) -> None:
    manage("resource-modify", "cyclades.ram", "--system-default", "20GiB", "--project-default", "inf")
    (row,) = listed("resource-list", "--filter-by", "name=cyclades.ram,system_default=20GiB")
    assert list(row) == ["id", "name", "system_default", "project_default", "api_visible", "ui_visible"]
    assert (row["system_default"], row["project_default"]) == ("20 GB", "inf")
    (row,) = listed("resource-list", "--filter-by", "name=cyclades.ram", "--unit-style", "mb")
    assert row["system_default"] == "20480 MB"
    uuid = manage("user-add", "x@example.org", "X", "Y", "--password", PASSWORD).strip()
    manage("user-modify", uuid, "--verify", "--accept")
    assert accounts().quotas(uuid, uuid)["cyclades.ram"].limit == 20 * 2**30


def test_what_pages_show_the_apis_show(standard: None) -> None:
    def visible() -> list[str]:
        (row,) = listed("resource-list", "-o", "api_visible,ui_visible", "--filter-by", "name=cyclades.vm")
        return list(row.values())

    manage("resource-modify", "cyclades.vm", "--api-visible", "no")
    assert visible() == ["False", "False"]
    manage("resource-modify", "cyclades.vm", "--ui-visible", "yes")
    assert visible() == ["True", "True"]


def test_components_and_services(standard: None) -> None:
    assert [row["name"] for row in listed("component-list")] == ["astakos", "cyclades", "pithos"]
    services = listed("service-list", "-o", "id,name,component,type,endpoints")
    assert ("nova", "cyclades", "compute") in [
        (row["name"], row["component"], row["type"]) for row in services
    ]


def test_a_components_token_is_renewed_and_printed_once(standard: None) -> None:
    token = manage(
        "component-modify", "cyclades", "--renew-token", "--base-url", "https://c.example.org"
    ).strip()
    assert catalog.component_of_token(token).base_url == "https://c.example.org"
    assert token not in manage("component-list", "-o", "name,has_token,token_created")
    other = manage("component-modify", "cyclades", "--renew-token").strip()
    with pytest.raises(Unauthorized):
        catalog.component_of_token(token)
    assert catalog.component_of_token(other).name == "cyclades"


# -- what is wrong --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments",
    [
        ("user-add", "nonsense", "X", "Y"), ("user-add", "x@example.org", "X", "Y", "--password", "short"),
        ("user-add", "x@example.org", "X", "Y", "--password", ""),
        ("user-add", "x@example.org", "X", "Y", "-p", "nothing"), ("user-add", "x@example.org"),
        ("user-modify", "nobody@example.org", "--verify"), ("user-modify", "alice@example.org"),
        ("user-modify", "alice@example.org", "--verify"), ("user-modify", "alice@example.org", "--accept"),
        ("user-modify", "alice@example.org", "--set-admin", "--set-noadmin"),
        ("user-modify", "alice@example.org", "--set-inactive", "--set-active"),
        ("user-modify", "alice@example.org", "--set-admin", "--inactive-reason", "x"),
        ("user-modify", "alice@example.org", "--set-email", "bob@example.org"),
        ("user-modify", "alice@example.org", "--set-default-project", "nothing"),
        ("user-modify", "alice@example.org", "--delete-group", "nothing"),
        ("user-modify", "alice@example.org", "--password", "short", "--set-admin"),
        ("user-modify", "alice@example.org", "--add-group", "g" * 200),
        ("user-add", "x@example.org", "X" * 200, "Y"), ("user-add", "x" * 300 + "@example.org", "X", "Y"),
        ("user-show", "nobody"), ("user-list", "--filter-by", "nothing=1"), ("user-list", "-o", "password"),
        ("user-list", "--active", "--pending-moderation"),
        ("group-add", "g" * 200), ("group-add", ""), ("token-add", "nobody"),
        ("token-add", "alice@example.org", "--hours", "0"),
        ("token-add", "alice@example.org", "--name", "n" * 300),
        ("project-show", "nothing"), ("project-modify", "nothing", "--limit", "cyclades.vm", "1", "1"),
        ("project-modify",), ("project-modify", "--all-system-projects"),
        ("project-modify", "--all-system-projects", "--limit", "cyclades.nothing", "1", "1"),
        ("project-modify", "--all-system-projects", "--limit", "cyclades.vm", "-1", "1"),
        ("project-modify", "--all-system-projects", "--limit", "cyclades.ram", "1", "9000 PB"),
        ("project-modify", "--all-system-projects", "--name", "mine"),
        ("project-modify", "--all-system-projects", "--end-date", "tomorrow"),
        ("project-modify", "--all-system-projects", "--join-policy", "perhaps"),
        ("quota-list", "--filter-by", "nothing=1"), ("quota-list", "--filter-by", "usage=much"),
        ("quota-list", "--filter-by", "user=nobody"), ("quota-list", "--unit-style", "acre"),
        ("resource-modify", "cyclades.nothing", "--system-default", "1"), ("resource-modify", "cyclades.vm"),
        ("resource-modify", "cyclades.vm", "--system-default", "some"),
        ("component-modify", "nothing", "--renew-token"), ("component-modify", "cyclades"),
        ("component-modify", "cyclades", "--base-url", "https://" + "u" * 2000),
        ("commission-list", "--overdue", "-1"), ("project-list", "--filter-by", "owner=nobody"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(
    people: People, arguments: tuple[str, ...]
) -> None:
    before = state()
    with pytest.raises(CommandError) as error:
        manage(*arguments)
    assert "\n" not in str(error.value)
    assert state() == before


def state() -> list[Any]:
    tables: tuple[Any, ...] = (
        User,
        Token,
        Group,
        Project,
        ProjectLimit,
        Holding,
        Resource,
        Component,
        AuditEvent,
    )
    return [list(table.objects.order_by("pk").values()) for table in tables]
