"""``authpolicy-*``: profiles as operators make and give them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods.models import AuthPolicy
from synnefo.audit.models import AuditEvent
from tests.manage import manage

pytestmark = pytest.mark.django_db


def shown(name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(manage("authpolicy-show", name, "--output-format", "json"))
    return found[0]


def test_a_profile_is_made_shown_changed_and_removed() -> None:
    manage(
        "authpolicy-add", "academic", "shibboleth", "--exclusive", "--add-policy", "no", "--limit-policy", "2"
    )
    row = shown("academic")
    assert (row["provider"], row["exclusive"], row["add"], row["limit"], row["login"]) == (
        "shibboleth", "True", "False", "2", "",
    )  # fmt: skip
    with pytest.raises(CommandError):
        manage("authpolicy-add", "academic", "shibboleth")
    manage(
        "authpolicy-add", "academic", "shibboleth", "--update", "--unset-add-policy", "--login-policy", "yes"
    )
    row = shown("academic")
    assert (row["exclusive"], row["add"], row["limit"], row["login"]) == ("False", "", "2", "True")
    manage("authpolicy-remove", "academic")
    for command in ("authpolicy-show", "authpolicy-remove"):
        with pytest.raises(CommandError):
            manage(command, "academic")


def test_giving_a_profile_to_others_takes_it_from_those_before_and_removes_nobody(
    alice: User, bob: User
) -> None:
    staff, guests = (Group.objects.create(name=name) for name in ("staff", "guests"))
    manage("authpolicy-add", "p", "google", "--login-policy", "no")
    manage("authpolicy-set", "p", "--user", alice.uuid, "--group", "staff")
    manage("authpolicy-set", "p", "--user", bob.email, "--group", str(guests.pk))
    row = AuthPolicy.objects.get(name="p")
    assert (list(row.users.all()), list(row.groups.all())) == ([bob], [guests])
    assert User.objects.filter(pk=alice.pk).exists()
    assert Group.objects.filter(pk=staff.pk).exists()
    manage("authpolicy-set", "p")
    assert not row.users.exists()
    assert User.objects.filter(pk=bob.pk).exists()
    actions = AuditEvent.objects.filter(target_kind="auth_policy").values_list("action", flat=True)
    assert sorted(set(actions)) == ["policy.assign", "policy.set"]


def test_an_unknown_user_or_group_changes_nothing(alice: User) -> None:
    manage("authpolicy-add", "p", "google")
    manage("authpolicy-set", "p", "--user", alice.uuid)
    for option in ("--user", "--group"):
        with pytest.raises(CommandError):
            manage("authpolicy-set", "p", option, "nobody")
    assert list(AuthPolicy.objects.get(name="p").users.all()) == [alice]


def test_profiles_are_listed(alice: User) -> None:
    manage("authpolicy-add", "p", "google")
    manage("authpolicy-set", "p", "--user", alice.uuid)
    rows = json.loads(manage("authpolicy-list", "--output-format", "json"))
    assert [(row["name"], row["provider"], row["exclusive"], row["users"]) for row in rows] == [
        ("p", "google", "False", alice.email)
    ]


@pytest.mark.parametrize(
    "wrong",
    [["p", "facebook"], ["p", "google", "--add-policy", "maybe"], ["p", "google", "--limit-policy", "x"]],
)
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        manage("authpolicy-add", *wrong)
