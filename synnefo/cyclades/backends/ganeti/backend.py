"""Instances on a Ganeti cluster, over its remote API.

Owns how the contract's calls become Ganeti's jobs. It must not keep anything that the next process
would need: what was asked for stands in the cluster's job queue (``jobs``).

Every change is done in three steps: look at the queue (somebody newer? the same call already under
way?), submit a job that carries our signature, and look again; of two equal calls that crossed, the
older job stays and the younger is taken back.

**What is not guaranteed.** Ganeti cannot refuse a job by a fence, so the look and the submission are
two steps. A caller that is suspended exactly between them and wakes up after a newer one acted takes
his job back as soon as he looks again, and gets ``Fenced``; but if Ganeti was idle the job may have
begun by then. Fences are also forgotten when Ganeti archives the job that carried them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    Capacity,
    ConsoleEndpoint,
    DiskImage,
    Event,
    Fence,
    InstanceSpec,
    InstanceState,
    Job,
    JobStatus,
    NetworkSpec,
    Nic,
    Node,
    Power,
    VolumeSpec,
)
from synnefo.cyclades.backends.ganeti import events, states
from synnefo.cyclades.backends.ganeti.config import GanetiConfig
from synnefo.cyclades.backends.ganeti.disks import Disks
from synnefo.cyclades.backends.ganeti.jobs import JobIndex
from synnefo.cyclades.backends.ganeti.networks import Networks
from synnefo.cyclades.backends.ganeti.rapi import NotFound, Rapi, path
from synnefo.cyclades.backends.ganeti.refusals import Refusals
from synnefo.cyclades.backends.ganeti.submission import Submission
from synnefo.cyclades.backends.local.image_cache import ImageCache

_MAX_JOB_DIGITS = 15
_IMAGE_WAIT_S = 10.0
#: What RAPI must offer: requests to create instances in the form that ``GanetiConfig`` writes.
_CREATION_FEATURE = "instance-create-reqv1"


class GanetiBackend(Refusals):
    """One cluster. Holds connections only; close it when done.

    ``images``: where content of images is put for the nodes, which must find it under the same path.
    """

    def __init__(self, config: GanetiConfig, images: ImageCache | None = None) -> None:
        self._config = config
        self._images = images
        self._rapi = Rapi(config)
        self._jobs = JobIndex(self._rapi)
        self._networks = Networks(config, self._rapi, self._jobs)
        self._disks = Disks(config, self._rapi, self._submission)

    def close(self) -> None:
        self._rapi.close()

    def describe(self) -> dict[str, str]:
        return {"engine": "ganeti", "url": self._config.url, "hypervisor": self._config.hypervisor}

    def ensure(self) -> None:
        """Raises ``BackendError`` where the cluster is too old, ``BackendUnavailable`` where it is away."""
        if _CREATION_FEATURE not in self._rapi.call("GET", path("features")):
            raise BackendError(f"{self._config.url} does not offer {_CREATION_FEATURE}: Ganeti is too old")

    def capacity(self) -> Capacity:
        """The sum over the nodes that take instances. Disk is what Ganeti reports of its storage."""
        nodes = [_node(node) for node in self._rapi.call("GET", path("nodes"), query={"bulk": "1"})]
        usable = [node for node in nodes if node.vm_capable and not node.offline and not node.drained]
        return Capacity(
            vcpus=sum(node.vcpus for node in usable),
            ram_total_mib=sum(node.ram_total_mib for node in usable),
            ram_free_mib=sum(node.ram_free_mib for node in usable),
            disk_total_gib=sum(node.disk_total_mib for node in usable) // 1024,
            disk_free_gib=sum(node.disk_free_mib for node in usable) // 1024,
            instances=sum(node.instances for node in usable),
            nodes=tuple(nodes),
        )

    # -- instances --------------------------------------------------------------------------------
    def prepare_image(self, image: DiskImage) -> bool:
        return self._images is None or self._images.prepare(image)

    def create(self, spec: InstanceSpec, fence: Fence) -> str:
        call = self._submission("create", spec.name, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        instance = states.find(self._rapi, spec.name)
        if instance is None or call.pending:
            body = self._config.creation_of(self.with_file(spec))
            return str(call.submit("POST", path("instances"), body))
        if (failed := call.finished("error")) is not None:
            return str(failed)
        if instance.power is Power.ON:
            call.note()
            return DONE
        return str(call.submit("PUT", path("instances", spec.name, "startup"), {}))

    def with_file(self, spec: InstanceSpec) -> InstanceSpec:
        """The specification, with the image as a file that nodes can read."""
        if spec.image is None or not (spec.image.source or spec.image.format == "vmdk"):
            return spec
        if self._images is None:
            raise BackendError("There is no directory for the content of images")
        with self._images.using(spec.image, wait_s=_IMAGE_WAIT_S) as file:
            return dataclasses.replace(spec, image=dataclasses.replace(spec.image, path=file))

    def delete(self, name: str, fence: Fence) -> str:
        call = self._submission("delete", name, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        if not call.pending and states.find(self._rapi, name) is None:
            call.note()
            return DONE
        for job_id in call.pending:
            self._rapi.cancel(job_id)
        return str(call.submit("DELETE", path("instances", name), {"shutdown_timeout": 0}))

    def start(self, name: str, fence: Fence) -> str:
        return self._act("start", name, fence, "startup", {})

    def stop(self, name: str, fence: Fence, *, timeout_s: int = 60) -> str:
        return self._act("stop", name, fence, "shutdown", {"timeout": timeout_s})

    def reboot(self, name: str, fence: Fence, *, hard: bool, timeout_s: int = 60) -> str:
        """Ganeti's own "soft" keeps the guest's process, and with it a guest that hangs: it is not used."""
        call = self._submission("reboot", name, fence)
        job_id = call.finished("success") or call.under_way()
        if job_id is None:
            body: dict[str, object] = {"shutdown_timeout": 0 if hard else timeout_s}
            job_id = call.submit("POST", path("instances", name, "reboot"), body, {"type": "hard"})
        return str(job_id)

    def plug(self, name: str, nic: Nic, fence: Fence) -> str:
        call = self._submission("plug", name, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        if not call.pending and nic.name in states.cards(self._rapi, name):
            call.note()
            return DONE
        return self._change_cards(call, name, ["add", -1, self._config.card_of(nic)])

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        call = self._submission("unplug", name, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        if not call.pending and nic_name not in states.cards(self._rapi, name):
            call.note()
            return DONE
        return self._change_cards(call, name, ["remove", nic_name, {}])

    def resize(self, name: str, vcpus: int, ram_mib: int, fence: Fence) -> str:
        """As the contract says, although Ganeti would take it for the next start of one that is on."""
        call = self._submission("resize", name, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        instance = states.find(self._rapi, name)
        if instance is None:
            raise BackendError(f"There is no instance {name}")
        if not call.pending and states.size(self._rapi, name) == (vcpus, ram_mib):
            call.note()
            return DONE
        if not call.pending and instance.power is not Power.OFF:
            raise BackendError(f"{name} is on")
        size = {"vcpus": vcpus, "minmem": ram_mib, "maxmem": ram_mib}
        return str(call.submit("PUT", path("instances", name, "modify"), {"beparams": size}))

    # -- volumes: what there is not stands in ``Refusals`` -------------------------------------------
    def delete_volume(self, name: str, fence: Fence) -> str:
        return self._disks.delete(name)

    def attach_volume(self, instance: str, volume: VolumeSpec, fence: Fence) -> str:
        return self._disks.attach(instance, volume, fence)

    def detach_volume(self, instance: str, volume_name: str, fence: Fence) -> str:
        return self._disks.detach(instance, volume_name, fence)

    def extend_volume(self, name: str, size_gib: int, fence: Fence) -> str:
        return self._disks.extend(name, size_gib, fence)

    def volumes(self) -> list[str]:
        return self._disks.names()

    def _change_cards(self, call: Submission, name: str, change: list[object]) -> str:
        """Ganeti plugs into the running guest where the hypervisor can, else at its next start."""
        body = {"nics": [change], "hotplug_if_possible": True}
        return str(call.submit("PUT", path("instances", name, "modify"), body))

    def job(self, job_id: str) -> Job:
        if job_id == DONE:
            return Job(JobStatus.SUCCESS)
        if not (job_id.isascii() and job_id.isdecimal() and len(job_id) <= _MAX_JOB_DIGITS):
            return Job(JobStatus.ERROR, f"Ganeti has no job {job_id[:40]!r}")
        return self._rapi.job(int(job_id))

    def instance(self, name: str) -> InstanceState:
        return states.find(self._rapi, name) or InstanceState(name, Power.ABSENT)

    def instances(self) -> list[InstanceState]:
        return states.all_with(self._rapi, self._config.prefix)

    # -- networks ---------------------------------------------------------------------------------
    def apply_network(self, spec: NetworkSpec, fence: Fence) -> None:
        """Raises ``BackendError`` for floating addresses: Ganeti's nodes do no address translation."""
        self._networks.apply(spec, fence)

    def remove_network(self, name: str, fence: Fence) -> None:
        self._networks.remove(name, fence)

    def networks(self) -> list[str]:
        return self._networks.names()

    # -- looking ----------------------------------------------------------------------------------
    def console(self, name: str) -> ConsoleEndpoint:
        """The VNC server on the instance's node, by the node's primary address."""
        try:
            instance = self._rapi.call("GET", path("instances", name))
        except NotFound as error:
            raise BackendError(f"There is no instance {name}") from error
        if not instance["oper_state"]:
            raise BackendError(f"{name} is not on")
        if not instance["network_port"]:
            raise BackendError(f"{name} has no screen: its hypervisor serves none")
        node = self._rapi.call("GET", path("nodes", instance["pnode"]))
        return ConsoleEndpoint(host=node["pip"], port=int(instance["network_port"]))

    def console_log(self, name: str, max_bytes: int) -> bytes:
        """Empty: Ganeti keeps no serial log."""
        return b""

    def follow(self, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        events.follow(self._rapi, self._config, on_event, stop)

    # -- inside -----------------------------------------------------------------------------------
    def _submission(self, verb: str, name: str, fence: Fence) -> Submission:
        return Submission(self._rapi, self._jobs, verb, name, fence)

    def _act(self, verb: str, name: str, fence: Fence, action: str, body: dict[str, object]) -> str:
        call = self._submission(verb, name, fence)
        return str(call.under_way() or call.submit("PUT", path("instances", name, action), body))


def _node(told: Mapping[str, Any]) -> Node:
    """As RAPI lists it; what an unreachable node cannot tell counts as 0."""

    def number(field: str) -> int:
        return int(told[field] or 0)

    return Node(
        name=told["name"],
        vcpus=number("ctotal"),
        ram_total_mib=number("mtotal"),
        ram_free_mib=number("mfree"),
        disk_total_mib=number("dtotal"),
        disk_free_mib=number("dfree"),
        instances=number("pinst_cnt"),
        drained=bool(told["drained"]),
        offline=bool(told["offline"]),
        vm_capable=bool(told["vm_capable"]),
    )
