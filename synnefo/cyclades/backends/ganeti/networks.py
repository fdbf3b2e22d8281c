"""Networks of a Ganeti cluster: made, connected to every node group, changed and taken away.

Owns how a picture of a network becomes Ganeti's. The picture's revision stands in a tag of the network,
so every process sees it. Work is done in steps that each look at what is there first, so that a caller
who was killed half-way is continued by the next one.

Ganeti reserves addresses; DHCP is answered on the nodes (by nfdhcpd) from the instances' NICs, so leases
need nothing here. Address translation does not exist there.
"""

from __future__ import annotations

import dataclasses
import re
import time

from synnefo.cyclades.backends.base import BackendError, Fence, JobStatus, NetworkSpec
from synnefo.cyclades.backends.ganeti.config import GanetiConfig
from synnefo.cyclades.backends.ganeti.jobs import JobIndex
from synnefo.cyclades.backends.ganeti.rapi import NotFound, Query, Rapi, path
from synnefo.cyclades.backends.ganeti.submission import Submission

_REVISION = re.compile(r"synnefo:revision:(\d+)")

#: Ganeti has no network without a range; this one stands for "none".
_NO_RANGE = "10.0.0.0/29"


@dataclasses.dataclass(frozen=True)
class Standing:
    """A network as Ganeti has it."""

    name: str
    cidr: str
    gateway: str | None
    tags: frozenset[str]
    groups: frozenset[str]
    instances: tuple[str, ...]

    @property
    def revision(self) -> int:
        """Of the newest picture that was begun to be applied; -1 where an operator made the network."""
        return max((int(m[1]) for tag in self.tags if (m := _REVISION.fullmatch(tag))), default=-1)


@dataclasses.dataclass(frozen=True)
class Step:
    """One job that brings a network nearer to its picture."""

    verb: str
    method: str
    where: str
    body: dict[str, object] = dataclasses.field(default_factory=dict)
    query: Query = dataclasses.field(default_factory=dict)


class Networks:
    """The networks of one cluster that carry the installation's prefix."""

    def __init__(self, config: GanetiConfig, rapi: Rapi, jobs: JobIndex) -> None:
        self._config, self._rapi, self._jobs = config, rapi, jobs

    def names(self) -> list[str]:
        networks = self._rapi.call("GET", path("networks"))
        return [network["name"] for network in networks if network["name"].startswith(self._config.prefix)]

    def apply(self, spec: NetworkSpec, fence: Fence) -> None:
        """Raises ``BackendError`` where Ganeti cannot have such a network."""
        if spec.floating:
            raise BackendError("Networks on Ganeti have no floating addresses by address translation")
        deadline = time.monotonic() + self._config.network_timeout_s
        Submission(self._rapi, self._jobs, "network", spec.name, fence).note()
        while True:
            standing = self._find(spec.name)
            if standing is not None and standing.revision > spec.revision:
                return
            step = self._towards(spec, standing)
            if step is None:
                return
            self._take(step, spec.name, standing, fence, deadline)

    def remove(self, name: str, fence: Fence) -> None:
        """Raises ``BackendError`` while an instance is on it."""
        deadline = time.monotonic() + self._config.network_timeout_s
        Submission(self._rapi, self._jobs, "network", name, fence).note()
        while (standing := self._find(name)) is not None:
            self._take(self._away(standing), name, standing, fence, deadline)

    # -- looking ----------------------------------------------------------------------------------
    def _find(self, name: str) -> Standing | None:
        try:
            found = self._rapi.call("GET", path("networks", name))
        except NotFound:
            return None
        return Standing(
            name=name,
            cidr=found["network"],
            gateway=found["gateway"],
            tags=frozenset(found["tags"]),
            groups=frozenset(group[0] for group in found["group_list"]),
            instances=tuple(found["inst_list"]),
        )

    # -- steps ------------------------------------------------------------------------------------
    def _towards(self, spec: NetworkSpec, standing: Standing | None) -> Step | None:
        """The next step from what stands to the picture; None when it is reached."""
        tags = {f"synnefo:revision:{spec.revision}"} | ({self._config.dhcp_tag} if spec.dhcp else set())
        if standing is None:
            return self._creation(spec, tags)
        if standing.cidr != (spec.cidr or _NO_RANGE) or (standing.gateway and not spec.gateway):
            return self._away(standing)  # Ganeti changes neither; it is made anew
        for group in self._rapi.call("GET", path("groups")):
            if group["name"] not in standing.groups:
                return self._connection(spec.name, group["name"])
        if standing.gateway != spec.gateway:
            body: dict[str, object] = {"gateway": spec.gateway}
            return Step("network-modify", "PUT", path("networks", spec.name, "modify"), body)
        return self._tagging(standing, tags)

    def _creation(self, spec: NetworkSpec, tags: set[str]) -> Step:
        body: dict[str, object] = {
            "network_name": spec.name,
            "network": spec.cidr or _NO_RANGE,
            "gateway": spec.gateway,
            "tags": sorted(tags),
        }
        return Step("network-add", "POST", path("networks"), body)

    def _connection(self, name: str, group: str) -> Step:
        body: dict[str, object] = {
            "group_name": group,
            "network_mode": self._config.network_mode,
            "network_link": self._config.network_link.format(name=name),
        }
        return Step("network-connect", "PUT", path("networks", name, "connect"), body)

    def _tagging(self, standing: Standing, tags: set[str]) -> Step | None:
        ours = {tag for tag in standing.tags if _REVISION.fullmatch(tag) or tag == self._config.dhcp_tag}
        where = path("networks", standing.name, "tags")
        if missing := tags - ours:
            return Step("network-tag", "PUT", where, query={"tag": sorted(missing)})
        if surplus := ours - tags:
            return Step("network-untag", "DELETE", where, query={"tag": sorted(surplus)})
        return None

    def _away(self, standing: Standing) -> Step:
        """The next step to remove a network."""
        if standing.instances:
            users = ", ".join(standing.instances)
            raise BackendError(f"Ganeti cannot remove or renumber {standing.name}, which is used by {users}")
        if standing.groups:
            where = path("networks", standing.name, "disconnect")
            body: dict[str, object] = {"group_name": min(standing.groups)}
            return Step("network-disconnect", "PUT", where, body)
        return Step("network-remove", "DELETE", path("networks", standing.name))

    def _take(self, step: Step, name: str, standing: Standing | None, fence: Fence, deadline: float) -> None:
        """Do one step and wait for it. A step that fails because somebody else did it is no failure."""
        call = Submission(self._rapi, self._jobs, step.verb, name, fence)
        job_id = call.under_way() or call.submit(step.method, step.where, step.body, step.query)
        job = self._rapi.wait(job_id, deadline - time.monotonic())
        if job.status is JobStatus.ERROR and self._find(name) == standing:
            raise BackendError(f"{name}: {job.message}")
