"""What operators may do with engines. Whether one answers is seen by the reconciler, not here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.models import Backend, ProjectBackend

#: Options that must not be shown or audited.
SECRETS = frozenset({"password"})


def find(text: str | int) -> Backend:
    """By number or name. Raises ItemNotFound."""
    rows = Backend.objects.filter(name=str(text))
    if str(text).isascii() and str(text).isdigit():
        rows = rows | Backend.objects.filter(pk=int(text))
    found = rows.order_by("pk").first()
    if found is None:
        raise ItemNotFound(f"No backend is called {text!r}.")
    return found


def add(
    caller: Caller, name: str, kind: str, options: Mapping[str, Any], *,
    public: bool = True, drained: bool = False,
) -> Backend:  # fmt: skip
    """Make an engine known. Raises BadRequest (kind, options), Conflict (name, a second local one)."""
    _require_admin(caller)
    if kind not in Backend.Kind.values:
        raise BadRequest(f"{kind!r} is no kind of engine ({', '.join(Backend.Kind.values)}).")
    if kind == Backend.Kind.GANETI and not {"url", "username", "password"} <= options.keys():
        raise BadRequest("A Ganeti cluster needs the options url, username and password.")
    if kind == Backend.Kind.LOCAL and Backend.objects.filter(kind=kind).exists():
        raise Conflict("The engine of this machine is known already.")
    with _name_is_free(name), atomic():
        row = Backend.objects.create(
            name=name, kind=kind, options=dict(options), public=public, drained=drained
        )
        record(caller, "backend.add", "backend", row.pk, name=name, engine=kind, options=_shown(options))
    return row


def modify(
    caller: Caller, backend: str, *, options: Mapping[str, Any] | None = None, **changes: Any
) -> Backend:
    """Change an engine: name, public, drained (it takes no new servers), offline (it is not talked to).

    ``options`` are added to those that it has. What is None stays. Raises ItemNotFound, Conflict (name).
    """
    _require_admin(caller)
    wanted: dict[str, Any] = {key: value for key, value in changes.items() if value is not None}
    given = dict(options or {})
    with _name_is_free(str(wanted.get("name", ""))), atomic():
        row = Backend.objects.select_for_update().get(pk=find(backend).pk)
        for key in wanted.keys() & {"name", "public", "drained", "offline"}:
            setattr(row, key, wanted[key])
        row.options = {**row.options, **given}
        row.save()
        about: dict[str, Any] = {"name": row.name, **wanted}
        record(caller, "backend.modify", "backend", row.pk, options=_shown(given), **about)
    return row


def remove(caller: Caller, backend: str) -> None:
    """Forget an engine that has no servers. A cluster's networks stay there; this machine must have none.

    Raises ItemNotFound, Conflict.
    """
    _require_admin(caller)
    with atomic():
        row = Backend.objects.select_for_update().get(pk=find(backend).pk)
        if row.servers.filter(deleted=False).exists() or row.volumes.filter(deleted=False).exists():
            raise Conflict(f"The backend {row.name!r} has servers or volumes.")
        if row.kind == Backend.Kind.LOCAL and row.networks.exists():
            raise Conflict(f"The backend {row.name!r} has networks.")
        row.servers.update(backend=None)
        row.volumes.update(backend=None)
        row.networks.all().delete()
        row.routers.all().delete()
        record(caller, "backend.remove", "backend", row.pk, name=row.name)
        row.delete()


def grant(caller: Caller, project: str, backend: str) -> ProjectBackend:
    """Servers of the project go to this engine (and others that it was granted). Raises Conflict."""
    _require_admin(caller)
    row = find(backend)
    with atomic():
        made, is_new = ProjectBackend.objects.get_or_create(backend=row, project=project)
        if not is_new:
            raise Conflict(f"The project {project} has the backend {row.name!r} already.")
        record(caller, "backend.grant", "backend", row.pk, name=row.name, project=project)
    return made


def revoke(
    caller: Caller, *, number: int | None = None, project: str | None = None, backend: str | None = None
) -> int:
    """Take grants back: one by its number, all of a project, all of an engine, or those of both; how many.

    Servers stay where they are. Raises BadRequest (none is named), ItemNotFound (there is none).
    """
    _require_admin(caller)
    if number is None and project is None and backend is None:
        raise BadRequest("Say which: by number, project or backend.")
    wanted: dict[str, object] = {"pk": number, "project": project}
    if backend is not None:
        wanted["backend"] = find(backend)
    rows = ProjectBackend.objects.filter(**{key: one for key, one in wanted.items() if one is not None})
    with atomic():
        found = list(rows.select_related("backend"))
        if not found:
            raise ItemNotFound("There is no such backend of a project.")
        for row in found:
            record(
                caller,
                "backend.revoke",
                "backend",
                row.backend_id,
                name=row.backend.name,
                project=row.project,
            )
            row.delete()
    return len(found)


@contextmanager
def _name_is_free(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Conflict(f"A backend is called {name!r} already.") from None


def _shown(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in SECRETS}


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only operators manage engines.")
