"""The contract on a real Ganeti cluster, and what only Ganeti does. Needs root; see ``ganeti_cluster``."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    BackendUnavailable,
    DiskImage,
    EventKind,
    Fence,
    Fenced,
    GuestSetup,
    InstanceSpec,
    JobStatus,
    NetworkSpec,
    Power,
    SubnetSpec,
    VolumeSpec,
)
from synnefo.cyclades.backends.ganeti import GanetiBackend, GanetiConfig
from synnefo.cyclades.backends.ganeti.jobs import JobIndex
from synnefo.cyclades.backends.ganeti.rapi import Rapi
from synnefo.cyclades.backends.ganeti.submission import Submission

from .ganeti_cluster import RECORDING_OS, GanetiCluster
from .kit import Watch, rfb_socket
from .suite import BackendContract

Open = Callable[[GanetiConfig], GanetiBackend]


def listed(cluster: GanetiCluster, network: str, fields: str) -> str:
    """Fields of a network as Ganeti's own command shows them."""
    return cluster.run("gnt-network", "list", "--no-headers", "-o", fields, network).strip()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GanetiCluster]:
    cluster = GanetiCluster(tmp_path_factory.mktemp("ganeti"))
    try:
        with cluster.network():
            yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def config(cluster: GanetiCluster) -> GanetiConfig:
    """Instances of the fake hypervisor: Ganeti does everything but run a guest."""
    return GanetiConfig(
        url=cluster.url,
        username=cluster.username,
        password=cluster.password,
        ca=cluster.ca,
        hypervisor="fake",
        disk_template="diskless",
        os_type="noop",
        image_osparams=False,
        create_options={"pnode": cluster.node},
        job_poll_s=0.2,
        state_poll_s=0.5,
    )


@pytest.fixture
def open_backend() -> Iterator[Open]:
    """Opens backends, and closes them after the test."""
    backends: list[GanetiBackend] = []

    def open_one(config: GanetiConfig) -> GanetiBackend:
        backends.append(GanetiBackend(config))
        return backends[-1]

    yield open_one
    for backend in backends:
        backend.close()


def create_and_be_killed(config: GanetiConfig, spec: InstanceSpec) -> None:
    """A caller that dies after Ganeti took the job and before anybody could store its number."""
    GanetiBackend(config).create(spec, Fence(10, 1))
    os.kill(os.getpid(), signal.SIGKILL)


class TestGaneti(BackendContract):
    patience_s = 60

    @pytest.fixture
    def backend(self, config: GanetiConfig, open_backend: Open) -> GanetiBackend:
        return open_backend(config)

    @pytest.fixture
    def reopen(self, config: GanetiConfig, open_backend: Open) -> Callable[[], GanetiBackend]:
        return lambda: open_backend(config)

    @pytest.fixture
    def neighbour(self, config: GanetiConfig, open_backend: Open) -> GanetiBackend:
        return open_backend(dataclasses.replace(config, prefix="other-"))

    @pytest.fixture
    def revision_of(self, cluster: GanetiCluster) -> Callable[[str], int]:
        def look(name: str) -> int:
            tags = cluster.run("gnt-network", "list-tags", name).split()
            (revision,) = [tag for tag in tags if tag.startswith("synnefo:revision:")]
            return int(revision.rpartition(":")[2])

        return look

    @pytest.fixture
    def cards_of(self, cluster: GanetiCluster) -> Callable[[str], set[str]]:
        def look(name: str) -> set[str]:
            said = cluster.run("gnt-instance", "list", "--no-headers", "-o", "nic.names", name)
            return set(re.findall(r"nic-\d+", said))

        return look

    @pytest.fixture
    def image(self) -> DiskImage | None:
        return None

    # -- callers that die or fall behind ----------------------------------------------------------
    def test_a_killed_caller_is_continued_by_another_process(
        self, cluster: GanetiCluster, config: GanetiConfig, backend: GanetiBackend, spec: InstanceSpec
    ) -> None:
        caller = multiprocessing.get_context("spawn").Process(
            target=create_and_be_killed, args=(config, spec)
        )
        caller.start()
        caller.join(self.patience_s)
        assert caller.exitcode == -signal.SIGKILL
        self.finish(backend, backend.create(spec, Fence(10, 2)))
        assert backend.instance(spec.name).power is Power.ON
        summaries = cluster.run("gnt-job", "list", "--no-headers", "-o", "summary").split()
        assert summaries.count(f"INSTANCE_CREATE({spec.name})") == 1

    def test_a_caller_overtaken_before_it_submitted_learns_it(
        self, config: GanetiConfig, backend: GanetiBackend, running: str
    ) -> None:
        rapi = Rapi(config)
        late = Submission(rapi, JobIndex(rapi), "stop", running, Fence(11, 1))
        self.finish(backend, backend.start(running, Fence(12, 1)))
        with pytest.raises(Fenced):
            late.submit("PUT", f"/2/instances/{running}/shutdown", {"timeout": 1})
        rapi.close()

    def test_what_a_killed_caller_left_of_a_network_is_finished(
        self, cluster: GanetiCluster, backend: GanetiBackend, network: NetworkSpec
    ) -> None:
        assert network.cidr is not None
        tags = f"--tags=synnefo:revision:{network.revision}"
        cluster.run("gnt-network", "add", f"--network={network.cidr}", tags, network.name)
        backend.apply_network(network, Fence(10, 1))
        fields = cluster.run("gnt-network", "list", "--no-headers", "-o", "gateway,group_list", network.name)
        assert fields.split(maxsplit=1)[0] == network.gateway
        assert "default" in fields

    def test_the_end_of_an_archived_job_is_still_known(
        self, cluster: GanetiCluster, backend: GanetiBackend, running: str
    ) -> None:
        job = backend.start(running, Fence(11, 1))
        self.finish(backend, job)
        cluster.run("gnt-job", "archive", job)
        assert backend.job(job).status is JobStatus.SUCCESS

    # -- what happens without us ------------------------------------------------------------------
    def test_a_guest_that_dies_is_told_as_a_crash(
        self, cluster: GanetiCluster, backend: GanetiBackend, running: str
    ) -> None:
        with Watch(backend, self.patience_s) as watch:
            cluster.kill_guest(running)
            watch.expect(running, EventKind.CRASHED)
        seen = backend.instance(running)
        assert (seen.power, bool(seen.reason)) == (Power.OFF, True)

    def test_what_an_operator_does_is_told(
        self, cluster: GanetiCluster, backend: GanetiBackend, running: str
    ) -> None:
        with Watch(backend, self.patience_s) as watch:
            cluster.run("gnt-instance", "shutdown", running)
            watch.expect(running, EventKind.POWERED_OFF)
            cluster.run("gnt-instance", "remove", "--force", running)
            watch.expect(running, EventKind.REMOVED)

    def test_a_reboot_is_not_told_as_a_crash(self, backend: GanetiBackend, running: str) -> None:
        with Watch(backend, self.patience_s) as watch:
            self.finish(backend, backend.reboot(running, Fence(11, 1), hard=True))
            self.finish(backend, backend.stop(running, Fence(12, 1), timeout_s=1))
            told = watch.expect(running, EventKind.POWERED_OFF, EventKind.CRASHED)
            assert told.kind is EventKind.POWERED_OFF

    # -- size and disks ---------------------------------------------------------------------------
    @pytest.fixture
    def with_disks(self, config: GanetiConfig, open_backend: Open) -> GanetiBackend:
        """Diskless instances are the rule here, for they are made faster."""
        return open_backend(dataclasses.replace(config, disk_template="file"))

    @pytest.fixture
    def disked(self, with_disks: GanetiBackend, spec: InstanceSpec) -> str:
        """The name of an instance with a disk ``NAME-root``, which operation 10 made and 11 stopped."""
        whole = dataclasses.replace(spec, volumes=[VolumeSpec(f"{spec.name}-root", 1)])
        self.finish(with_disks, with_disks.create(whole, Fence(10, 1)))
        self.finish(with_disks, with_disks.stop(spec.name, Fence(11, 1), timeout_s=1))
        return spec.name

    @pytest.fixture
    def disks_of(self, cluster: GanetiCluster) -> Callable[[str], list[str]]:
        def look(name: str) -> list[str]:
            fields = "disk.names,disk.sizes"
            said = cluster.run("gnt-instance", "list", "--no-headers", "--units=m", "-o", fields, name)
            names, sizes = re.findall(r"[\w-]+-(?:root|data)", said), re.findall(r"\d+", said.split()[-1])
            return [f"{one.rpartition('-')[2]}:{size}" for one, size in zip(names, sizes, strict=True)]

        return look

    def test_another_size_while_it_is_off(
        self, cluster: GanetiCluster, backend: GanetiBackend, stopped: str
    ) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.resize(stopped, 2, 160, Fence(12, attempt)))
        fields = "be/vcpus,be/maxmem,be/minmem"
        said = cluster.run("gnt-instance", "list", "--no-headers", "--units=m", "-o", fields, stopped)
        assert said.split() == ["2", "160", "160"]
        with pytest.raises(Fenced):
            backend.resize(stopped, 1, 128, Fence(11, 9))

    def test_what_is_on_keeps_its_size(self, backend: GanetiBackend, running: str) -> None:
        self.assert_refused(backend, lambda: backend.resize(running, 2, 160, Fence(11, 1)))

    def test_disks_come_grow_leave_and_come_back(
        self, with_disks: GanetiBackend, disked: str, disks_of: Callable[[str], list[str]]
    ) -> None:
        root, data = f"{disked}-root", VolumeSpec(f"{disked}-data", 1)
        assert disks_of(disked) == ["root:1024"]
        for attempt in (1, 2):
            self.finish(with_disks, with_disks.attach_volume(disked, data, Fence(12, attempt)))
            assert disks_of(disked) == ["root:1024", "data:1024"]
        for attempt in (1, 2):
            self.finish(with_disks, with_disks.extend_volume(data.name, 2, Fence(13, attempt)))
            assert disks_of(disked) == ["root:1024", "data:2048"]
        for attempt in (1, 2):
            self.finish(with_disks, with_disks.detach_volume(disked, data.name, Fence(14, attempt)))
            assert disks_of(disked) == ["root:1024"]
        assert {root, data.name} <= set(with_disks.volumes())
        self.finish(with_disks, with_disks.attach_volume(disked, data, Fence(15, 1)))
        assert disks_of(disked) == ["root:1024", "data:2048"]
        self.assert_refused(with_disks, lambda: with_disks.detach_volume(disked, root, Fence(16, 1)))
        self.assert_refused(with_disks, lambda: with_disks.delete_volume(data.name, Fence(17, 1)))
        self.finish(with_disks, with_disks.delete(disked, Fence(18, 1)))
        assert not {root, data.name} & set(with_disks.volumes())
        self.finish(with_disks, with_disks.delete_volume(data.name, Fence(19, 1)))

    # -- kinds of networks ------------------------------------------------------------------------
    def test_a_network_has_the_mode_the_link_and_the_tags_of_its_kind(
        self, cluster: GanetiCluster, backend: GanetiBackend, network: NetworkSpec
    ) -> None:
        vlan = dataclasses.replace(network, kind="PHYSICAL_VLAN", link="prv7", tags=["physical-vlan"])
        backend.apply_network(vlan, Fence(10, 1))
        assert "(bridged, prv7," in listed(cluster, network.name, "group_list")
        tags = set(listed(cluster, network.name, "tags").split(","))
        assert {"nfdhcpd", "physical-vlan", "private", "synnefo:revision:1"} == {t.strip() for t in tags}
        backend.apply_network(dataclasses.replace(vlan, revision=2, dhcp=False, tags=[]), Fence(11, 1))
        tags = set(listed(cluster, network.name, "tags").split(","))
        assert {"private", "synnefo:revision:2"} == {t.strip() for t in tags}

    def test_a_routed_network_with_a_mac_prefix_is_made_so(
        self, cluster: GanetiCluster, backend: GanetiBackend, network: NetworkSpec
    ) -> None:
        routed = dataclasses.replace(
            network, kind="IP_LESS_ROUTED", mode="routed", link="snf-link-1", mac_prefix="aa:00:07"
        )
        backend.apply_network(routed, Fence(10, 1))
        assert "(routed, snf-link-1," in listed(cluster, network.name, "group_list")
        assert listed(cluster, network.name, "mac_prefix") == "aa:00:07"

    def test_ipv6_comes_and_goes_and_may_be_alone(
        self, cluster: GanetiCluster, backend: GanetiBackend, network: NetworkSpec
    ) -> None:
        six = SubnetSpec("fd00:7::/64", "fd00:7::1", ipv6_mode="slaac")
        alone = dataclasses.replace(network, cidr=None, gateway=None, more_subnets=[six])
        backend.apply_network(alone, Fence(10, 1))
        fields = listed(cluster, network.name, "network,network6,gateway6").split()
        assert fields == ["10.0.0.0/29", "fd00:7::/64", "fd00:7::1"]
        backend.apply_network(dataclasses.replace(alone, revision=2, more_subnets=[]), Fence(11, 1))
        assert listed(cluster, network.name, "network6,gateway6").split() == ["-", "-"]

    # -- what Ganeti cannot do --------------------------------------------------------------------
    def test_floating_addresses_are_refused(self, backend: GanetiBackend, network: NetworkSpec) -> None:
        floating = dataclasses.replace(network, floating={"192.0.2.7": "10.0.0.7"})
        with pytest.raises(BackendError, match="address translation"):
            backend.apply_network(floating, Fence(10, 1))
        assert network.name not in backend.networks()

    def test_more_ranges_than_ganeti_holds_are_refused(
        self, backend: GanetiBackend, network: NetworkSpec
    ) -> None:
        more = dataclasses.replace(network, more_subnets=[SubnetSpec("10.9.0.0/24")])
        with pytest.raises(BackendError, match="one range of IPv4 and one of IPv6"):
            backend.apply_network(more, Fence(10, 1))
        assert network.name not in backend.networks()

    def test_what_it_has_no_counterpart_for_is_said(self, backend: GanetiBackend, running: str) -> None:
        fence, volume = Fence(11, 1), VolumeSpec("snf-vol-1", 1)
        acts: list[Callable[[], object]] = [
            lambda: backend.pause(running, fence),
            lambda: backend.save(running, fence),
            lambda: backend.set_password(running, "root", "secret-1", fence),
            lambda: backend.create_volume(volume, fence),
            lambda: backend.snapshot_volume(volume.name, "snf-snap-1", fence),
        ]
        for act in acts:
            with pytest.raises(BackendError, match="Ganeti"):
                act()
        assert backend.instance(running).power is Power.ON

    # -- a cluster that is away or says no --------------------------------------------------------
    def test_an_unknown_certificate_is_not_trusted(self, config: GanetiConfig, open_backend: Open) -> None:
        with pytest.raises(BackendUnavailable, match="certificate"):
            open_backend(dataclasses.replace(config, ca=None)).capacity()

    def test_refused_credentials_are_for_the_operator_to_repair(
        self, config: GanetiConfig, open_backend: Open
    ) -> None:
        with pytest.raises(BackendUnavailable, match="401"):
            open_backend(dataclasses.replace(config, password="wrong")).capacity()

    def test_a_cluster_that_does_not_listen_is_unavailable(
        self, config: GanetiConfig, open_backend: Open, spec: InstanceSpec
    ) -> None:
        away = open_backend(dataclasses.replace(config, url="https://10.99.0.1:5081"))
        with pytest.raises(BackendUnavailable):
            away.ensure()
        with pytest.raises(BackendUnavailable):
            away.create(spec, Fence(10, 1))

    def test_a_drained_queue_is_a_matter_of_time(
        self, cluster: GanetiCluster, backend: GanetiBackend, spec: InstanceSpec
    ) -> None:
        cluster.run("gnt-cluster", "queue", "drain")
        try:
            with pytest.raises(BackendUnavailable):
                backend.create(spec, Fence(10, 1))
        finally:
            cluster.run("gnt-cluster", "queue", "undrain")
        self.finish(backend, backend.create(spec, Fence(10, 2)))


class TestGanetiWithQemu:
    """A real guest of the KVM hypervisor (emulated), made from an image by an OS definition."""

    @pytest.fixture
    def backend(self, config: GanetiConfig, open_backend: Open) -> GanetiBackend:
        with_qemu = dataclasses.replace(
            config,
            hypervisor="kvm",
            disk_template="file",
            os_type=f"{RECORDING_OS}+default",
            image_osparams=True,
        )
        return open_backend(with_qemu)

    def test_a_guest_is_made_from_its_image_and_shows_its_screen(
        self, cluster: GanetiCluster, backend: GanetiBackend
    ) -> None:
        contract = TestGaneti()
        image = DiskImage(Path("/images/debian.raw"), "raw", "0" * 64)
        guest = GuestSetup(hostname="web", instance_id="web", admin_password="Secret-Word-1")
        spec = InstanceSpec("snf-1", vcpus=1, ram_mib=64, disk_gib=1, image=image, nics=(), guest=guest)
        contract.finish(backend, backend.create(spec, Fence(10, 1)))
        assert cluster.recorded(spec.name) == {
            "IMG_ID": "file:///images/debian.raw",
            "IMG_FORMAT": "diskdump",
            "IMG_PASSWD": "Secret-Word-1",
        }
        with rfb_socket(backend.console(spec.name), contract.patience_s) as screen:
            assert screen.recv(12, socket.MSG_WAITALL).startswith(b"RFB 003.")
        contract.finish(backend, backend.stop(spec.name, Fence(11, 1), timeout_s=1))
        assert backend.instance(spec.name).power is Power.OFF
        contract.finish(backend, backend.delete(spec.name, Fence(12, 1)))
        assert backend.instance(spec.name).power is Power.ABSENT
