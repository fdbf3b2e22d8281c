"""Any sequence of what people do to projects ends as in a plain model of projects, members and quota."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.utils.dateparse import parse_datetime
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.models import Holding, Membership, Project, ProjectApplication, User
from synnefo.astakos.projects import access, applications, life, memberships
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.applications import PENDING
from synnefo.astakos.projects.models import Policy
from synnefo.astakos.projects.wishes import Wish
from synnefo.common.caller import Caller, system_caller
from synnefo.common.faults import Conflict, Fault, Forbidden, ItemNotFound
from tests.astakos.conftest import Person
from tests.astakos.projects.api import LATER

SYSTEM = system_caller("test")
VM = "cyclades.vm"
PEOPLE = st.sampled_from(["ada", "bob", "eve"])
ACTORS = st.sampled_from(["ada", "bob", "eve", "root"])
NAMES = st.sampled_from(["one.example.org", "two.example.org"])
POLICIES = st.sampled_from(list(Policy))
LIMITS = st.tuples(st.integers(0, 3), st.integers(3, 6))
ROOM = st.sampled_from([1, 2, 9])
PICK = st.integers(0, 99)

ALIVE = ("NORMAL", "SUSPENDED")
IN = ("ACCEPTED", "LEAVE_REQUESTED", "SUSPENDED")
USES = ("ACCEPTED", "LEAVE_REQUESTED")


@dataclasses.dataclass
class Application:
    number: int
    applicant: str
    says: dict[str, Any]
    state: str = "PENDING"


@dataclasses.dataclass
class Model:
    """A project as it should be; ``members`` are states by person, ``holders`` who was ever accepted."""

    uuid: str
    owner: str
    name: str
    join: Policy
    leave: Policy
    room: int
    private: bool
    limit: tuple[int, int]
    state: str = "UNINITIALIZED"
    applications: list[Application] = dataclasses.field(default_factory=list)
    members: dict[str, str] = dataclasses.field(default_factory=dict)
    numbers: dict[str, int] = dataclasses.field(default_factory=dict)
    holders: set[str] = dataclasses.field(default_factory=set)

    @property
    def last(self) -> Application:
        return self.applications[-1]

    @property
    def full(self) -> bool:
        return sum(state in IN for state in self.members.values()) >= self.room

    def sees(self, who: str) -> bool:
        related = who in ("root", self.owner) or self.members.get(who) in IN
        return related or (self.state == "NORMAL" and not self.private)

    def hides_from(self, who: str) -> type[Fault] | None:
        """What one is told who may not look at it."""
        if self.sees(who):
            return None
        return ItemNotFound if self.private else Forbidden

    def enters(self, who: str) -> None:
        self.members[who] = "ACCEPTED"
        self.holders.add(who)


class Projects(RuleBasedStateMachine):
    """Three people and an administrator; what they do is done to the cloud and to the model."""

    people: dict[str, Person]

    def __init__(self) -> None:
        super().__init__()
        self.start = transaction.savepoint()
        self.models: list[Model] = []
        self.pending_limit = 3
        self.default = {name: person.uuid for name, person in self.people.items()}
        for person in self.people.values():
            projects.set_limits(SYSTEM, projects.get(person.uuid), {PENDING: (3, 3)})

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.start)

    def caller(self, name: str) -> Caller:
        uuid = self.people[name].uuid
        return Caller(user=uuid, project=uuid, is_admin=name == "root", name=name)

    def waiting(self, who: str) -> int:
        rows = (one for model in self.models for one in model.applications)
        return sum(one.state == "PENDING" and one.applicant == who for one in rows)

    def taken(self, model: Model) -> bool:
        return any(one.name == model.name and one.state in ALIVE for one in self.models if one is not model)

    @contextmanager
    def expecting(self, fault: type[Fault] | None) -> Iterator[None]:
        if fault is None:
            yield
        else:
            with pytest.raises(fault):
                yield

    # -- applications ---------------------------------------------------------------------------------
    @precondition(lambda self: len(self.models) < 4)
    @rule(
        who=ACTORS,
        name=NAMES,
        policies=st.tuples(POLICIES, POLICIES),
        room=ROOM,
        private=st.booleans(),
        limit=LIMITS,
    )
    def apply(
        self,
        who: str,
        name: str,
        policies: tuple[Policy, Policy],
        room: int,
        private: bool,
        limit: tuple[int, int],
    ) -> None:
        join, leave = policies
        model = Model("", who, name, join, leave, room, private, limit)
        wish = Wish(
            name=name,
            end_date=parse_datetime(LATER),
            member_join_policy=join,
            member_leave_policy=leave,
            max_members=room,
            private=private,
            resources={VM: limit},
        )
        full = who != "root" and self.waiting(who) >= self.pending_limit
        with self.expecting(Conflict if full else None):
            row = applications.submit(self.caller(who), wish)
        if not full:
            model.uuid = row.project.uuid
            model.applications.append(Application(row.pk, who, {}))
            self.models.append(model)

    @precondition(lambda self: self.models)
    @rule(
        who=ACTORS,
        pick=PICK,
        says=st.fixed_dictionaries(
            {}, optional={"name": NAMES, "owner": PEOPLE, "room": ROOM, "limit": LIMITS, "join": POLICIES}
        ).filter(bool),
    )
    def change(self, who: str, pick: int, says: dict[str, Any]) -> None:
        model = self.models[pick % len(self.models)]
        wish = Wish(
            name=says.get("name"),
            owner=self.people[says["owner"]].uuid if "owner" in says else None,
            max_members=says.get("room"),
            member_join_policy=says.get("join"),
            resources={VM: says["limit"]} if "limit" in says else {},
        )
        fault = model.hides_from(who)
        replaces = model.last.state == "PENDING" and model.last.applicant == who
        too_many = who != "root" and self.waiting(who) - replaces >= self.pending_limit
        if fault is None and who not in (model.owner, "root"):
            fault = Forbidden
        if fault is None and (model.state in ("UNINITIALIZED", "DELETED") or too_many):
            fault = Conflict
        with self.expecting(fault):
            row = applications.submit_change(self.caller(who), model.uuid, wish)
        if fault is None:
            if model.last.state == "PENDING":
                model.last.state = "REPLACED"
            model.applications.append(Application(row.pk, who, says))

    @precondition(lambda self: self.models)
    @rule(pick=PICK, reactivate=st.booleans())
    def approve(self, pick: int, reactivate: bool) -> None:
        model = self.models[pick % len(self.models)]
        says, starts = model.last.says, model.state == "UNINITIALIZED"
        renamed = dataclasses.replace(model, name=says.get("name", model.name))
        runs = starts or model.state in ALIVE or reactivate
        taken = runs and any(
            one.name == renamed.name and one.state in ALIVE for one in self.models if one is not model
        )
        fault = Conflict if model.last.state != "PENDING" or taken else None
        with self.expecting(fault):
            applications.approve(self.caller("root"), model.last.number, reactivate=reactivate)
        if fault is None:
            model.last.state = "APPROVED"
            for field, value in says.items():
                setattr(model, field, value)
            if starts or reactivate:
                model.state = "NORMAL"

    @precondition(lambda self: self.models)
    @rule(who=ACTORS, pick=PICK, action=st.sampled_from(["deny", "cancel", "dismiss"]))
    def end_application(self, who: str, pick: int, action: str) -> None:
        model = self.models[pick % len(self.models)]
        fault: type[Fault] | None = None
        if who != "root" and (action == "deny" or who != model.last.applicant):
            fault = Forbidden if action == "deny" or who == model.owner else ItemNotFound
        wanted = "DENIED" if action == "dismiss" else "PENDING"
        if fault is None and model.last.state != wanted:
            fault = Conflict
        with self.expecting(fault):
            getattr(applications, action)(self.caller(who), model.last.number)
        if fault is None:
            model.last.state = {"deny": "DENIED", "cancel": "CANCELLED", "dismiss": "DISMISSED"}[action]
            if action != "deny" and model.state == "UNINITIALIZED":
                model.state = "DELETED"

    # -- states ---------------------------------------------------------------------------------------
    @precondition(lambda self: self.models)
    @rule(who=ACTORS, pick=PICK, action=st.sampled_from(["suspend", "unsuspend", "terminate", "reinstate"]))
    def govern(self, who: str, pick: int, action: str) -> None:
        model = self.models[pick % len(self.models)]
        fits = {
            "suspend": model.state == "NORMAL",
            "unsuspend": model.state == "SUSPENDED",
            "terminate": model.state in ALIVE,
            "reinstate": model.state == "TERMINATED" and not self.taken(model),
        }[action]
        fault = model.hides_from(who) or (Forbidden if who != "root" else None)
        fault = fault or (None if fits else Conflict)
        with self.expecting(fault):
            getattr(life, action)(self.caller(who), model.uuid)
        if fault is None:
            model.state = {"suspend": "SUSPENDED", "terminate": "TERMINATED"}.get(action, "NORMAL")
            if action == "terminate":
                for name, uuid in self.default.items():
                    if uuid == model.uuid:
                        self.default[name] = self.people[name].uuid

    # -- memberships ----------------------------------------------------------------------------------
    @precondition(lambda self: self.models)
    @rule(who=PEOPLE, pick=PICK)
    def join(self, who: str, pick: int) -> None:
        model = self.models[pick % len(self.models)]
        fault = model.hides_from(who)
        associated = model.members.get(who) in ("REQUESTED", *IN)
        if fault is None and (associated or model.state not in ALIVE or model.join == Policy.CLOSED):
            fault = Conflict
        with self.expecting(fault):
            row = memberships.join(self.caller(who), model.uuid)
        if fault is None:
            model.numbers[who] = row.pk
            if model.join == Policy.AUTO and not model.full:
                model.enters(who)
            else:
                model.members[who] = "REQUESTED"

    @precondition(lambda self: self.models)
    @rule(who=ACTORS, person=PEOPLE, pick=PICK)
    def enroll(self, who: str, person: str, pick: int) -> None:
        model = self.models[pick % len(self.models)]
        hidden = model.hides_from(who)
        fault = Conflict if hidden is ItemNotFound else hidden
        if fault is None and who not in (model.owner, "root"):
            fault = Forbidden
        closed = model.state not in ALIVE or model.join == Policy.CLOSED
        if fault is None and (closed or model.full or model.members.get(person) in IN):
            fault = Conflict
        with self.expecting(fault):
            row = memberships.enroll(self.caller(who), model.uuid, f"{person}@example.org")
        if fault is None:
            model.numbers[person] = row.pk
            model.enters(person)

    @precondition(lambda self: any(model.members for model in self.models))
    @rule(
        who=ACTORS,
        pick=PICK,
        action=st.sampled_from(["accept", "reject", "cancel", "leave", "remove", "suspend", "unsuspend"]),
    )
    def treat(self, who: str, pick: int, action: str) -> None:
        rows = [(model, person) for model in self.models for person in model.members]
        model, person = rows[pick % len(rows)]
        number, now = model.numbers[person], model.members[person]
        may = {
            "person": who in ("root", person),
            "owner": who in ("root", model.owner),
            "admin": who == "root",
        }
        by, wanted = {
            "accept": ("owner", ("REQUESTED",)),
            "reject": ("owner", ("REQUESTED",)),
            "cancel": ("person", ("REQUESTED",)),
            "leave": ("person", IN),
            "remove": ("owner", IN),
            "suspend": ("admin", USES),
            "unsuspend": ("admin", ("SUSPENDED",)),
        }[action]
        fits = now in wanted and (by == "admin" or model.state in ALIVE)
        fits &= not (action == "accept" and (model.join == Policy.CLOSED or model.full))
        fits &= not (action in ("leave", "remove") and model.leave == Policy.CLOSED)
        fits &= not (action == "leave" and now == "SUSPENDED" and model.leave != Policy.AUTO)
        fault = None if may[by] and fits else Conflict if may[by] else Forbidden
        if by != "admin":
            shown = access.memberships_for(self.caller(who)).filter(pk=number).first()
            listed = shown is not None and action in memberships.allowed_actions(self.caller(who), shown)
            assert listed == (fault is None)
        with self.expecting(fault):
            getattr(memberships, action)(self.caller(who), number)
        if fault is None:
            self.treated(model, person, action)

    def treated(self, model: Model, person: str, action: str) -> None:
        if action in ("accept", "unsuspend"):
            model.enters(person)
            return
        after = {"reject": "REJECTED", "cancel": "CANCELLED", "suspend": "SUSPENDED", "remove": "REMOVED"}
        left = "REMOVED" if model.leave == Policy.AUTO else "LEAVE_REQUESTED"
        model.members[person] = after.get(action, left)
        if model.members[person] == "REMOVED" and self.default[person] == model.uuid:
            self.default[person] = self.people[person].uuid

    # -- people ---------------------------------------------------------------------------------------
    @precondition(lambda self: self.models)
    @rule(who=PEOPLE, pick=PICK)
    def work_in(self, who: str, pick: int) -> None:
        model = self.models[pick % len(self.models)]
        works = model.state == "NORMAL" and model.members.get(who) in USES
        with self.expecting(None if works else Conflict):
            accounts.set_default_project(SYSTEM, User.objects.get(pk=self.people[who].user.pk), model.uuid)
        if works:
            self.default[who] = model.uuid

    @rule(limit=st.integers(0, 3))
    def limit_applications(self, limit: int) -> None:
        self.pending_limit = limit
        projects.change_system_projects(SYSTEM, {}, {PENDING: (limit, limit)})

    # -- what must be true ----------------------------------------------------------------------------
    @invariant()
    def projects_are_as_the_model_says(self) -> None:
        rows = {row.uuid: row for row in Project.objects.filter(is_base=False).select_related("owner")}
        assert set(rows) == {model.uuid for model in self.models}
        for model in self.models:
            row = rows[model.uuid]
            assert Project.State(row.state).name == model.state
            assert (row.realname, row.owner) == (model.name, self.people[model.owner].user)
            assert row.name == (model.name if model.state in ALIVE else None)
            found = dict(Membership.objects.filter(project=row).values_list("person__username", "state"))
            wanted = {f"{name}@example.org": Membership.State[state] for name, state in model.members.items()}
            assert found == wanted
            asked = ProjectApplication.objects.filter(project=row).order_by("pk")
            states = asked.values_list("state", flat=True)
            assert list(states) == [ProjectApplication.State[one.state] for one in model.applications]

    @invariant()
    def quota_follows(self) -> None:
        sources = ["", *(f"project:{model.uuid}" for model in self.models)]
        rows = Holding.objects.filter(resource=VM, holder__in=self.holders(), source__in=sources)
        held = {(row.holder, row.source): row.limit for row in rows}
        wanted = {}
        for model in self.models:
            if model.state in ("UNINITIALIZED", "DELETED"):
                continue
            pool, runs = f"project:{model.uuid}", model.state == "NORMAL"
            wanted[pool, ""] = model.limit[1] if runs else 0
            for name in model.holders:
                uses = runs and model.members[name] in USES
                wanted[f"user:{self.people[name].uuid}", pool] = model.limit[0] if uses else 0
        assert held == wanted

    @invariant()
    def pending_applications_are_counted(self) -> None:
        rows = Holding.objects.filter(resource=PENDING)
        counted = {(row.holder, row.source): row.usage_max for row in rows}
        for name, person in self.people.items():
            own = f"project:{person.uuid}"
            assert counted[f"user:{person.uuid}", own] == counted[own, ""] == self.waiting(name)

    @invariant()
    def people_work_where_they_may(self) -> None:
        found = dict(User.objects.values_list("uuid", "default_project"))
        assert {name: found[person.uuid] for name, person in self.people.items()} == self.default

    def holders(self) -> list[str]:
        people = [f"user:{person.uuid}" for person in self.people.values()]
        return [*people, *(f"project:{model.uuid}" for model in self.models)]


@pytest.mark.django_db
def test_any_sequence_of_deeds_ends_as_in_the_model(person: Callable[..., Person]) -> None:
    everybody = {name: person(name, admin=name == "root") for name in ("ada", "bob", "eve", "root")}
    run_state_machine_as_test(
        type("WithPeople", (Projects,), {"people": everybody}),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
