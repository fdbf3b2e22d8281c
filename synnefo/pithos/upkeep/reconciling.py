"""What is stored against what is charged: each account's share of a project, and each project's pool."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from synnefo.common.accounts import Held, Provision, accounts
from synnefo.common.faults import ItemNotFound, OverLimit
from synnefo.engine.charging import charged
from synnefo.pithos.namespace import history
from synnefo.pithos.namespace.history import RESOURCE
from synnefo.pithos.namespace.models import Container

#: Holder and source.
Key = tuple[str, str | None]


@dataclasses.dataclass(frozen=True)
class Difference:
    """``held`` is None where nothing can be charged: the holder has no share, or the project is unknown."""

    key: Key
    stored: int
    held: Held | None

    @property
    def charged(self) -> int:
        return self.held.usage if self.held else 0

    @property
    def state(self) -> str:
        if self.held is None:
            return "unknown to Astakos"
        return "a commission waits" if self.held.pending else "differs"


def differences(*, user: str | None = None, project: str | None = None) -> list[Difference]:
    """Of everybody; or of one user's shares, or of one project's shares and pool.

    What is being written to while this looks may differ for a moment: only what differs twice is told.
    """
    first = {one.key: one for one in _differences()}
    found = [one for one in _differences() if first.get(one.key) == one] if first else []
    return [one for one in found if _is_asked_for(one.key, user, project)]


def mend(found: Iterable[Difference], *, force: bool = False) -> list[tuple[Difference, str]]:
    """Charge what is stored; returns those with which that could not be done, and why."""
    left = []
    for one in found:
        if one.held is None or one.held.pending:
            left.append((one, one.state))
            continue
        holder, source = one.key
        wanted = [Provision(holder, source, RESOURCE, one.stored - one.charged)]
        try:
            with charged(wanted, name="reconcile", force=force or one.stored < one.charged):
                pass  # nothing but the charge is to change
        except (OverLimit, ItemNotFound) as fault:
            left.append((one, fault.message))
    return left


def _differences() -> list[Difference]:
    held = {(one.holder, one.source): one for one in accounts().held(RESOURCE)}
    stored: Counter[Key] = Counter()
    for container in Container.objects.select_related("account").order_by("pk").iterator():
        amount = history.charged_bytes(container)
        if container.account.payer:
            stored[f"user:{container.account.payer}", f"project:{container.project}"] += amount
        stored[f"project:{container.project}", None] += amount
    keys = {*stored, *held}
    compared = [Difference(key, stored[key], held.get(key)) for key in sorted(keys, key=_order)]
    return [one for one in compared if one.stored != one.charged or (one.held and one.held.pending)]


def _order(key: Key) -> tuple[bool, str, str]:
    """Users first, then projects."""
    return key[1] is None, key[0], key[1] or ""


def _is_asked_for(key: Key, user: str | None, project: str | None) -> bool:
    holder, source = key
    if user is not None and holder != f"user:{user}":
        return False
    return project is None or (source or holder) == f"project:{project}"
