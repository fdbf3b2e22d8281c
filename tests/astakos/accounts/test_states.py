"""Every transition of an account, from every state: what it leads to, what it refuses, whom it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Membership, Project
from synnefo.audit.models import AuditEvent
from synnefo.common.faults import Conflict
from tests.astakos.accounts.conftest import STATES, SYSTEM, mails

WORDS = {
    "unverified": "Pending email verification",
    "waiting": "Pending moderation",
    "rejected": "Rejected (unknown to us)",
    "active": "Accepted/Active (manual)",
    "inactive": "Accepted/Inactive (holidays)",
}
#: (email_verified, moderated, is_rejected, is_active), as the table of states says.
FLAGS = {
    "unverified": (False, False, False, False),
    "waiting": (True, False, False, False),
    "rejected": (True, True, True, False),
    "active": (True, True, False, True),
    "inactive": (True, True, False, False),
}
#: Transition, what does it, and for each state in which it is possible what that leads to.
TRANSITIONS: dict[str, tuple[Callable[[User], Any], dict[str, str]]] = {
    "verify": (lambda user: rules.verify(SYSTEM, user), {"unverified": "waiting"}),
    "confirm": (lambda user: rules.confirm_email(SYSTEM, user), {"unverified": "waiting"}),
    "accept": (lambda user: rules.accept(SYSTEM, user), {"waiting": "active", "rejected": "active"}),
    "reject": (lambda user: rules.reject(SYSTEM, user, reason="unknown to us"), {"waiting": "rejected"}),
    "activate": (lambda user: rules.activate(SYSTEM, user), {"inactive": "active", "active": "active"}),
    "deactivate": (
        lambda user: rules.deactivate(SYSTEM, user, reason="holidays"),
        {"active": "inactive", "inactive": "inactive"},
    ),
}


def flags(user: User) -> tuple[bool, ...]:
    user.refresh_from_db()
    return (user.email_verified, user.moderated, user.is_rejected, user.is_active)


@pytest.mark.parametrize("state", STATES)
def test_states_are_told_by_flags_and_words(user_in: Callable[..., User], state: str) -> None:
    user = user_in(state)
    assert flags(user) == FLAGS[state]
    assert user.status == WORDS[state]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_transition_is_made_where_it_can_be_and_refused_elsewhere(
    user_in: Callable[..., User], state: str, transition: str
) -> None:
    user = user_in(state)
    act, leads = TRANSITIONS[transition]
    events = AuditEvent.objects.count()
    if state in leads:
        act(user)
        assert flags(user) == FLAGS[leads[state]]
        assert user.status == WORDS[leads[state]]
        assert AuditEvent.objects.count() > events
    else:
        before = User.objects.filter(pk=user.pk).values().get()
        with pytest.raises(Conflict):
            act(user)
        assert User.objects.filter(pk=user.pk).values().get() == before
        assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("state", STATES)
def test_only_who_was_never_accepted_is_deleted(user_in: Callable[..., User], state: str) -> None:
    user = user_in(state)
    if state in ("active", "inactive"):
        with pytest.raises(Conflict):
            rules.delete(SYSTEM, user)
    else:
        rules.delete(SYSTEM, user)
    assert User.objects.filter(pk=user.pk).exists() == (state in ("active", "inactive"))


@pytest.mark.parametrize("state", STATES)
def test_an_address_can_be_taken_again_until_it_is_verified(user_in: Callable[..., User], state: str) -> None:
    earlier = user_in(state)
    if state == "unverified":
        later = rules.create(SYSTEM, "ADA@example.org", "Ada", "Lovelace")
        assert not User.objects.filter(pk=earlier.pk).exists()
        assert later.email == "ADA@example.org"
    else:
        with pytest.raises(Conflict):
            rules.create(SYSTEM, "ADA@example.org", "Ada", "Lovelace")


def test_acceptance_makes_a_project_and_keeps_what_was_known(user_in: Callable[..., User]) -> None:
    user = user_in("active")
    assert Project.objects.get(uuid=user.uuid).is_normal
    assert Membership.objects.get(person=user).is_accepted
    assert user.default_project == user.uuid
    assert user.accepted_email == "Ada@Example.org"
    assert user.moderated_data["first_name"] == "Ada"
    assert user.moderated_data["methods"] == [{"module": "local", "identifier": "", "affiliation": ""}]


def test_those_concerned_hear_of_it_by_mail(user_in: Callable[..., User], settings: Settings) -> None:
    settings.HELPDESK = [("Help", "help@example.org")]
    settings.ACCOUNT_ACTIVATED_RECIPIENTS = ["log@example.org"]
    waiting = user_in("unverified")
    rules.confirm_email(SYSTEM, waiting)
    (told,) = mails()
    assert (told.template, told.recipient) == ("pending_moderation", "help@example.org")
    assert f"user-modify {waiting.uuid} --accept" in told.text
    assert f"/admin/users/{waiting.pk}/" in told.text

    rules.accept(SYSTEM, waiting)
    assert [(mail.template, mail.recipient) for mail in mails()[1:]] == [
        ("accepted", "Ada@Example.org"), ("accepted_notice", "log@example.org"),
    ]  # fmt: skip
    rules.deactivate(SYSTEM, waiting)
    rules.activate(SYSTEM, waiting)
    assert len(mails()) == 3


def test_who_is_rejected_is_told_why(user_in: Callable[..., User]) -> None:
    user_in("rejected")
    (told,) = mails("rejected")
    assert told.recipient == "Ada@Example.org"
    assert "The reason: unknown to us" in told.text


def test_administrators_are_told_where_nobody_else_is_named(user_in: Callable[..., User], root: Any) -> None:
    rules.confirm_email(SYSTEM, user_in("unverified"))
    assert [mail.recipient for mail in mails("pending_moderation")] == ["Root@Example.org"]


@pytest.mark.parametrize(
    ("change", "policy"),
    [
        ({"ASTAKOS_MODERATION_ENABLED": False}, "auto_moderation"),
        ({"ASTAKOS_RE_USER_EMAIL_PATTERNS": [r".*@example\.com$", r"(?i).*@example\.org$"]}, "email"),
        ({"ASTAKOS_AUTH_PROVIDER_LOCAL_AUTOMODERATE_POLICY": True}, "auth_provider_local"),
    ],
)
def test_some_are_accepted_without_a_decision(
    user_in: Callable[..., User], settings: Settings, change: dict[str, Any], policy: str
) -> None:
    user = user_in("unverified")
    for name, value in change.items():
        setattr(settings, name, value)
    rules.confirm_email(SYSTEM, user)
    user.refresh_from_db()
    assert user.status == f"Accepted/Active ({policy})"


def test_a_pattern_that_fits_somebody_else_accepts_nobody(
    user_in: Callable[..., User], settings: Settings
) -> None:
    settings.ASTAKOS_RE_USER_EMAIL_PATTERNS = [r".*@example\.com$"]
    user = user_in("unverified")
    rules.confirm_email(SYSTEM, user)
    assert flags(user) == FLAGS["waiting"]
