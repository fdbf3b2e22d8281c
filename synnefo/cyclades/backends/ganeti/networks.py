"""Networks of a Ganeti cluster: made, connected to every node group, changed and taken away.

Owns how a picture of a network becomes Ganeti's. The picture's revision stands in a tag of the network,
so every process sees it. Work is done in steps that each look at what is there first, so that a caller
who was killed half-way is continued by the next one.

Ganeti reserves addresses; DHCP is answered on the nodes (by nfdhcpd) from the instances' NICs, so leases
need nothing here. How networks are kept apart is the nodes' work too: they act on mode, link and tags
(snf-network). A network has one range of IPv4 and one of IPv6; address translation and filters of cards
do not exist there.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import time

from synnefo.cyclades.backends.base import BackendError, Fence, JobStatus, NetworkSpec, SubnetSpec
from synnefo.cyclades.backends.ganeti.config import GanetiConfig
from synnefo.cyclades.backends.ganeti.jobs import JobIndex
from synnefo.cyclades.backends.ganeti.rapi import NotFound, Query, Rapi, path
from synnefo.cyclades.backends.ganeti.submission import Submission

log = logging.getLogger(__name__)

_REVISION = re.compile(r"synnefo:revision:(\d+)")
#: Tags by which nodes know what to do, which come and go with a network's picture.
_MEANING = frozenset({"ip-less-routed", "private-filtered", "physical-vlan", "public", "private"})
#: Ganeti's MAC prefixes are three octets.
_MAC_PREFIX = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){2}")

#: Ganeti has no network without a range; this one stands for "none".
_NO_RANGE = "10.0.0.0/29"


@dataclasses.dataclass(frozen=True)
class Standing:
    """A network as Ganeti has it."""

    name: str
    cidr: str
    gateway: str | None
    cidr6: str | None
    gateway6: str | None
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
        _ipv6_of(spec)
        if any(each.rules is not None for each in spec.filters):
            log.warning("%s: security groups and firewall profiles are not in force on Ganeti", spec.name)
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
            cidr6=found["network6"],
            gateway6=found["gateway6"],
            tags=frozenset(found["tags"]),
            groups=frozenset(group[0] for group in found["group_list"]),
            instances=tuple(found["inst_list"]),
        )

    # -- steps ------------------------------------------------------------------------------------
    def _towards(self, spec: NetworkSpec, standing: Standing | None) -> Step | None:
        """The next step from what stands to the picture; None when it is reached."""
        tags = self._tags(spec)
        if standing is None:
            return self._creation(spec, tags)
        changes = _changes(spec, standing)
        if standing.cidr != (spec.cidr or _NO_RANGE) or None in changes.values():
            return self._away(standing)  # Ganeti changes no range and takes nothing away; it is made anew
        for group in self._rapi.call("GET", path("groups")):
            if group["name"] not in standing.groups:
                return self._connection(spec, group["name"])
        if changes:
            return Step("network-modify", "PUT", path("networks", spec.name, "modify"), changes)
        return self._tagging(standing, tags)

    def _tags(self, spec: NetworkSpec) -> set[str]:
        served = (bool(spec.cidr) and spec.dhcp) or any(each.dhcp for each in spec.more_subnets)
        dhcp = {self._config.dhcp_tag} if served else set()
        seen_by = "public" if spec.public else "private"
        return {f"synnefo:revision:{spec.revision}", seen_by, *dhcp, *spec.tags}

    def _creation(self, spec: NetworkSpec, tags: set[str]) -> Step:
        body: dict[str, object] = {
            "network_name": spec.name,
            "network": spec.cidr or _NO_RANGE,
            "gateway": spec.gateway,
            "conflicts_check": spec.public and spec.cidr is not None,
            "tags": sorted(tags),
        }
        if _MAC_PREFIX.fullmatch(spec.mac_prefix):
            body["mac_prefix"] = spec.mac_prefix
        if (ipv6 := _ipv6_of(spec)) is not None:
            body |= {"network6": ipv6.cidr, "gateway6": ipv6.gateway}
        return Step("network-add", "POST", path("networks"), body)

    def _connection(self, spec: NetworkSpec, group: str) -> Step:
        """By the network's own mode and link; one that was made without these has the cluster's."""
        body: dict[str, object] = {
            "group_name": group,
            "network_mode": spec.mode if spec.link else self._config.network_mode,
            "network_link": spec.link or self._config.network_link.format(name=spec.name),
            "conflicts_check": spec.public and spec.cidr is not None,
        }
        return Step("network-connect", "PUT", path("networks", spec.name, "connect"), body)

    def _tagging(self, standing: Standing, tags: set[str]) -> Step | None:
        known = _MEANING | {self._config.dhcp_tag} | tags
        ours = {tag for tag in standing.tags if _REVISION.fullmatch(tag) or tag in known}
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


def _ipv6_of(spec: NetworkSpec) -> SubnetSpec | None:
    """The network's range of IPv6. Raises BackendError where it has more than Ganeti can hold."""
    ipv6 = [each for each in spec.more_subnets if ":" in each.cidr]
    if len(ipv6) > 1 or len(ipv6) < len(spec.more_subnets):
        raise BackendError(f"{spec.name}: networks on Ganeti have one range of IPv4 and one of IPv6")
    return ipv6[0] if ipv6 else None


def _changes(spec: NetworkSpec, standing: Standing) -> dict[str, object]:
    """What differs of what Ganeti can change, None for what shall be gone."""
    ipv6 = _ipv6_of(spec)
    wanted = {
        "gateway": (standing.gateway, spec.gateway),
        "network6": (standing.cidr6, ipv6.cidr if ipv6 else None),
        "gateway6": (standing.gateway6, ipv6.gateway if ipv6 else None),
    }
    return {key: new for key, (old, new) in wanted.items() if (old or None) != new}
