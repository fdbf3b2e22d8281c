"""What operators may do with engines. Whether one answers is seen by the reconciler, not here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.models import Backend

#: Options that must not be shown or audited.
SECRETS = frozenset({"password"})


def add(caller: Caller, name: str, kind: str, options: Mapping[str, Any]) -> Backend:
    """Make an engine known. Raises BadRequest (kind, options), Conflict (name, a second local one)."""
    _require_admin(caller)
    if kind not in Backend.Kind.values:
        raise BadRequest(f"{kind!r} is no kind of engine ({', '.join(Backend.Kind.values)}).")
    if kind == Backend.Kind.GANETI and not {"url", "username", "password"} <= options.keys():
        raise BadRequest("A Ganeti cluster needs the options url, username and password.")
    if kind == Backend.Kind.LOCAL and Backend.objects.filter(kind=kind).exists():
        raise Conflict("The engine of this machine is known already.")
    try:
        with atomic():
            row = Backend.objects.create(name=name, kind=kind, options=dict(options))
            shown = {key: value for key, value in options.items() if key not in SECRETS}
            record(caller, "backend.add", "backend", row.pk, name=name, engine=kind, options=shown)
    except IntegrityError:
        raise Conflict(f"A backend is called {name!r} already.") from None
    return row


def modify(caller: Caller, name: str, *, drained: bool | None = None, offline: bool | None = None) -> Backend:
    """A drained engine takes no new servers; an offline one is not talked to. Raises ItemNotFound."""
    _require_admin(caller)
    changes = {"drained": drained, "offline": offline}
    wanted: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    with atomic():
        row = Backend.objects.select_for_update().filter(name=name).first()
        if row is None:
            raise ItemNotFound(f"No backend is called {name!r}.")
        for key, value in wanted.items():
            setattr(row, key, value)
        row.save()
        record(caller, "backend.modify", "backend", row.pk, name=name, **wanted)
    return row


def remove(caller: Caller, name: str) -> None:
    """Forget an engine that has no servers and no networks. Raises ItemNotFound, Conflict."""
    _require_admin(caller)
    with atomic():
        row = Backend.objects.select_for_update().filter(name=name).first()
        if row is None:
            raise ItemNotFound(f"No backend is called {name!r}.")
        if row.servers.filter(deleted=False).exists() or row.networks.exists():
            raise Conflict(f"The backend {name!r} has servers or networks.")
        row.servers.update(backend=None)
        record(caller, "backend.remove", "backend", row.pk, name=name)
        row.delete()


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only operators manage engines.")
