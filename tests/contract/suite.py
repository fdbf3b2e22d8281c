"""Every promise of ``synnefo/cyclades/backends/base.py``, as tests that each engine inherits.

Owns what a backend must do as seen through the ``Backend`` protocol; it must know no engine. One test
module per engine subclasses ``BackendContract`` (``ScreenContract`` where instances have screens), sets the
class attributes and overrides fixtures::

    class TestLocal(BackendContract):
        patience_s = 60

        @pytest.fixture
        def backend(self, tmp_path): ...

Fixtures to supply:

``backend``       an engine to work on; it may be shared by tests, names are never used twice.
``reopen``        a function that gives one more ``Backend`` over the same engine, as the next process
                  would have after the first one was killed. The fixture closes them.
``image``         a ``DiskImage`` to boot from, or None where the engine needs none.
``make_spec``     optional: ``make_spec(name, nics=())`` gives the ``InstanceSpec`` to create.
``revision_of``   a function from a network's name to the revision that the engine holds, looked up
                  behind the backend's back.
``cards_of``      a function from an instance's name to the names of its cards, seen likewise; of what runs,
                  those that the guest sees.
``neighbour``     a ``Backend`` of another installation on the same engine, whose prefix is ``other-``.

``follow`` must have its first look at the engine behind it when it asks ``stop()`` for the second
time; what changes after that must become an event.

All waits end after ``patience_s``. What a test made is deleted after it, with a fence above all others.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from synnefo.cyclades.backends.base import (
    DONE,
    Backend,
    BackendError,
    DiskImage,
    EventKind,
    Fence,
    Fenced,
    GuestSetup,
    InstanceSpec,
    JobStatus,
    Lease,
    NetworkSpec,
    Nic,
    Power,
)

from .kit import MakeSpec, Watch, rfb_socket, wait_until

#: No name and no fence is used twice in a run.
numbers = itertools.count(int.from_bytes(os.urandom(3), "big") * 1000)
END_OF_TIME = 2**40


Act = Callable[[Backend, InstanceSpec, Fence], str]

#: A card of a network that is nowhere.
UNKNOWN_NIC = Nic(name="nic-0", network="snf-net-0", mac="aa:00:00:12:34:58")
#: Every call that changes an instance.
ACTS: dict[str, Act] = {
    "create": lambda backend, spec, fence: backend.create(spec, fence),
    "start": lambda backend, spec, fence: backend.start(spec.name, fence),
    "stop": lambda backend, spec, fence: backend.stop(spec.name, fence, timeout_s=1),
    "reboot_soft": lambda backend, spec, fence: backend.reboot(spec.name, fence, hard=False, timeout_s=1),
    "reboot_hard": lambda backend, spec, fence: backend.reboot(spec.name, fence, hard=True),
    "plug": lambda backend, spec, fence: backend.plug(spec.name, UNKNOWN_NIC, fence),
    "unplug": lambda backend, spec, fence: backend.unplug(spec.name, UNKNOWN_NIC.name, fence),
    "delete": lambda backend, spec, fence: backend.delete(spec.name, fence),
}


class BackendContract:
    """The promises. Subclass, set what differs, supply the fixtures of the module's docstring."""

    #: The longest that one job, one event or one observation may take on this engine.
    patience_s: ClassVar[float] = 30
    #: The prefix that the installation under test gives its instances.
    prefix: ClassVar[str] = "snf-"
    #: How long a guest is asked to power off before the plug is pulled.
    stop_timeout_s: ClassVar[int] = 2

    # -- fixtures ---------------------------------------------------------------------------------
    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        raise NotImplementedError("the subclass supplies the fixture 'backend'")

    @pytest.fixture
    def reopen(self) -> Iterator[Callable[[], Backend]]:
        raise NotImplementedError("the subclass supplies the fixture 'reopen'")

    @pytest.fixture
    def image(self) -> DiskImage | None:
        raise NotImplementedError("the subclass supplies the fixture 'image'")

    @pytest.fixture
    def revision_of(self) -> Callable[[str], int]:
        raise NotImplementedError("the subclass supplies the fixture 'revision_of'")

    @pytest.fixture
    def cards_of(self) -> Callable[[str], set[str]]:
        raise NotImplementedError("the subclass supplies the fixture 'cards_of'")

    @pytest.fixture
    def neighbour(self) -> Backend:
        raise NotImplementedError("the subclass supplies the fixture 'neighbour'")

    @pytest.fixture
    def make_spec(self, image: DiskImage | None) -> MakeSpec:
        def make(name: str, nics: Sequence[Nic] = ()) -> InstanceSpec:
            return InstanceSpec(
                name=name,
                vcpus=1,
                ram_mib=128,
                disk_gib=1,
                image=image,
                nics=nics,
                guest=GuestSetup(hostname=name, instance_id=name),
            )

        return make

    @pytest.fixture
    def name(self, backend: Backend) -> Iterator[str]:
        """An instance's name that nobody used; whatever carries it afterwards is deleted."""
        name = f"{self.prefix}{next(numbers)}"
        yield name
        self.finish(backend, backend.delete(name, Fence(END_OF_TIME, next(numbers))))

    @pytest.fixture
    def network(self, backend: Backend, name: str) -> Iterator[NetworkSpec]:
        """A network's first picture; removed afterwards, before the instance of the test is deleted."""
        number = next(numbers)
        subnet = f"10.{number // 256 % 256}.{number % 256}"
        yield NetworkSpec(
            name=f"{self.prefix}net-{number}", revision=1, cidr=f"{subnet}.0/24", gateway=f"{subnet}.1"
        )
        self.finish(backend, backend.delete(name, Fence(END_OF_TIME, next(numbers))))
        backend.remove_network(f"{self.prefix}net-{number}", Fence(END_OF_TIME, next(numbers)))

    @pytest.fixture
    def spec(self, name: str, make_spec: MakeSpec) -> InstanceSpec:
        return make_spec(name)

    @pytest.fixture
    def running(self, backend: Backend, spec: InstanceSpec) -> str:
        """The name of an instance that operation 10 created and that is on."""
        self.finish(backend, backend.create(spec, Fence(10, 1)))
        return spec.name

    @pytest.fixture
    def stopped(self, backend: Backend, running: str) -> str:
        """The name of an instance that operation 11 stopped."""
        self.finish(backend, backend.stop(running, Fence(11, 1), timeout_s=0))
        return running

    # -- waiting ----------------------------------------------------------------------------------
    def end_of(self, backend: Backend, job_id: str) -> JobStatus:
        """How the job ends."""

        def ended() -> JobStatus | None:
            status = backend.job(job_id).status
            return None if status is JobStatus.RUNNING else status

        return wait_until(ended, self.patience_s, f"end of job {job_id}")

    def finish(self, backend: Backend, job_id: str) -> None:
        """Wait for a job that must succeed."""
        assert self.end_of(backend, job_id) is JobStatus.SUCCESS, backend.job(job_id).message

    def power(self, backend: Backend, name: str) -> Power:
        return backend.instance(name).power

    def assert_refused(self, backend: Backend, act: Callable[[], str]) -> None:
        """The call fails at once or by its job, and says why."""
        try:
            job_id = act()
            assert self.end_of(backend, job_id) is JobStatus.ERROR
            reason = backend.job(job_id).message
        except Fenced:
            pytest.fail("refused for a fence that nobody passed")
        except BackendError as refusal:
            reason = str(refusal)
        assert reason

    def fenced_acts(self, backend: Backend, spec: InstanceSpec, fence: Fence) -> list[str]:
        """Which of all calls are refused because of the fence."""
        refused = []
        for verb, act in ACTS.items():
            try:
                act(backend, spec, fence)
            except Fenced:
                refused.append(verb)
        return refused

    # -- shape ------------------------------------------------------------------------------------
    def test_it_speaks_the_whole_protocol(self, backend: Backend) -> None:
        assert isinstance(backend, Backend)

    def test_making_ready_may_be_repeated(self, backend: Backend, running: str) -> None:
        backend.ensure()
        backend.ensure()
        assert self.power(backend, running) is Power.ON

    def test_capacity_tells_what_there_is(self, backend: Backend) -> None:
        capacity = backend.capacity()
        assert capacity.vcpus > 0
        assert 0 < capacity.ram_free_mib <= capacity.ram_total_mib
        assert 0 <= capacity.disk_free_gib <= capacity.disk_total_gib
        for node in capacity.nodes:
            assert node.name
            assert node.ram_total_mib > 0
            assert 0 <= node.disk_free_mib <= node.disk_total_mib

    def test_capacity_counts_instances(self, backend: Backend, running: str) -> None:
        assert backend.capacity().instances >= 1

    # -- create -----------------------------------------------------------------------------------
    def test_a_created_instance_runs(self, backend: Backend, spec: InstanceSpec) -> None:
        self.finish(backend, backend.create(spec, Fence(10, 1)))
        assert self.power(backend, spec.name) is Power.ON
        seen = [i for i in backend.instances() if i.name == spec.name]
        assert [(i.power, i.vcpus, i.ram_mib) for i in seen] == [(Power.ON, spec.vcpus, spec.ram_mib)]
        assert not seen[0].rescued

    def test_creating_what_exists_adopts_it(self, backend: Backend, running: str, spec: InstanceSpec) -> None:
        self.finish(backend, backend.create(spec, Fence(10, 2)))
        assert [i.power for i in backend.instances() if i.name == running] == [Power.ON]

    def test_a_caller_killed_before_it_stored_the_job_finds_it_again(
        self, backend: Backend, reopen: Callable[[], Backend], spec: InstanceSpec
    ) -> None:
        lost = backend.create(spec, Fence(10, 1))
        successor = reopen()
        found = successor.create(spec, Fence(10, 2))
        self.finish(successor, found)
        self.finish(successor, lost)
        assert [i.power for i in successor.instances() if i.name == spec.name] == [Power.ON]

    def test_callers_at_the_same_time_make_one_instance(
        self, backend: Backend, reopen: Callable[[], Backend], spec: InstanceSpec
    ) -> None:
        backends = [backend, reopen(), reopen()]
        with ThreadPoolExecutor(len(backends)) as pool:
            jobs = list(pool.map(lambda one: one.create(spec, Fence(10, 1)), backends))
        for job in jobs:
            self.finish(backend, job)
        assert [i.power for i in backend.instances() if i.name == spec.name] == [Power.ON]

    def test_an_instance_on_a_network_runs(
        self, backend: Backend, name: str, network: NetworkSpec, make_spec: MakeSpec
    ) -> None:
        assert network.cidr is not None
        nic = Nic(
            name=f"{self.prefix}nic-{next(numbers)}",
            network=network.name,
            mac="aa:00:00:12:34:56",
            ip=network.cidr.replace("0/24", "7"),
        )
        lease = Lease(mac=nic.mac, ip=nic.ip or "", hostname=name)
        backend.apply_network(dataclasses.replace(network, leases=[lease]), Fence(9, 1))
        self.finish(backend, backend.create(make_spec(name, [nic]), Fence(10, 1)))
        assert self.power(backend, name) is Power.ON

    def test_creating_on_an_unknown_network_is_refused(
        self, backend: Backend, name: str, make_spec: MakeSpec
    ) -> None:
        nic = Nic(name=f"{self.prefix}nic-1", network=f"{self.prefix}net-0", mac="aa:00:00:12:34:57")
        self.assert_refused(backend, lambda: backend.create(make_spec(name, [nic]), Fence(10, 1)))

    # -- cards ------------------------------------------------------------------------------------
    @pytest.fixture
    def nic(self, backend: Backend, network: NetworkSpec) -> Nic:
        """A card of a network that exists."""
        assert network.cidr is not None
        number = next(numbers)
        nic = Nic(f"nic-{number}", network.name, "aa:00:00:12:34:59", network.cidr.replace("0/24", "8"))
        lease = Lease(mac=nic.mac, ip=nic.ip or "", hostname="guest")
        backend.apply_network(dataclasses.replace(network, leases=[lease]), Fence(9, 1))
        return nic

    def test_cards_come_and_go_while_it_runs(
        self, backend: Backend, running: str, nic: Nic, cards_of: Callable[[str], set[str]]
    ) -> None:
        for _ in range(2):
            self.finish(backend, backend.plug(running, nic, Fence(11, 1)))
            assert cards_of(running) == {nic.name}
        for _ in range(2):
            self.finish(backend, backend.unplug(running, nic.name, Fence(12, 1)))
            assert cards_of(running) == set()
        assert self.power(backend, running) is Power.ON

    def test_a_card_of_what_is_off_is_there_when_it_starts(
        self, backend: Backend, stopped: str, nic: Nic, cards_of: Callable[[str], set[str]]
    ) -> None:
        self.finish(backend, backend.plug(stopped, nic, Fence(12, 1)))
        self.finish(backend, backend.start(stopped, Fence(13, 1)))
        assert cards_of(stopped) == {nic.name}
        self.finish(backend, backend.unplug(stopped, nic.name, Fence(14, 1)))
        assert cards_of(stopped) == set()

    def test_a_card_of_an_unknown_network_is_refused(
        self, backend: Backend, running: str, cards_of: Callable[[str], set[str]]
    ) -> None:
        self.assert_refused(backend, lambda: backend.plug(running, UNKNOWN_NIC, Fence(11, 1)))
        assert cards_of(running) == set()

    # -- delete -----------------------------------------------------------------------------------
    def test_a_deleted_instance_is_absent(self, backend: Backend, running: str) -> None:
        self.finish(backend, backend.delete(running, Fence(11, 1)))
        assert self.power(backend, running) is Power.ABSENT
        assert running not in [i.name for i in backend.instances()]

    def test_deleting_twice_succeeds(self, backend: Backend, stopped: str) -> None:
        self.finish(backend, backend.delete(stopped, Fence(12, 1)))
        self.finish(backend, backend.delete(stopped, Fence(12, 2)))

    def test_deleting_again_while_it_is_deleted_succeeds(
        self, backend: Backend, reopen: Callable[[], Backend], running: str
    ) -> None:
        first = backend.delete(running, Fence(11, 1))
        second = reopen().delete(running, Fence(11, 2))
        self.finish(backend, second)
        self.finish(backend, first)
        assert self.power(backend, running) is Power.ABSENT

    def test_deleting_what_is_absent_succeeds(self, backend: Backend, name: str) -> None:
        self.finish(backend, backend.delete(name, Fence(10, 1)))

    def test_a_deletion_during_the_creation_wins(self, backend: Backend, spec: InstanceSpec) -> None:
        creation = backend.create(spec, Fence(10, 1))
        self.finish(backend, backend.delete(spec.name, Fence(11, 1)))
        self.end_of(backend, creation)
        assert self.power(backend, spec.name) is Power.ABSENT

    # -- power ------------------------------------------------------------------------------------
    def test_stop_turns_it_off(self, backend: Backend, running: str) -> None:
        self.finish(backend, backend.stop(running, Fence(11, 1), timeout_s=self.stop_timeout_s))
        assert self.power(backend, running) is Power.OFF

    def test_stopping_what_is_off_succeeds(self, backend: Backend, stopped: str) -> None:
        self.finish(backend, backend.stop(stopped, Fence(12, 1)))
        assert self.power(backend, stopped) is Power.OFF

    def test_start_turns_it_on(self, backend: Backend, stopped: str) -> None:
        self.finish(backend, backend.start(stopped, Fence(12, 1)))
        assert self.power(backend, stopped) is Power.ON

    def test_starting_what_is_on_succeeds(self, backend: Backend, running: str) -> None:
        self.finish(backend, backend.start(running, Fence(11, 1)))
        assert self.power(backend, running) is Power.ON

    @pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
    def test_a_rebooted_instance_is_on(self, backend: Backend, running: str, hard: bool) -> None:
        job = backend.reboot(running, Fence(11, 1), hard=hard, timeout_s=self.stop_timeout_s)
        self.finish(backend, job)
        assert self.power(backend, running) is Power.ON

    @pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
    def test_rebooting_what_is_off_starts_it(self, backend: Backend, stopped: str, hard: bool) -> None:
        job = backend.reboot(stopped, Fence(12, 1), hard=hard, timeout_s=self.stop_timeout_s)
        self.finish(backend, job)
        assert self.power(backend, stopped) is Power.ON

    @pytest.mark.parametrize("verb", ["start", "stop", "reboot_soft", "reboot_hard", "plug", "unplug"])
    def test_acting_on_what_is_absent_fails(self, backend: Backend, spec: InstanceSpec, verb: str) -> None:
        self.assert_refused(backend, lambda: ACTS[verb](backend, spec, Fence(10, 1)))
        assert self.power(backend, spec.name) is Power.ABSENT

    # -- jobs -------------------------------------------------------------------------------------
    @pytest.mark.parametrize("job_id", ["999999999", "no-such-job", "../1", "", "-1", "1" * 200])
    def test_an_unknown_job_is_an_error_job(self, backend: Backend, job_id: str) -> None:
        job = backend.job(job_id)
        assert job.status is JobStatus.ERROR
        assert job.message

    def test_nothing_to_do_is_a_successful_job(self, backend: Backend) -> None:
        assert backend.job(DONE).status is JobStatus.SUCCESS

    def test_another_process_can_ask_for_a_job(
        self, backend: Backend, reopen: Callable[[], Backend], spec: InstanceSpec
    ) -> None:
        job = backend.create(spec, Fence(10, 1))
        self.finish(reopen(), job)
        assert self.power(reopen(), spec.name) is Power.ON

    # -- looking ----------------------------------------------------------------------------------
    def test_an_unknown_instance_is_absent(self, backend: Backend, name: str) -> None:
        assert backend.instance(name).power is Power.ABSENT
        assert backend.instance(name).name == name

    def test_only_our_instances_are_listed(
        self, backend: Backend, neighbour: Backend, running: str, make_spec: MakeSpec
    ) -> None:
        theirs = f"other-{next(numbers)}"
        try:
            self.finish(neighbour, neighbour.create(make_spec(theirs), Fence(10, 1)))
            assert theirs in [i.name for i in neighbour.instances()]
            ours = [i.name for i in backend.instances()]
            assert running in ours
            assert all(one.startswith(self.prefix) for one in ours)
        finally:
            self.finish(neighbour, neighbour.delete(theirs, Fence(END_OF_TIME, 1)))

    def test_an_instance_outlives_the_backend_object(
        self, reopen: Callable[[], Backend], running: str
    ) -> None:
        first = reopen()
        assert self.power(first, running) is Power.ON
        first.close()
        assert self.power(reopen(), running) is Power.ON

    # -- fencing ----------------------------------------------------------------------------------
    def test_an_older_operation_is_fenced(self, backend: Backend, running: str, spec: InstanceSpec) -> None:
        assert self.fenced_acts(backend, spec, Fence(9, 7)) == list(ACTS)
        assert self.power(backend, running) is Power.ON

    def test_an_older_attempt_is_fenced_in_every_process(
        self, backend: Backend, reopen: Callable[[], Backend], stopped: str, spec: InstanceSpec
    ) -> None:
        self.finish(backend, backend.start(stopped, Fence(12, 2)))
        assert self.fenced_acts(reopen(), spec, Fence(12, 1)) == list(ACTS)
        assert self.power(backend, stopped) is Power.ON

    def test_a_call_with_nothing_to_do_fences_older_ones(
        self, backend: Backend, reopen: Callable[[], Backend], running: str
    ) -> None:
        self.finish(backend, backend.start(running, Fence(12, 1)))
        with pytest.raises(Fenced):
            reopen().stop(running, Fence(11, 1), timeout_s=1)
        assert self.power(backend, running) is Power.ON

    def test_finding_a_lost_job_fences_the_one_who_lost_it(
        self, backend: Backend, reopen: Callable[[], Backend], spec: InstanceSpec
    ) -> None:
        backend.create(spec, Fence(10, 1))
        self.finish(backend, reopen().create(spec, Fence(10, 2)))
        with pytest.raises(Fenced):
            backend.create(spec, Fence(10, 1))

    def test_a_stale_creation_does_not_bring_back_what_was_deleted(
        self, backend: Backend, reopen: Callable[[], Backend], running: str, spec: InstanceSpec
    ) -> None:
        self.finish(backend, backend.delete(running, Fence(11, 1)))
        with pytest.raises(Fenced):
            reopen().create(spec, Fence(10, 2))
        assert self.power(backend, running) is Power.ABSENT

    def test_a_stale_creation_does_not_follow_a_deletion_of_nothing(
        self, backend: Backend, reopen: Callable[[], Backend], spec: InstanceSpec
    ) -> None:
        self.finish(backend, backend.delete(spec.name, Fence(11, 1)))
        with pytest.raises(Fenced):
            reopen().create(spec, Fence(10, 1))
        assert self.power(backend, spec.name) is Power.ABSENT

    def test_the_same_fence_may_repeat(self, backend: Backend, stopped: str) -> None:
        fence = Fence(12, 1)
        self.finish(backend, backend.start(stopped, fence))
        self.finish(backend, backend.start(stopped, fence))
        assert self.power(backend, stopped) is Power.ON

    def test_a_fence_holds_for_its_name_alone(
        self, backend: Backend, running: str, make_spec: MakeSpec
    ) -> None:
        self.finish(backend, backend.start(running, Fence(50, 1)))
        other = make_spec(f"{running}1")
        try:
            self.finish(backend, backend.create(other, Fence(20, 1)))
            assert self.power(backend, other.name) is Power.ON
        finally:
            self.finish(backend, backend.delete(other.name, Fence(END_OF_TIME, 1)))

    # -- networks ---------------------------------------------------------------------------------
    def test_an_applied_network_exists(
        self, backend: Backend, network: NetworkSpec, revision_of: Callable[[str], int]
    ) -> None:
        assert network.name not in backend.networks()
        backend.apply_network(network, Fence(10, 1))
        assert network.name in backend.networks()
        assert revision_of(network.name) == 1

    def test_applying_a_network_again_changes_nothing(
        self, backend: Backend, network: NetworkSpec, revision_of: Callable[[str], int]
    ) -> None:
        backend.apply_network(network, Fence(10, 1))
        backend.apply_network(network, Fence(10, 2))
        assert backend.networks().count(network.name) == 1
        assert revision_of(network.name) == 1

    def test_a_newer_picture_of_a_network_stands(
        self, backend: Backend, network: NetworkSpec, revision_of: Callable[[str], int]
    ) -> None:
        backend.apply_network(network, Fence(10, 1))
        backend.apply_network(dataclasses.replace(network, revision=2, gateway=None), Fence(11, 1))
        assert revision_of(network.name) == 2

    def test_an_older_picture_of_a_network_is_ignored(
        self, backend: Backend, network: NetworkSpec, revision_of: Callable[[str], int]
    ) -> None:
        backend.apply_network(dataclasses.replace(network, revision=3), Fence(10, 1))
        backend.apply_network(dataclasses.replace(network, revision=2, gateway=None), Fence(11, 1))
        assert revision_of(network.name) == 3

    def test_a_network_without_a_subnet_can_be_applied(self, backend: Backend, network: NetworkSpec) -> None:
        backend.apply_network(dataclasses.replace(network, cidr=None, gateway=None), Fence(10, 1))
        assert network.name in backend.networks()

    def test_a_removed_network_is_gone(self, backend: Backend, network: NetworkSpec) -> None:
        backend.apply_network(network, Fence(10, 1))
        backend.remove_network(network.name, Fence(11, 1))
        assert network.name not in backend.networks()

    def test_removing_an_absent_network_succeeds(self, backend: Backend, network: NetworkSpec) -> None:
        backend.remove_network(network.name, Fence(10, 1))
        assert network.name not in backend.networks()

    def test_a_stale_picture_does_not_bring_back_a_removed_network(
        self, backend: Backend, reopen: Callable[[], Backend], network: NetworkSpec
    ) -> None:
        backend.apply_network(network, Fence(10, 1))
        backend.remove_network(network.name, Fence(11, 1))
        with pytest.raises(Fenced):
            reopen().apply_network(network, Fence(10, 1))
        assert network.name not in backend.networks()

    def test_a_stale_removal_of_a_network_is_fenced(
        self, backend: Backend, reopen: Callable[[], Backend], network: NetworkSpec
    ) -> None:
        backend.apply_network(network, Fence(12, 1))
        with pytest.raises(Fenced):
            reopen().remove_network(network.name, Fence(11, 1))
        assert network.name in backend.networks()

    # -- events -----------------------------------------------------------------------------------
    def test_power_changes_are_told(self, backend: Backend, running: str) -> None:
        with Watch(backend, self.patience_s) as watch:
            self.finish(backend, backend.stop(running, Fence(11, 1), timeout_s=0))
            off = watch.expect(running, EventKind.POWERED_OFF)
            assert off.at.tzinfo is not None
            self.finish(backend, backend.start(running, Fence(12, 1)))
            on = watch.expect(running, EventKind.POWERED_ON)
            assert on.at >= off.at

    def test_what_does_not_change_is_not_told(self, backend: Backend, running: str) -> None:
        with Watch(backend, self.patience_s) as watch:
            self.finish(backend, backend.start(running, Fence(11, 1)))
            self.finish(backend, backend.stop(running, Fence(12, 1), timeout_s=1))
            watch.expect(running, EventKind.POWERED_OFF)
            invented = {EventKind.CRASHED, EventKind.POWERED_ON, EventKind.REMOVED}
            assert [e for e in watch.seen() if e.instance == running and e.kind in invented] == []

    # -- consoles -------------------------------------------------------------------------------
    def test_there_is_no_console_while_it_is_off(self, backend: Backend, stopped: str) -> None:
        with pytest.raises(BackendError):
            backend.console(stopped)

    def test_there_is_no_console_of_what_is_absent(self, backend: Backend, name: str) -> None:
        with pytest.raises(BackendError):
            backend.console(name)

    def test_the_serial_log_is_bounded(self, backend: Backend, running: str) -> None:
        assert len(backend.console_log(running, 16)) <= 16


class ScreenContract(BackendContract):
    """Also the promise of engines whose instances have a screen."""

    def test_the_console_speaks_rfb(self, backend: Backend, running: str) -> None:
        with rfb_socket(backend.console(running), self.patience_s) as screen:
            assert screen.recv(12, socket.MSG_WAITALL).startswith(b"RFB 003.")
