"""Many people change the same projects at the same time: rules hold, and nobody blocks another for good."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.utils.dateparse import parse_datetime

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.models import Holding, Membership, Project, ProjectApplication
from synnefo.astakos.projects import applications, life, memberships
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.applications import PENDING
from synnefo.astakos.projects.models import Policy
from synnefo.astakos.projects.wishes import Wish
from synnefo.common.caller import Caller, Scope, system_caller
from synnefo.common.faults import Conflict, Fault, Unauthorized
from tests.astakos.conftest import Person
from tests.astakos.projects.api import LATER

SYSTEM = system_caller("test")
pytestmark = pytest.mark.django_db(transaction=True)


def caller(who: Person) -> Caller:
    return tokens.identity_of_user(who.uuid).caller(Scope.OWNER)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call returned, or the fault that it raised; all of them run at the same time."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Fault as fault:
            return fault
        finally:
            connection.close()

    close_old_connections()
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, timeout=60))


def wish(name: str, **more: Any) -> Wish:
    return Wish(name=name, end_date=parse_datetime(LATER), **more)


def test_of_two_approvals_of_one_name_one_wins(ada: Person, bob: Person) -> None:
    for number in range(5):
        rows = [applications.submit(caller(who), wish(f"lab{number}.example.org")) for who in (ada, bob)]
        done = at_once([lambda row=row: applications.approve(SYSTEM, row.pk) for row in rows])  # type: ignore[misc]
        assert sorted(isinstance(one, Conflict) for one in done) == [False, True]
        assert Project.objects.filter(name=f"lab{number}.example.org").count() == 1


def test_an_application_is_decided_once(ada: Person) -> None:
    row = applications.submit(caller(ada), wish("lab.example.org"))
    decide = [applications.approve, applications.deny, applications.cancel] * 2
    done = at_once([lambda rule=rule: rule(SYSTEM, row.pk) for rule in decide])  # type: ignore[misc]
    assert [isinstance(one, Conflict) for one in done].count(False) == 1
    assert set(Holding.objects.filter(resource=PENDING).values_list("folded_max", flat=True)) == {0}


def test_nobody_has_more_pending_applications_than_he_may(ada: Person) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {PENDING: (2, 2)})
    who = caller(ada)
    done = at_once([lambda n=n: applications.submit(who, wish(f"lab{n}.example.org")) for n in range(6)])  # type: ignore[misc]
    assert [isinstance(one, Conflict) for one in done].count(False) == 2
    assert Project.objects.filter(is_base=False).count() == 2


def test_the_last_free_place_is_given_once(ada: Person, person: Callable[..., Person]) -> None:
    people = [person(f"user{number}") for number in range(6)]
    policy = Policy.AUTO
    row = applications.submit(caller(ada), wish("lab.example.org", max_members=2, member_join_policy=policy))
    project = applications.approve(SYSTEM, row.pk).project.uuid
    callers = [caller(one) for one in people]
    done = at_once([lambda who=who: memberships.join(who, project) for who in callers])  # type: ignore[misc]
    assert sorted(one.state for one in done) == [0, 0, 0, 0, 1, 1]
    waiting = [one.pk for one in done if one.state == Membership.State.REQUESTED]
    (accepted, *_) = [one.pk for one in done if one.state == Membership.State.ACCEPTED]
    memberships.remove(SYSTEM, accepted)
    done = at_once([lambda pk=pk: memberships.accept(SYSTEM, pk) for pk in waiting])  # type: ignore[misc]
    assert [isinstance(one, Conflict) for one in done].count(False) == 1
    assert Membership.objects.filter(project__uuid=project, state=Membership.State.ACCEPTED).count() == 2


def test_joining_twice_makes_one_membership(ada: Person, bob: Person) -> None:
    row = applications.submit(caller(ada), wish("lab.example.org"))
    project = applications.approve(SYSTEM, row.pk).project.uuid
    who = caller(bob)
    done = at_once([lambda: memberships.join(who, project)] * 4)
    assert [isinstance(one, Conflict) for one in done].count(False) == 1
    assert Membership.objects.filter(project__uuid=project).count() == 1


class Storm:
    """What anybody may try to do to a few projects, in any order."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people

    def __call__(self, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(12):
            deeds = (self.join, self.move, self.apply, self.decide, self.govern, self.account, self.limit)
            deed = chance.choice(deeds)
            try:
                deed(chance, chance.choice(self.people))
            except (Fault, Unauthorized):  # what he may not do just now
                continue
        connection.close()

    def project(self, chance: random.Random) -> Project:
        return chance.choice(list(Project.objects.filter(is_base=False)))

    def join(self, chance: random.Random, who: Person) -> None:
        memberships.join(caller(who), self.project(chance).uuid)

    def move(self, chance: random.Random, who: Person) -> None:
        rows = list(Membership.objects.filter(project__is_base=False).values_list("pk", flat=True))
        rules = (memberships.leave, memberships.cancel, memberships.accept, memberships.remove)
        chance.choice(rules)(SYSTEM, chance.choice(rows or [0]))

    def apply(self, chance: random.Random, who: Person) -> None:
        owner = chance.choice(self.people).uuid
        uuid = self.project(chance).uuid
        changed = Wish(owner=owner, resources={"cyclades.vm": (1, chance.randint(1, 9))})
        applications.submit_change(caller(who), uuid, changed)

    def decide(self, chance: random.Random, who: Person) -> None:
        row = ProjectApplication.objects.filter(state=ProjectApplication.State.PENDING).order_by("?").first()
        if row is not None:
            rules = (applications.approve, applications.deny, applications.cancel)
            chance.choice(rules)(caller(who), row.pk)

    def govern(self, chance: random.Random, who: Person) -> None:
        rules = (life.suspend, life.unsuspend, life.terminate, life.reinstate)
        chance.choice(rules)(SYSTEM, self.project(chance).uuid)

    def account(self, chance: random.Random, who: Person) -> None:
        action = chance.choice((accounts.activate, accounts.deactivate, self.work_in))
        action(SYSTEM, who.user)

    def work_in(self, caller: Caller, user: Any) -> None:
        uuid = Project.objects.filter(is_base=False).order_by("?")[0].uuid
        accounts.set_default_project(caller, user, uuid)

    def limit(self, chance: random.Random, who: Person) -> None:
        projects.change_system_projects(SYSTEM, {}, {"cyclades.vm": (1, chance.randint(1, 9))})


@pytest.mark.postgresql
def test_whatever_happens_at_once_nobody_blocks_another_for_good(
    person: Callable[..., Person], settings: Any
) -> None:
    people = [person(f"user{number}") for number in range(4)]
    settings.ASTAKOS_PROJECT_ADMINS = [one.uuid for one in people[:2]]
    for number in range(3):
        wanted = wish(f"lab{number}.example.org", max_members=3, member_join_policy=Policy.AUTO)
        applications.approve(SYSTEM, applications.submit(caller(people[number]), wanted).pk)
    storm = Storm(people)
    done = at_once([lambda seed=seed: storm(seed) for seed in range(8)])  # type: ignore[misc]
    assert done == [None] * 8
    for user in [one.user for one in people]:
        user.refresh_from_db()
        assert user.default_project == user.uuid or Membership.objects.filter(
            person=user, project__uuid=user.default_project, state__in=Membership.ACCEPTED_TYPE
        )
