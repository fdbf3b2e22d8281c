"""Warnings at 80 and 100 percent: raised once, cleared well below, told to who can do something about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import QuotaWarning
from synnefo.astakos.projects.models import Project
from synnefo.astakos.projects.rules import set_limits
from synnefo.astakos.quotas import rules, warning
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, system_caller
from synnefo.common.faults import ItemNotFound
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

VM = "cyclades.vm"
Lab = Callable[..., Project]


def use(person: Person, project: str, amount: int, resource: str = VM) -> None:
    """Take, or give back, so much."""
    rules.issue(provisions_for(person.uuid, project, {resource: amount}), client="test", auto_accept=True)


def open_levels(person: Person) -> list[int]:
    rows = QuotaWarning.objects.filter(holder=f"user:{person.uuid}", cleared=None)
    return sorted(rows.values_list("level", flat=True))


def warned(person: Person) -> list[tuple[str, int, bool]]:
    found = warning.of_caller(Caller(user=person.uuid, project=person.uuid))
    return [(one.project.uuid, one.row.level, one.is_pool) for one in found]


@pytest.fixture
def project(ada: Person, bob: Person, lab: Lab) -> Project:
    """Ada's, with Bob; ten a member and a hundred in all."""
    made = lab(ada, bob)
    set_limits(system_caller("test"), made, {VM: (10, 100)})
    return made


def test_a_warning_is_raised_once_at_each_level(bob: Person, project: Project) -> None:
    use(bob, project.uuid, 7)
    assert warning.check() == 0
    use(bob, project.uuid, 1)
    assert warning.check() == 1
    assert warning.check() == 0
    assert open_levels(bob) == [80]
    use(bob, project.uuid, 2)
    assert warning.check() == 1
    assert warned(bob) == [(project.uuid, 100, False)]


def test_a_jump_to_the_end_raises_both_and_shows_the_worse(bob: Person, project: Project) -> None:
    use(bob, project.uuid, 10)
    assert warning.check() == 2
    assert warned(bob) == [(project.uuid, 100, False)]


def test_usage_that_sways_around_a_level_warns_once(bob: Person, project: Project) -> None:
    set_limits(system_caller("test"), project, {VM: (100, 1000)})
    use(bob, project.uuid, 80)
    warning.check()
    for amount, still in ((-1, [80]), (-4, [80]), (1, [80]), (-2, []), (1, [])):
        use(bob, project.uuid, amount)
        warning.check()
        assert open_levels(bob) == still
    use(bob, project.uuid, 10)
    assert warning.check() == 1
    assert QuotaWarning.objects.filter(level=80).count() == 2


def test_a_raised_limit_clears_what_was_raised(bob: Person, project: Project) -> None:
    use(bob, project.uuid, 10)
    warning.check()
    set_limits(system_caller("test"), project, {VM: (12, 100)})
    warning.check()
    assert open_levels(bob) == [80]
    set_limits(system_caller("test"), project, {VM: (INFINITE, INFINITE)})
    warning.check()
    assert open_levels(bob) == []


def test_the_owner_is_warned_of_the_pool_and_members_of_their_shares(
    ada: Person, bob: Person, project: Project
) -> None:
    set_limits(system_caller("test"), project, {VM: (10, 10)})
    use(bob, project.uuid, 8)
    assert warning.check() == 2
    assert warned(ada) == [(project.uuid, 80, True)]
    assert warned(bob) == [(project.uuid, 80, False)]


def test_of_a_system_project_one_is_warned_once(ada: Person) -> None:
    mine = Project.objects.get(uuid=ada.uuid)
    set_limits(system_caller("test"), mine, {VM: (5, 5)})
    use(ada, ada.uuid, 4)
    assert warning.check() == 1
    assert warned(ada) == [(ada.uuid, 80, False)]
    set_limits(system_caller("test"), mine, {VM: (100, 5)})
    warning.check()
    assert warned(ada) == [(ada.uuid, 80, True)]


def test_a_person_gets_one_mail_of_all_that_was_raised(ada: Person, bob: Person, project: Project) -> None:
    set_limits(system_caller("test"), project, {VM: (10, 10), "cyclades.cpu": (10, 10)})
    use(bob, project.uuid, 10)
    use(bob, project.uuid, 8, "cyclades.cpu")
    warning.check()
    warning.check()
    mails = {mail.recipient: mail for mail in Mail.objects.filter(template="quota_warning")}
    assert mails.keys() == {ada.user.email, bob.user.email}
    assert "Servers: 10 of 10, your share of lab.example.org" in mails[bob.user.email].text
    assert "CPUs: 8 of 10, by all of lab.example.org" in mails[ada.user.email].text
    assert Mail.objects.filter(template="quota_warning").count() == 2


def test_limits_that_are_none_or_nothing_and_hidden_resources_do_not_warn(
    bob: Person, project: Project
) -> None:
    hidden = "cyclades.total_cpu"
    set_limits(system_caller("test"), project, {VM: (INFINITE, INFINITE), hidden: (1, 100)})
    use(bob, project.uuid, 1000)
    use(bob, project.uuid, 1, hidden)
    assert warning.check() == 0
    set_limits(system_caller("test"), project, {VM: (0, 0)})
    assert warning.check() == 0


def test_what_was_dismissed_is_not_shown_until_it_is_raised_again(bob: Person, project: Project) -> None:
    use(bob, project.uuid, 10)
    warning.check()
    caller = Caller(user=bob.uuid, project=bob.uuid)
    number = warning.of_caller(caller)[0].row.pk
    warning.dismiss(caller, number)
    assert warned(bob) == []
    use(bob, project.uuid, -10)
    warning.check()
    use(bob, project.uuid, 9)
    warning.check()
    assert warned(bob) == [(project.uuid, 80, False)]


def test_anothers_warning_is_nobody_elses_to_dismiss(bob: Person, root: Person, project: Project) -> None:
    use(bob, project.uuid, 10)
    warning.check()
    number = QuotaWarning.objects.filter(holder=f"user:{bob.uuid}").values_list("pk", flat=True)[0]
    with pytest.raises(ItemNotFound):
        warning.dismiss(Caller(user=root.uuid, project=root.uuid), number)


def test_many_holdings_are_checked_by_few_queries(
    project: Project, bob: Person, django_assert_max_num_queries: Any
) -> None:
    pool = f"project:{project.uuid}"
    keys = {(f"user:{number}", pool, VM): 10 for number in range(150)}
    rules.set_limits(keys)
    for holder, _, _ in keys:
        provisions = provisions_for(holder.removeprefix("user:"), project.uuid, {VM: 8})[:1]
        rules.issue(provisions, client="test", auto_accept=True)
    with django_assert_max_num_queries(10):
        assert warning.check() == 150
    with django_assert_max_num_queries(6):
        assert warning.check() == 0
