"""Quota as pages show it: bars of what is used, and what a flavor would take."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from synnefo.common.accounts import QuotaUse
from synnefo.common.faults import Fault, OverLimit
from synnefo.common.units import INFINITE, show_amount

#: What is shown, and with which name and unit, in this order.
RESOURCES = (
    ("cyclades.vm", "Servers", None),
    ("cyclades.cpu", "CPUs", None),
    ("cyclades.ram", "RAM", "bytes"),
    ("cyclades.disk", "Disk", "bytes"),
    ("cyclades.network.private", "Networks", None),
    ("cyclades.floating_ip", "Floating IPs", None),
    ("pithos.diskspace", "Stored files", "bytes"),
)
#: What servers take.
COMPUTE = ("cyclades.vm", "cyclades.cpu", "cyclades.ram", "cyclades.disk", "cyclades.floating_ip")
#: What is not shown, but may be what forbids something.
_OTHER_NAMES = {
    "cyclades.total_cpu": "CPUs of all servers",
    "cyclades.total_ram": "RAM of all servers",
}
NAMES = {**{name: title for name, title, _ in RESOURCES}, **_OTHER_NAMES}
#: As clients of Synnefo's own APIs have always been told.
_LONG_KNOWN = {
    "cyclades.vm": "Virtual Machine",
    "cyclades.cpu": "CPU",
    "cyclades.total_cpu": "Total CPU",
    "cyclades.ram": "RAM",
    "cyclades.total_ram": "Total RAM",
    "cyclades.network.private": "Private Network",
    "cyclades.floating_ip": "Floating IP address",
    "pithos.diskspace": "Storage space",
}
_NEARLY_FULL = 0.8


@dataclasses.dataclass(frozen=True)
class Bar:
    """One resource: amounts in its own unit, ``limit`` None where there is none."""

    resource: str
    title: str
    unit: str | None
    usage: int
    limit: int | None

    @property
    def used_percent(self) -> float:
        return (
            min(100.0, 100.0 * self.usage / self.limit) if self.limit else 100.0 if self.limit == 0 else 0.0
        )

    @property
    def nearly_full(self) -> bool:
        return self.limit is not None and self.usage >= self.limit * _NEARLY_FULL

    @property
    def words(self) -> str:
        usage = show_amount(self.usage, self.unit)
        return f"{usage} used" if self.limit is None else f"{usage} of {show_amount(self.limit, self.unit)}"


@dataclasses.dataclass(frozen=True)
class Cost:
    """A resource before and after something that takes ``more`` of it."""

    bar: Bar
    more: int

    @property
    def words(self) -> str:
        before, after = (show_amount(number, self.bar.unit) for number in (self.bar.usage, self._after))
        limit = self.bar.limit
        end = "used" if limit is None else f"of {show_amount(limit, self.bar.unit)}"
        return f"{before} → {after} {end}"

    @property
    def wanted_percent(self) -> float:
        limit = self.bar.limit
        return min(100.0 - self.bar.used_percent, 100.0 * self.more / limit) if limit else 0.0

    @property
    def too_much(self) -> bool:
        return self.bar.limit is not None and self._after > self.bar.limit

    @property
    def _after(self) -> int:
        return self.bar.usage + self.more


def costs(quota: Mapping[str, QuotaUse], cost: Mapping[str, int]) -> list[Cost]:
    """What a cost does to the project's bars."""
    return [Cost(bar, cost[bar.resource]) for bar in bars(quota, cost)]


def bars(quota: Mapping[str, QuotaUse], only: Collection[str] = ()) -> list[Bar]:
    """The bars of a project, as far as its user reaches; ``only`` some resources, or all that people use."""
    found = []
    for resource, title, unit in RESOURCES:
        use = quota.get(resource)
        if use is not None and (not only or resource in only):
            limit = None if use.effective_limit >= _endless(use) else max(0, use.effective_limit)
            found.append(Bar(resource, title, unit, use.usage, limit))
    return found


def missing(quota: Mapping[str, QuotaUse], cost: Mapping[str, int]) -> str:
    """Why the quota does not allow a cost, for people; empty if it does."""
    for resource, amount in cost.items():
        use = quota.get(resource)
        left = 0 if use is None else max(0, use.effective_limit - use.usage)
        if amount > left:
            return _lack(resource, amount, left)
    return ""


def told(fault: Fault) -> str:
    """A fault's message; a refusal of the quotaholder in words for people."""
    data = fault.data or {}
    if not isinstance(fault, OverLimit) or "provision" not in data:
        return fault.message
    provision = data["provision"]
    left = max(0, data["limit"] - data["usage"])
    whose = "your quota" if str(provision["holder"]).startswith("user:") else "the project's quota"
    lack = _lack(provision["resource"], provision["quantity"], left)
    return f"This is more than {whose} allows. {lack}. You can ask for more."


def refusal(fault: OverLimit) -> OverLimit:
    """The quotaholder's refusal as clients of Synnefo's own APIs know it: amounts in ``details``."""
    data = fault.data or {}
    if "provision" not in data:
        return fault
    provision, left = data["provision"], max(0, data["limit"] - data["usage"])
    whose = "your account" if str(provision["holder"]).startswith("user:") else "your project"
    resource = provision["resource"]
    name = _LONG_KNOWN.get(resource) or NAMES.get(resource, resource)
    details = (
        f"Limit for resource '{name}' exceeded for {whose}. "
        f"Available: {left}, Requested: {provision['quantity']}"
    )
    return OverLimit(f"Resource Limit Exceeded for {whose}.", details=details)


def _lack(resource: str, needed: int, left: int) -> str:
    units = {name: unit for name, _, unit in RESOURCES} | {"cyclades.total_ram": "bytes"}
    unit, name = units.get(resource), NAMES.get(resource, resource)
    return f"{name}: {show_amount(needed, unit)} needed, {show_amount(left, unit)} left"


def _endless(use: QuotaUse) -> int:
    """From which number on a limit is none: the infinite one, less what others use of the pool."""
    return INFINITE - max(0, use.project_usage - use.usage)
