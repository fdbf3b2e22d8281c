"""What a route's case is: one call of it, and what different people get for that call."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Case:
    """``path`` and the texts in ``body`` are templates over the world's ids.

    ``admin`` is what an administrator of another project gets, if not what others do; as in Neutron, networks
    of all projects are open to him.
    """

    api: str
    method: str
    route: str
    path: str
    member: int = 200
    other: int = 404
    admin: int | None = None
    body: Any = None
    public: bool = False
    #: Whether it is content with a body that says nothing.
    takes_nothing: bool = False
    #: Of compute, where it is not there without.
    microversion: str = ""

    @property
    def for_admin(self) -> int:
        if self.admin is not None:
            return self.admin
        return self.member if self.api == "network" else self.other

    @property
    def name(self) -> str:
        return f"{self.api} {self.method} {self.route}"


def open_to_all(api: str, route: str, path: str | None = None, **more: Any) -> Case:
    return Case(api, "GET", route, f"{api}{path or route}", other=more.get("member", 200), **more)


_NAMES = {
    "server_id": "server", "network_id": "network", "subnet_id": "subnet", "port_id": "port",
    "floating_id": "floating", "router_id": "router", "group_id": "group", "rule_id": "rule",
    "project_id": "project", "request_id": "request", "key": "colour",
    "path:network": "lan",
}  # fmt: skip
_WORDS = ("key", "path:network")


def own(api: str, method: str, route: str, member: int = 200, *, path: str = "", **more: Any) -> Case:
    """A call on something of alice's; parameters of the route are filled with her ids."""
    if not path:
        path = route
        for parameter, name in _NAMES.items():
            value = name if parameter in _WORDS else f"{{{name}}}"
            path = path.replace(f"{{{parameter}}}", value)
    return Case(api, method, route, f"{api}{path}", member, **more)
