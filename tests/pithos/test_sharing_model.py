"""Whatever is shared, grouped, written, moved and deleted by whom: everybody may what a dictionary says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from synnefo.common.caller import Caller, Scope, anonymous_caller
from synnefo.common.faults import Forbidden, ItemNotFound
from synnefo.pithos.namespace import access, accounts, containers, listing, objects, sharing, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import Wanted
from synnefo.pithos.namespace.models import Container, Share
from synnefo.pithos.namespace.objects import Overrides, Path, Source
from tests.conftest import Person
from tests.pithos.test_namespace import content

ALL_NAMES = ["a", "a/", "a/x", "a/x/", "a/x/z", "a/y", "ab", "b//c", "b/"]
NAMES = st.sampled_from(ALL_NAMES)
OTHERS = ["bob", "carol"]
ACTORS = st.sampled_from(["alice", *OTHERS])
KINDS = st.sampled_from(["application/directory", "application/folder;v=1", "text/plain"])
WHO = st.sampled_from(["bob", "carol", "team", "*"])
SHARES = st.dictionaries(WHO, st.booleans(), max_size=2)
START = st.dictionaries(NAMES, st.tuples(KINDS, SHARES), min_size=3, max_size=6)


class Sharing(RuleBasedStateMachine):
    """Alice's container; ``there`` has the types of what is in it, ``shares`` who may what."""

    callers: dict[str, Caller]

    @initialize(start=START)
    def begin(self, start: dict[str, tuple[str, dict[str, bool]]]) -> None:
        self.there: dict[str, str] = {}
        self.shares: dict[str, dict[str, bool]] = {}
        self.everybody: set[str] = set()
        self.team: set[str] = set()
        self.owner = self.callers["alice"]
        containers.put(self.owner, self.owner.user, "c", attributes={}, policy={})
        for name, (kind, shares) in start.items():
            self.put("alice", name, kind)
            self.share("alice", name, shares)

    def teardown(self) -> None:
        if hasattr(self, "there"):
            for name in ALL_NAMES:
                for actor in ("bob", "carol", "anonymous"):
                    self.look(actor, name)
            objects.delete_all(self.owner, self.owner.user, "c")
            assert not Share.objects.exists()
            containers.delete(self.owner, self.owner.user, "c")
            accounts.set_attributes(self.owner, self.owner.user, {}, merge=False, wanted={"team": []})

    def path(self, name: str) -> Path:
        return Path(self.owner.user, "c", name)

    def word(self, who: str) -> str:
        """As shares name somebody."""
        if who == "*":
            return who
        return f"{self.owner.user}:team" if who == "team" else self.callers[who].user

    def given(self, actor: str, name: str) -> set[str]:
        """What somebody may do with a path."""
        if actor == "alice":
            return {"read", "write", "delete"}
        for place in sorted(self.shares, reverse=True):
            folder = self.there[place].partition(";")[0] in ("application/directory", "application/folder")
            if place == name or (folder and name.startswith(place.rstrip("/") + "/")):
                mine = {"*", actor, *(["team"] if actor in self.team else [])} & self.shares[place].keys()
                return {"read", *("write" for who in mine if self.shares[place][who])} if mine else set()
        return set()

    def attempt(self, allowed: bool, found: bool, call: Callable[[], Any]) -> bool:
        """Whether the call succeeds, which it does if it is allowed and finds what it needs."""
        if allowed and found:
            call()
            return True
        with pytest.raises(ItemNotFound if allowed else Forbidden):
            call()
        return False

    def forget(self, name: str) -> None:
        del self.there[name]
        self.shares.pop(name, None)
        self.everybody.discard(name)

    @rule(actor=ACTORS, name=NAMES, kind=KINDS)
    def put(self, actor: str, name: str, kind: str) -> None:
        caller = self.callers[actor]
        if self.attempt(
            "write" in self.given(actor, name), True,
            lambda: objects.write(caller, self.path(name), content(b"x"), content_type=kind, attributes={}),
        ):  # fmt: skip
            self.there[name] = kind

    @rule(actor=ACTORS, name=NAMES)
    def describe(self, actor: str, name: str) -> None:
        self.attempt(
            "write" in self.given(actor, name), name in self.there,
            lambda: objects.set_attributes(self.callers[actor], self.path(name), {"K": "v"}, merge=True),
        )  # fmt: skip

    @rule(actor=ACTORS, name=NAMES)
    def delete(self, actor: str, name: str) -> None:
        if self.attempt(
            "delete" in self.given(actor, name), name in self.there,
            lambda: objects.delete(self.callers[actor], self.path(name)),
        ):  # fmt: skip
            self.forget(name)

    @rule(actor=ACTORS, source=NAMES, to=NAMES, moving=st.booleans())
    def transfer(self, actor: str, source: str, to: str, moving: bool) -> None:
        caller, origin, target = self.callers[actor], self.path(source), self.path(to)
        may = {"delete"} if moving else {"read"}
        allowed = may <= self.given(actor, source) and "write" in self.given(actor, to)

        def call() -> None:
            if moving:
                objects.move(caller, origin, target, Overrides())
            else:
                objects.copy(caller, Source(origin), target, Overrides())

        if self.attempt(allowed, source in self.there, call) and source != to:
            self.there[to] = self.there[source]
            if moving:
                self.forget(source)

    @rule(actor=ACTORS, name=NAMES, shares=SHARES)
    def share(self, actor: str, name: str, shares: dict[str, bool]) -> None:
        wanted = {self.word(who): write for who, write in shares.items()}
        if self.attempt(
            actor == "alice", name in self.there,
            lambda: sharing.replace(self.callers[actor], self.path(name), wanted),
        ):  # fmt: skip
            self.shares.pop(name, None)
            if shares:
                self.shares[name] = shares

    @rule(name=NAMES, is_open=st.booleans())
    def open_to_everybody(self, name: str, is_open: bool) -> None:
        if self.attempt(
            True, name in self.there,
            lambda: sharing.open_to_everybody(self.owner, self.path(name), is_open),
        ):  # fmt: skip
            (self.everybody.add if is_open else self.everybody.discard)(name)

    @rule(team=st.sets(st.sampled_from(OTHERS)))
    def regroup(self, team: set[str]) -> None:
        wanted = {"Team": [self.callers[who].user for who in sorted(team)]}
        accounts.set_attributes(self.owner, self.owner.user, {}, merge=True, wanted=wanted)
        self.team = team

    @rule(actor=st.sampled_from(["alice", *OTHERS, "anonymous"]), name=NAMES)
    def look(self, actor: str, name: str) -> None:
        caller = self.callers.get(actor) or anonymous_caller()
        given = self.given(actor, name) if actor in self.callers else set()
        reads = "read" in given or name in self.everybody
        assert access.may(caller, self.path(name), Right.READ) is reads
        assert access.may(caller, self.path(name), Right.WRITE) is ("write" in given)
        assert access.may(caller, self.path(name), Right.DELETE) is ("delete" in given)

    @invariant()
    def everybody_lists_what_the_model_says(self) -> None:
        if not hasattr(self, "there"):
            return
        for actor, caller in self.callers.items():
            visible = {name: self.given(actor, name) for name in self.there if self.given(actor, name)}
            try:
                container, sight = sights.look(caller, self.owner.user, "c")
            except Forbidden:
                assert not visible
                continue
            found = listing.entries(container, Wanted(sight=sight))
            assert [entry.name for entry in found] == sorted(visible)
            if sight is not None:
                writable = {entry.name for entry in found if sight.right(entry.name) is Right.WRITE}
                assert writable == {name for name in visible if "write" in visible[name]}
            sharers = [one.name for one in sharing.sharers(caller, marker="", limit=9)]
            named = any(self.given(actor, name) for name in self.shares)
            assert sharers == ([self.owner.user] if named and actor != "alice" else [])

    @rule()
    def list_what_is_shared(self) -> None:
        """As its owner."""
        container = containers.get(self.owner, self.owner.user, "c")
        found = listing.entries(container, Wanted(sight=sights.shared(container)))
        assert [entry.name for entry in found] == [
            name for name in sorted(self.there) if self.is_shared(name)
        ]

    def is_shared(self, name: str) -> bool:
        """Whether it would be for anybody if all that is shared were for all."""
        kept, self.shares = self.shares, {place: {"*": False} for place in self.shares}
        try:
            return bool(self.given("bob", name))
        finally:
            self.shares = kept


@pytest.fixture
def machine(new_person: Callable[..., Person]) -> type[Sharing]:
    people = {name: new_person(name).caller for name in ("alice", *OTHERS)}
    Sharing.callers = {
        name: dataclasses.replace(caller, scope=Scope.OWNER) for name, caller in people.items()
    }
    Container.objects.all().delete()
    return Sharing


def test_any_sequence_of_sharing_gives_what_a_dictionary_says(machine: type[Sharing]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10, stateful_step_count=15, deadline=None,
            suppress_health_check=list(HealthCheck), database=None,
        ),
    )  # fmt: skip
