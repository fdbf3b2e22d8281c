"""The life of an account (spec: astakos 2.1): every transition, and what follows for projects and quota."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.astakos.models import Holding, Membership, Project, ProjectLog
from synnefo.astakos.projects.rules import get, set_limits
from synnefo.audit.models import AuditEvent
from synnefo.common.caller import system_caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.units import INFINITE
from tests.astakos.conftest import PASSWORD, Person

pytestmark = pytest.mark.django_db
SYSTEM = system_caller("test")


def create(email: str = "Eve@Example.org") -> User:
    return rules.create(SYSTEM, email, "Eve", "Adams", password=PASSWORD)


def limits_of(user: User) -> set[int]:
    return set(Holding.objects.filter(holder=f"user:{user.uuid}").values_list("limit", flat=True))


def test_a_new_account_waits_for_verification(cloud: None) -> None:
    eve = create()
    assert (eve.username, eve.email) == ("eve@example.org", "Eve@Example.org")
    assert eve.status == "Pending email verification"
    assert not eve.is_active
    assert not Project.objects.filter(uuid=eve.uuid).exists()


def test_acceptance_gives_a_system_project_and_quota(cloud: None) -> None:
    eve = rules.accept(SYSTEM, rules.verify(SYSTEM, create()))
    assert eve.status == "Accepted/Active (manual)"
    project = Project.objects.get(uuid=eve.uuid)
    assert (project.is_base, project.private, project.max_members) == (True, True, 1)
    assert (project.realname, project.owner) == (f"system:{eve.uuid}", None)
    assert eve.default_project == eve.uuid
    holding = Holding.objects.get(holder=f"user:{eve.uuid}", resource="cyclades.vm")
    assert (holding.source, holding.limit) == (f"project:{eve.uuid}", INFINITE)
    assert Holding.objects.get(holder=f"project:{eve.uuid}", resource="cyclades.vm").source == ""


def test_transitions_that_do_not_exist_are_conflicts(cloud: None) -> None:
    eve = create()
    for transition in (rules.accept, rules.reject, rules.activate, rules.deactivate):
        with pytest.raises(Conflict):
            transition(SYSTEM, eve)
    eve = rules.verify(SYSTEM, eve)
    assert eve.status == "Pending moderation"
    for transition in (rules.verify, rules.activate, rules.deactivate):
        with pytest.raises(Conflict):
            transition(SYSTEM, eve)
    eve = rules.reject(SYSTEM, eve, reason="unknown here")
    assert eve.status == "Rejected (unknown here)"
    for transition in (rules.reject, rules.activate):
        with pytest.raises(Conflict):
            transition(SYSTEM, eve)
    eve = rules.accept(SYSTEM, eve)
    assert eve.status == "Accepted/Active (manual)"
    for transition in (rules.accept, rules.reject, rules.verify):
        with pytest.raises(Conflict):
            transition(SYSTEM, eve)


def test_the_database_itself_keeps_unaccepted_users_inactive(cloud: None) -> None:
    eve = create()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=eve.pk).update(is_active=True)


def test_an_email_is_used_once_in_any_case_but_an_unverified_account_gives_way(cloud: None) -> None:
    first = create("eve@example.org")
    second = create("EVE@example.org")
    assert not User.objects.filter(pk=first.pk).exists()
    rules.verify(SYSTEM, second)
    with pytest.raises(Conflict):
        create("Eve@EXAMPLE.org")


@pytest.mark.parametrize("email", ["", "eve", "eve@", "x" * 250 + "@example.org"])
def test_what_is_no_email_is_refused(cloud: None, email: str) -> None:
    with pytest.raises(BadRequest):
        create(email)


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_a_weak_password_is_refused(cloud: None, password: str) -> None:
    with pytest.raises(BadRequest):
        rules.create(SYSTEM, "eve@example.org", "Eve", "Adams", password=password)


def test_deactivation_suspends_and_activation_resumes(ada: Person) -> None:
    user = rules.deactivate(SYSTEM, ada.user, reason="holiday")
    assert user.status == "Accepted/Inactive (holiday)"
    assert Project.objects.get(uuid=ada.uuid).state == Project.State.SUSPENDED
    assert Membership.objects.get(person=ada.user).state == Membership.State.SUSPENDED
    assert limits_of(user) == {0}
    user = rules.activate(SYSTEM, user)
    assert (user.is_active, user.deactivated_at, user.deactivated_reason) == (True, None, "")
    assert Project.objects.get(uuid=ada.uuid).is_normal
    assert Membership.objects.get(person=ada.user).is_accepted
    assert limits_of(user) == {INFINITE}


def test_what_was_suspended_for_another_reason_stays_suspended(ada: Person) -> None:
    rules.deactivate(SYSTEM, ada.user)
    project = Project.objects.get(uuid=ada.uuid)
    ProjectLog.objects.create(project=project, from_state=1, to_state=10, reason="unpaid")
    user = rules.activate(SYSTEM, ada.user)
    assert Project.objects.get(uuid=ada.uuid).state == Project.State.SUSPENDED
    assert limits_of(user) == {0}


def test_deactivation_stops_the_projects_one_owns_and_members_lose_their_quota(
    ada: Person, bob: Person, lab: Callable[..., Project]
) -> None:
    project = lab(ada, bob)
    shares = Holding.objects.filter(holder=f"user:{bob.uuid}", source=f"project:{project.uuid}")
    assert {row.limit for row in shares} == {3}
    rules.deactivate(SYSTEM, ada.user)
    assert Project.objects.get(pk=project.pk).state == Project.State.SUSPENDED
    assert {row.limit for row in shares.all()} == {0}
    rules.activate(SYSTEM, ada.user)
    assert {row.limit for row in shares.all()} == {3}
    assert Membership.objects.get(person=bob.user, project=project).is_accepted


def test_limits_of_a_project_reach_its_holdings(ada: Person) -> None:
    set_limits(SYSTEM, get(ada.uuid), {"cyclades.vm": (2, 5)})
    assert Holding.objects.get(holder=f"user:{ada.uuid}", resource="cyclades.vm").limit == 2
    assert Holding.objects.get(holder=f"project:{ada.uuid}", resource="cyclades.vm").limit == 5
    with pytest.raises(BadRequest):
        set_limits(SYSTEM, get(ada.uuid), {"no.such": (1, 1)})
    with pytest.raises(ItemNotFound):
        get("no such project")


def test_a_new_email_is_a_new_login_name(ada: Person, bob: Person) -> None:
    user = rules.set_email(SYSTEM, ada.user, "Lovelace@Example.org")
    assert (user.username, user.email) == ("lovelace@example.org", "Lovelace@Example.org")
    with pytest.raises(Conflict):
        rules.set_email(SYSTEM, user, "BOB@example.org")


def test_the_default_project_is_one_he_may_work_in(ada: Person, bob: Person) -> None:
    with pytest.raises(Conflict):
        rules.set_default_project(SYSTEM, ada.user, bob.uuid)
    assert rules.set_default_project(SYSTEM, ada.user, ada.uuid).default_project == ada.uuid


def test_only_accounts_that_never_were_accepted_can_be_removed(ada: Person) -> None:
    with pytest.raises(Conflict):
        rules.delete(SYSTEM, ada.user)
    eve = create()
    rules.delete(SYSTEM, eve)
    assert not User.objects.filter(pk=eve.pk).exists()


def test_users_are_found_by_whatever_operators_know(ada: Person) -> None:
    for text in (ada.uuid, ada.uuid.upper(), "ADA@example.org", str(ada.user.pk)):
        assert rules.find(text) == ada.user
    for text in ("nobody", "", "99999", "9" * 30):
        with pytest.raises(ItemNotFound):
            rules.find(text)


def test_changes_are_audited_without_secrets(ada: Person) -> None:
    rules.set_password(SYSTEM, ada.user, "quite another password")
    events = AuditEvent.objects.filter(target_kind="user", target_id=ada.uuid)
    assert set(events.values_list("action", flat=True)) >= {"user.create", "user.accept", "user.password"}
    assert "another password" not in str(list(AuditEvent.objects.values()))
    assert ada.token not in str(list(AuditEvent.objects.values()))
