"""A server's life in any order: what the rules allow and what comes of it, against a model.

``SYNNEFO_SOAK`` is how many lives are lived (``make soak``); without it there are a few.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from synnefo.common.accounts import accounts
from synnefo.common.faults import Fault
from synnefo.common.units import GIB
from synnefo.cyclades.backends.base import Power
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.operations import follow
from synnefo.cyclades.servers import life, rules, sizes, systems, volumes
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import RebuildRequest, ServerRequest
from synnefo.cyclades.volumes import rules as volume_rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.rules import VolumeRequest
from synnefo.engine.models import Commission, Operation
from tests.conftest import People, work_off

LIVES = int(os.environ.get("SYNNEFO_SOAK", "6"))
STEPS = 14
_ROOM = ("instances", "networks", "fences", "disks", "snapshots")
_POWERS = {
    "STARTED": {Power.ON}, "STOPPED": {Power.OFF}, "PAUSED": {Power.PAUSED}, "SUSPENDED": {Power.SAVED},
    "SHELVED": {Power.OFF}, "ERROR": set(Power),
}  # fmt: skip
_REST = ("STOPPED", "SUSPENDED", "SHELVED")


@dataclasses.dataclass
class Model:
    """What is believed of the server; ``runs`` counts while its new size waits for its owner's word."""

    oper: str = "STARTED"
    runs: bool = True
    cpu: int = 1
    old_cpu: int = 1
    rescue: bool = False
    locked: bool = False
    attached: bool = False
    root_gib: int = 1
    other_gib: int = 1

    @property
    def charged(self) -> bool:
        return self.runs if self.oper == "RESIZED" else self.oper not in _REST


@dataclasses.dataclass(frozen=True)
class Deed:
    """An action: in which states it is possible, whether in rescue (None: either), the engine's call that may
    fail, what comes of it, and of its failure (nothing, unless it is said)."""

    states: tuple[str, ...]
    method: str
    outcome: Callable[[Model], None]
    rescue: bool | None = None
    failure: Callable[[Model], None] = lambda model: None
    needs: Callable[[Model], bool] = lambda model: True


def becomes(oper: str) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.oper = oper

    return change


def resized(model: Model) -> None:
    model.runs, model.oper = model.oper == "STARTED", "RESIZED"
    model.old_cpu, model.cpu = model.cpu, 3 - model.cpu


def resized_for_good(model: Model) -> None:
    model.cpu = 3 - model.cpu


def confirmed(model: Model) -> None:
    model.oper = "STARTED" if model.runs else "STOPPED"


def reverted(model: Model) -> None:
    confirmed(model)
    model.cpu = model.old_cpu


def rescued(model: Model) -> None:
    model.oper, model.rescue = "STARTED", True


def unrescued(model: Model) -> None:
    model.oper, model.rescue = "STARTED", False


def rebuilt(model: Model) -> None:
    model.oper = "STOPPED" if model.oper == "STOPPED" else "STARTED"


def put_in(model: Model) -> None:
    model.attached = True


def taken_out(model: Model) -> None:
    model.attached = False


def grown(model: Model) -> None:
    model.other_gib += 1


_LIVE = ("STARTED", "STOPPED", "PAUSED")
_WITH_DISKS = (*_LIVE, "RESIZED", "SHELVED")
DEEDS = {
    "start": Deed(("STOPPED",), "start", becomes("STARTED")),
    "stop": Deed(("STARTED",), "stop", becomes("STOPPED")),
    "reboot": Deed((*_LIVE, "SUSPENDED"), "reboot", becomes("STARTED")),
    "pause": Deed(("STARTED",), "pause", becomes("PAUSED"), False),
    "unpause": Deed(("PAUSED",), "start", becomes("STARTED")),
    "suspend": Deed(("STARTED",), "save", becomes("SUSPENDED"), False),
    "resume": Deed(("SUSPENDED",), "start", becomes("STARTED")),
    "shelve": Deed((*_LIVE, "SUSPENDED"), "stop", becomes("SHELVED"), False),
    "unshelve": Deed(("SHELVED",), "start", becomes("STARTED")),
    "rebuild": Deed(("STARTED", "STOPPED", "ERROR"), "rebuild", rebuilt, False, becomes("ERROR")),
    "resize": Deed(("STARTED", "STOPPED"), "resize", resized, False),
    "resize_stopped": Deed(("STOPPED",), "resize", resized_for_good, False),
    "confirm": Deed(("RESIZED",), "", confirmed),
    "revert": Deed(("RESIZED",), "resize", reverted),
    "rescue": Deed(("STARTED", "STOPPED"), "rescue", rescued, False),
    "unrescue": Deed(("STARTED", "STOPPED"), "unrescue", unrescued, True),
    "attach": Deed(_WITH_DISKS, "attach_volume", put_in, False, needs=lambda model: not model.attached),
    "detach": Deed(_WITH_DISKS, "detach_volume", taken_out, False, needs=lambda model: model.attached),
    "extend": Deed(_WITH_DISKS, "extend_volume", grown, False, needs=lambda model: model.attached),
}
TROUBLES = ("none", "none", "unreachable", "answer lost", "fails")


class Life(RuleBasedStateMachine):
    """One server of alice's with a second volume, and what is done to it."""

    people: People
    image: Any
    flavor: Any
    driver: Any

    def __init__(self) -> None:
        super().__init__()
        self.before = transaction.savepoint()
        self.caller = self.people.alice.caller
        self.kept = {name: copy.deepcopy(getattr(self.driver.engine, name)) for name in _ROOM}
        self.larger = flavors.create(self.people.admin.caller, cpu=2, ram=256, disk=1)
        self.server, _ = rules.create(self.caller, ServerRequest("vm", self.image.uuid, self.flavor.uuid, []))
        request = VolumeRequest(size_gib=1, volume_type=self.flavor.volume_type)
        self.volume = volume_rules.create(self.caller, request)
        self.model = Model()
        work_off()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.before)
        for name, value in self.kept.items():
            setattr(self.driver.engine, name, value)
        self.driver.engine.tasks.clear()
        self.driver.stop_failing()

    # -- what may happen --------------------------------------------------------------------------
    @rule(pick=st.integers(0, 1000), trouble=st.sampled_from(TROUBLES))
    def do_what_is_possible(self, pick: int, trouble: str) -> None:
        possible = [name for name in sorted(DEEDS) if self._may(name)]
        if possible:
            self._act(possible[pick % len(possible)], trouble)

    @rule(name=st.sampled_from(sorted(DEEDS)))
    def try_anything(self, name: str) -> None:
        self._act(name, "none")

    @rule()
    def lock_or_unlock(self) -> None:
        (life.unlock if self.model.locked else life.lock)(self.caller, self.server.uuid)
        self.model.locked = not self.model.locked

    @rule()
    def guest_powers_off(self) -> None:
        if self.driver.instance(self.server.engine_name).power is Power.ON:
            self.driver.guest_powers_off(self.server.engine_name)
            follow.reconcile()
            if self.model.oper == "RESIZED":
                life_goes_on = self.driver.start(self.server.engine_name, self._newest_fence())
                assert self.driver.job(life_goes_on)
            elif self.model.oper != "ERROR":
                self.model.oper = "STOPPED"

    # -- what must be true ------------------------------------------------------------------------
    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        server = Server.objects.get(pk=self.server.pk)
        found = (server.operstate, server.task, server.rescue, server.locked, server.flavor.cpu)
        model = self.model
        assert found == (model.oper, "", model.rescue, model.locked, model.cpu)
        volume = Volume.objects.get(pk=self.volume.pk)
        assert (volume.status, volume.size_gib) == (
            "IN_USE" if model.attached else "AVAILABLE", model.other_gib
        )  # fmt: skip

    @invariant()
    def the_engine_has_what_the_database_says(self) -> None:
        name, model = self.server.engine_name, self.model
        powers = {Power.ON if model.runs else Power.OFF} if model.oper == "RESIZED" else _POWERS[model.oper]
        assert self.driver.instance(name).power in powers
        assert len(self.driver.disks(name)) == 1 + model.attached
        if model.oper != "ERROR":
            assert self.driver.is_rescued(name) == model.rescue
            assert self.driver.engine.instances[name].spec.vcpus == model.cpu

    @invariant()
    def what_is_used_is_charged(self) -> None:
        quotas, model = accounts().quotas(self.caller.user, self.caller.project), self.model
        expected = {
            "vm": 1,
            "total_cpu": model.cpu,
            "cpu": model.cpu if model.charged else 0,
            "disk": (model.root_gib + model.other_gib) * GIB,
        }
        assert {name: quotas[f"cyclades.{name}"].usage for name in expected} == expected
        assert not any(use.pending for use in quotas.values())
        assert not Commission.objects.filter(accept=None).exists()

    # -- inner ------------------------------------------------------------------------------------
    def _may(self, name: str) -> bool:
        deed, model = DEEDS[name], self.model
        in_state = model.oper in deed.states and deed.rescue in (None, model.rescue)
        return in_state and not model.locked and deed.needs(model)

    def _act(self, name: str, trouble: str) -> None:
        deed, may, asked = DEEDS[name], self._may(name), Operation.objects.count()
        self._make(trouble, deed.method)
        try:
            self._do(name)
        except Fault:
            assert not may, f"{name} was refused in {self.model}"
            assert Operation.objects.count() == asked
            return
        assert may, f"{name} was taken in {self.model}"
        work_off()
        self.driver.stop_failing()
        fails = trouble == "fails" and deed.method
        (deed.failure if fails else deed.outcome)(self.model)

    def _do(self, name: str) -> None:
        caller, uuid = self.caller, self.server.uuid
        other = self.larger if self.model.cpu == 1 else self.flavor
        deeds: dict[str, Callable[[], object]] = {
            "start": lambda: rules.start(caller, uuid),
            "stop": lambda: rules.stop(caller, uuid),
            "reboot": lambda: rules.reboot(caller, uuid, hard=True),
            "rebuild": lambda: systems.rebuild(caller, uuid, RebuildRequest(self.image.uuid)),
            "resize": lambda: sizes.resize(caller, uuid, other.uuid, confirm=True),
            "resize_stopped": lambda: sizes.resize(caller, uuid, other.uuid, confirm=False),
            "confirm": lambda: sizes.confirm_resize(caller, uuid),
            "revert": lambda: sizes.revert_resize(caller, uuid),
            "rescue": lambda: systems.rescue(caller, uuid, run=True),
            "unrescue": lambda: systems.unrescue(caller, uuid, run=True),
            "attach": lambda: volumes.attach(caller, uuid, self.volume.uuid),
            "detach": lambda: volumes.detach(caller, uuid, self.volume.uuid),
            "extend": lambda: volumes.extend(caller, uuid, self.volume.uuid, self.model.other_gib + 1),
        }
        deed = deeds.get(name)
        if deed is not None:
            deed()
        else:
            getattr(life, name)(caller, uuid)

    def _make(self, trouble: str, method: str) -> None:
        if trouble == "unreachable":
            self.driver.fail_next(method)
        elif trouble == "answer lost":
            self.driver.fail_next(method, after=True)
        elif trouble == "fails":
            for _ in range(20):
                self.driver.fail_next_job(method, "the engine failed")

    def _newest_fence(self) -> Any:
        return self.driver.engine.fences[self.server.engine_name]


@pytest.fixture
def lives(cloud: People, image: Any, flavor: Any, engine_room: Any) -> type[Life]:
    seen = {"people": cloud, "image": image, "flavor": flavor, "driver": engine_room}
    return type("LifeHere", (Life,), seen)


def test_a_server_lives_any_life(lives: type[Life]) -> None:
    how = settings(
        max_examples=LIVES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(lives, settings=how)
