"""How much a folder's account holds, and how much more it may."""

from __future__ import annotations

from typing import NamedTuple

from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.units import INFINITE
from synnefo.pithos.faces.webdav.resources import Resource
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.containers import RESOURCE


class Room(NamedTuple):
    """``left_bytes`` is None where there is no limit."""

    used_bytes: int
    left_bytes: int | None


class Rooms:
    """Of the folders of one answer; Astakos is asked once a project."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._known: dict[str, QuotaUse | None] = {}

    def of(self, folder: Resource) -> Room | None:
        """None where it is not the caller's to know."""
        account = folder.place.account
        if account not in access.names_of(self._caller):
            return None
        container = folder.container
        use = self._use(container.project if container else account)
        if use is None:
            return None
        whole = account != self._caller.user  # nobody's share of the pool
        left = [use.project_limit - use.project_usage, *([] if whole else [use.limit - use.usage])]
        left = [amount for amount in left if amount < INFINITE // 2]
        used = use.project_usage if whole else use.usage
        if container is not None:
            used = container.size_bytes
            left += [container.quota_bytes - used] if container.quota_bytes else []
        return Room(used, max(0, min(left)) if left else None)

    def _use(self, project: str) -> QuotaUse | None:
        if project not in self._known:
            self._known[project] = accounts().quotas(self._caller.user, project).get(RESOURCE)
        return self._known[project]
