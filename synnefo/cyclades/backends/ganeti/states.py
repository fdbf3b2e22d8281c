"""Instances as Ganeti sees them, in the contract's words. It only looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synnefo.cyclades.backends.base import BackendError, InstanceState, Power
from synnefo.cyclades.backends.ganeti.rapi import NotFound, Rapi, path

_FIELDS = ("name", "status", "admin_state", "beparams")
_ON = frozenset({"running", "ERROR_up", "ERROR_wrongnode"})
_NODE_IS_AWAY = frozenset({"ERROR_nodedown", "ERROR_nodeoffline"})

#: Why an instance is off that nobody stopped.
CRASHED = "it should run and does not (ERROR_down)"

_REASONS = {
    "ADMIN_down": "stopped",
    "ADMIN_offline": "taken out of service by an operator",
    "USER_down": "the guest powered off",
    "ERROR_down": CRASHED,
}


def find(rapi: Rapi, name: str) -> InstanceState | None:
    """One instance; None where there is none."""
    try:
        found = rapi.call("GET", path("instances", name))
    except NotFound:
        return None
    return _read(*(found[field] for field in _FIELDS))


def cards(rapi: Rapi, name: str) -> list[str]:
    """The names of an instance's cards. Raises BackendError where there is no such instance."""
    try:
        return list(rapi.call("GET", path("instances", name))["nic.names"])
    except NotFound as error:
        raise BackendError(f"There is no instance {name}") from error


def size(rapi: Rapi, name: str) -> tuple[int, int]:
    """Processors and MiB of an instance that exists."""
    return _size(rapi.call("GET", path("instances", name))["beparams"])


def all_with(rapi: Rapi, prefix: str) -> list[InstanceState]:
    """All instances whose names begin with ``prefix``."""
    rows = rapi.query("instance", _FIELDS)
    return [_read(*row) for row in rows if row[0].startswith(prefix)]


def _size(parameters: Mapping[str, Any]) -> tuple[int, int]:
    return int(parameters["vcpus"]), int(parameters["maxmem"])


def _read(name: str, status: str, admin_state: str, parameters: Mapping[str, Any]) -> InstanceState:
    """While its node does not answer nobody knows: an instance counts as what it was told to be."""
    power, reason = Power.OFF, _REASONS.get(status, status)
    if status in _NODE_IS_AWAY:
        power = Power.ON if admin_state == "up" else Power.OFF
        reason = "its node does not answer"
    elif status in _ON:
        power, reason = Power.ON, ""
    vcpus, ram_mib = _size(parameters)
    return InstanceState(name, power, reason, vcpus, ram_mib)
