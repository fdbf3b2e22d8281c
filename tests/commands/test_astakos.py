"""Commands of Astakos: accounts, projects, quota, the catalog."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from synnefo.astakos.accounts import login, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Project
from synnefo.audit.models import AuditEvent
from synnefo.common.faults import Unauthorized
from tests.conftest import People

PASSWORD = "a-long-password-1"


def manage(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def listed(*arguments: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(manage(*arguments, "--output-format", "json"))
    return rows


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
    tables: tuple[Any, ...] = (User, Project, Group, AuditEvent)
    return [list(table.objects.order_by("pk").values()) for table in tables]
