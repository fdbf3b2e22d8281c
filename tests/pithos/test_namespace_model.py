"""Any sequence of operations on two accounts, with quotas, history and folding, ends as in a dictionary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import deltas, rules
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Conflict, Fault, ItemNotFound, OverLimit, RequestTooLarge
from synnefo.pithos.blocks.content import read
from synnefo.pithos.namespace import containers, listing, objects
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.listing import Wanted
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.objects import Overrides, Path, Source
from tests.conftest import Person
from tests.pithos.test_namespace import BLOCK, STORE, content

NAMES = st.sampled_from(["a", "b", "a/x", "a/y", "a/x/z", "ab"])
PLACES = st.sampled_from(["own", "lab"])
DATA = st.binary(max_size=11)
ENDLESS = 2**40
LIMITS = st.sampled_from([0, 9, 20, 33, ENDLESS])


@dataclasses.dataclass
class Model:
    """A container as it should be; ``project`` is charged for it."""

    account: str
    project: str
    versioned: bool
    quota: int = 0
    there: dict[str, bytes] = dataclasses.field(default_factory=dict)
    kept: dict[tuple[str, int], bytes] = dataclasses.field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.there.values()))

    def path(self, name: str) -> Path:
        return Path(self.account, "c", name)

    def made(self, name: str, version: Version, data: bytes) -> None:
        self.there[name] = data
        if self.versioned:
            self.kept[name, version.pk] = data


class Namespace(RuleBasedStateMachine):
    """A container of a person and one of a project of his."""

    caller: Caller
    lab: str

    @initialize(own=st.booleans(), lab=st.booleans())
    def begin(self, own: bool, lab: bool) -> None:
        me = self.caller.user
        self.places = {"own": Model(me, me, own), "lab": Model(self.lab, self.lab, lab)}
        for model in self.places.values():
            versioning = "auto" if model.versioned else "none"
            policy = {"versioning": versioning, "project": model.project, "quota": "0"}
            containers.put(self.caller, model.account, "c", attributes={}, policy=policy)
        self.limits = dict.fromkeys(self.holdings(), ENDLESS)
        rules.set_limits(self.limits)

    def teardown(self) -> None:
        if hasattr(self, "places"):
            for model in self.places.values():
                objects.delete_all(self.caller, model.account, "c")
                containers.delete(self.caller, model.account, "c")
            assert set(self.usage().values()) == {0}

    def holdings(self) -> list[rules.Key]:
        """His share of each project, and the pools."""
        projects = (self.caller.user, self.lab)
        shares = [(f"user:{self.caller.user}", f"project:{one}", RESOURCE) for one in projects]
        return [*shares, *((f"project:{one}", "", RESOURCE) for one in projects)]

    def charged(self, model: Model, project: str = "") -> list[rules.Key]:
        """The holdings that the container counts in."""
        project = project or model.project
        payers = [(f"project:{project}", "", RESOURCE)]
        if model.account == self.caller.user:
            payers.append((f"user:{self.caller.user}", f"project:{project}", RESOURCE))
        return payers

    def usage(self) -> dict[rules.Key, int]:
        """As Astakos tells it."""
        found = {}
        for project in (self.caller.user, self.lab):
            use = accounts().quotas(self.caller.user, project)[RESOURCE]
            found[f"user:{self.caller.user}", f"project:{project}", RESOURCE] = use.usage
            found[f"project:{project}", "", RESOURCE] = use.project_usage
        return found

    def expected_usage(self) -> dict[rules.Key, int]:
        found = dict.fromkeys(self.holdings(), 0)
        for model in self.places.values():
            for key in self.charged(model):
                found[key] += model.size_bytes
        return found

    def refusals(self, model: Model, more: int, project: str = "") -> set[type[Fault]]:
        """Why so many bytes more may not be there."""
        found: set[type[Fault]] = set()
        usage = self.expected_usage()
        if more > 0 and any(usage[key] + more > self.limits[key] for key in self.charged(model, project)):
            found.add(OverLimit)
        if not project and more > 0 and 0 < model.quota < model.size_bytes + more:
            found.add(RequestTooLarge)
        return found

    def attempt(
        self, call: Callable[[], Any], *, missing: bool = False, refusals: Collection[type[Fault]] = ()
    ) -> Any:
        """What the call returns, or None if it raises what it must."""
        expected = (ItemNotFound,) if missing else tuple(refusals)
        if not expected:
            return call()
        with pytest.raises(expected):
            call()
        return None

    @rule(place=PLACES, name=NAMES, data=DATA)
    def put(self, place: str, name: str, data: bytes) -> None:
        model = self.places[place]
        refusals = self.refusals(model, len(data) - len(model.there.get(name, b"")))
        made = self.attempt(
            lambda: objects.write(
                self.caller, model.path(name), content(data), content_type="", attributes={}
            ),
            refusals=refusals,
        )
        if made:
            model.made(name, made, data)

    @rule(place=PLACES, name=NAMES, tree=st.booleans())
    def delete(self, place: str, name: str, tree: bool) -> None:
        model = self.places[place]
        delimiter = "/" if tree else ""
        missing = name not in model.there
        self.attempt(
            lambda: objects.delete(self.caller, model.path(name), delimiter=delimiter), missing=missing
        )
        if not missing:
            gone = [one for one in model.there if one == name or (tree and one.startswith(f"{name}/"))]
            for one in gone:
                del model.there[one]

    @rule(place=PLACES, other=PLACES, source=NAMES, to=NAMES)
    def copy(self, place: str, other: str, source: str, to: str) -> None:
        origin, model = self.places[place], self.places[other]
        data = origin.there.get(source)
        made = self.attempt(
            lambda: objects.copy(self.caller, Source(origin.path(source)), model.path(to), Overrides()),
            missing=data is None,
            refusals=self.refusals(model, len(data or b"") - len(model.there.get(to, b""))),
        )
        if made:
            model.made(to, made, data or b"")

    @rule(place=PLACES, other=PLACES, source=NAMES, to=NAMES)
    def move(self, place: str, other: str, source: str, to: str) -> None:
        origin, model = self.places[place], self.places[other]
        data = origin.there.get(source)
        more = len(data or b"") - len(model.there.get(to, b"")) if place != other else 0
        made = self.attempt(
            lambda: objects.move(self.caller, origin.path(source), model.path(to), Overrides()),
            missing=data is None,
            refusals=self.refusals(model, more),
        )
        if made:
            model.made(to, made, data or b"")
            if (place, source) != (other, to):
                del origin.there[source]

    @rule(place=PLACES, name=NAMES, merge=st.booleans())
    def describe(self, place: str, name: str, merge: bool) -> None:
        model = self.places[place]
        made = self.attempt(
            lambda: objects.set_attributes(self.caller, model.path(name), {"K": "v"}, merge=merge),
            missing=name not in model.there,
        )
        if made:
            model.made(name, made, model.there[name])

    @rule(place=PLACES, name=NAMES, whole=st.booleans())
    def purge(self, place: str, name: str, whole: bool) -> None:
        model = self.places[place]
        if whole:
            containers.purge(self.caller, model.account, "c", timezone.now())
        else:
            objects.purge(self.caller, model.path(name), timezone.now())
            model.there.pop(name, None)
        now = {one: objects.get(self.caller, model.path(one)).pk for one in model.there}
        model.kept = {
            (one, number): data
            for (one, number), data in model.kept.items()
            if now.get(one) == number or not (whole or one == name)
        }

    @rule(project=st.sampled_from(["own", "lab"]))
    def reassign(self, project: str) -> None:
        model = self.places["own"]
        to = self.places[project].account
        refusals = self.refusals(model, model.size_bytes, to) if to != model.project else set()
        policy = {"project": to}
        done = self.attempt(
            lambda: containers.update(
                self.caller, model.account, "c", attributes={}, policy=policy, merge=True
            ),
            refusals=refusals,
        )
        if done:
            model.project = to

    @rule(place=PLACES, quota=st.sampled_from([0, 8, 25]))
    def restrict(self, place: str, quota: int) -> None:
        model = self.places[place]
        policy = {"quota": str(quota)}
        containers.update(self.caller, model.account, "c", attributes={}, policy=policy, merge=True)
        model.quota = quota

    @rule(which=st.integers(0, 3), limit=LIMITS)
    def limit(self, which: int, limit: int) -> None:
        key = self.holdings()[which]
        self.limits[key] = limit
        rules.set_limits({key: limit})

    @rule()
    def fold(self) -> None:
        deltas.fold_all()

    @rule(place=PLACES)
    def remove_container(self, place: str) -> None:
        """What has objects stays."""
        model = self.places[place]
        if model.there:
            with pytest.raises(Conflict):
                containers.delete(self.caller, model.account, "c")

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        if not hasattr(self, "places"):
            return
        for model in self.places.values():
            row = containers.get(self.caller, model.account, "c")
            names = [entry.name for entry in listing.entries(row, Wanted())]
            assert {name: self.read(model, name) for name in names} == model.there
            assert (row.object_count, row.size_bytes) == (len(model.there), model.size_bytes)
            assert row.project == model.project
            for (name, number), data in model.kept.items():
                assert self.read(model, name, number) == data
        assert self.usage() == self.expected_usage()

    def read(self, model: Model, name: str, number: int | None = None) -> bytes:
        found = objects.get(self.caller, model.path(name), number).content
        return b"".join(read(STORE, found, BLOCK, 0, found.size_bytes))


@pytest.fixture
def machine(new_person: Callable[..., Person], new_lab: Callable[..., Project]) -> type[Namespace]:
    alice = new_person("alice")
    lab = new_lab(alice)
    projects = alice.caller.projects | {lab.uuid}
    caller = dataclasses.replace(alice.caller, scope=Scope.OWNER, projects=projects)
    Namespace.caller, Namespace.lab = caller, lab.uuid
    Container.objects.all().delete()
    return Namespace


def test_any_sequence_of_operations_ends_as_in_a_dictionary(machine: type[Namespace]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip
