"""What people do with files and whole folders: move, copy, throw away, take back, delete for good.

Names that end in a slash are folders: all that is below, and the object that stands for the folder, if any.
Each call is one change, whole or not at all. What is thrown away goes to the container ``trash`` and carries
in the attributes of a domain of its own where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.pithos.namespace import access, containers, history, names, objects, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.browsing import folder_exists
from synnefo.pithos.namespace.changes import Change, Draft, commit, current
from synnefo.pithos.namespace.models import Attributes, Container, Object, Version
from synnefo.pithos.namespace.names import FOLDER_TYPES, Path

TRASH = "trash"
#: The domain of attributes that say where something in the trash was.
ORIGIN = "trash"
MOST_AT_ONCE = 10_000


def move(
    caller: Caller, source: Path, target: Path, *, copying: bool = False, overwrite: bool = False,
    replace: bool = False,
) -> int:  # fmt: skip
    """Put a file or folder elsewhere; returns how many objects these are.

    With ``overwrite`` it goes among what is there, with ``replace`` in place of it, be that file or folder.
    Raises Forbidden, BadRequest, ItemNotFound, Conflict (a name is taken), OverLimit, RequestTooLarge.
    """
    return _transfer(caller, source, target, copying=copying, overwrite=overwrite, replace=replace, mark={})


def delete(caller: Caller, path: Path) -> None:
    """Remove a file or folder; history of it stays where the container keeps any.

    It goes piece by piece if it is large. Raises Forbidden, ItemNotFound.
    """
    container = access.object(caller, path, Right.DELETE)

    def plan() -> list[Change]:
        return _removals(container, _tree(container, path.name, most=MOST_AT_ONCE))

    pieces = 0
    while commit(caller, plan, path=str(path)):
        pieces += 1
    if not pieces:
        raise ItemNotFound("There is no such file or folder.")


def discard(caller: Caller, path: Path) -> str:
    """Move a file or folder to the trash; returns its name there. Raises as ``move`` does."""
    if path.container == TRASH:
        raise BadRequest("It is in the trash already.")
    if not containers.containers_for(caller, path.account).filter(name=TRASH).exists():
        containers.put(caller, path.account, TRASH, attributes={}, policy={})
    slash = "/" if path.name.endswith("/") else ""
    leaf = path.name.rstrip("/").rpartition("/")[2] or "unnamed"
    name = free_name(containers.get(caller, path.account, TRASH), leaf + slash)
    _transfer(caller, path, Path(path.account, TRASH, name), copying=False, overwrite=False, mark=_mark(path))
    return name


def restore(caller: Caller, account: str, name: str) -> Path:
    """Move something from the trash to where it was; returns where it is now (its name may be taken).

    Raises as ``move`` does, and Conflict if nobody knows where it was, or its container is gone.
    """
    trash = containers.get(caller, account, TRASH)
    found = _tree(trash, name)
    if not found:
        raise ItemNotFound("It is not in the trash any more.")
    origin = origin_of(found[0])
    if origin is None:
        raise Conflict("It is not known where this was. Move it to where you want it.")
    container = containers.containers_for(caller, account).filter(name=origin[0]).first()
    if container is None:
        raise Conflict(f"The container {origin[0]} is gone. Move it to another one.")
    target = Path(account, container.name, free_name(container, origin[1]))
    _transfer(caller, Path(account, TRASH, name), target, copying=False, overwrite=False, mark={})
    return target


def erase(caller: Caller, path: Path) -> None:
    """Delete a file or folder for good, with the history of its names. Raises Forbidden, ItemNotFound."""
    container = access.object(caller, path, Right.OWN)

    def plan() -> list[Change]:
        found = _tree(container, path.name)
        if not found:
            raise ItemNotFound("There is no such file or folder.")
        return [Change(container, one.object.name, one, None) for one in found]

    commit(caller, plan, path=str(path))
    gone = Object.objects.filter(container=container).exclude(versions__state=Version.State.CURRENT)
    if path.name.endswith("/"):
        gone = gone.filter(name__gte=path.name[:-1], name__lt=names.behind(path.name))
        gone = gone.exclude(name__gt=path.name[:-1], name__lt=path.name)
    else:
        gone = gone.filter(name=path.name)
    history.forget(
        container, gone,
        lambda _: record(caller, "object.purge", "container", container.pk, path=str(path)),
    )  # fmt: skip


def empty_trash(caller: Caller, account: str) -> None:
    """Delete all that is in the trash for good. Raises Forbidden, ItemNotFound (there is no trash)."""
    objects.delete_all(caller, account, TRASH)
    containers.purge(caller, account, TRASH, timezone.now())


def origin_of(version: Version) -> tuple[str, str] | None:
    """Container and name of what was thrown away, as a whole; None if it is not known."""
    mark = version.attributes.get(ORIGIN)
    if not mark:
        return None
    parts = sorted(key for key in mark if key.startswith("name-"))
    return mark["container"], "".join(mark[key] for key in parts)


def free_name(container: Container, name: str) -> str:
    """The name, or the first like it, as ``photo (2).jpg``, that nothing in the container has."""
    slash = "/" if name.endswith("/") else ""
    bare = name.removesuffix("/")
    head, dot, extension = bare.rpartition(".")
    stem, end = (head, dot + extension) if head.rpartition("/")[2] and not slash else (bare, "")
    tried, number = bare, 1
    while current(container, tried) is not None or folder_exists(container, tried + "/"):
        number += 1
        tried = f"{stem} ({number}){end}"
    return tried + slash


def _mark(path: Path) -> dict[str, str]:
    """In pieces, for values of attributes are shorter than names may be."""
    size = names.MAX_VALUE
    pieces = [path.name[start : start + size] for start in range(0, len(path.name), size)]
    return {"container": path.container, **{f"name-{number}": piece for number, piece in enumerate(pieces)}}


def _transfer(
    caller: Caller, source: Path, target: Path, *, copying: bool, overwrite: bool, mark: dict[str, str],
    replace: bool = False,
) -> int:  # fmt: skip
    _check_pair(source, target)
    container = access.object(caller, target, Right.WRITE)
    origin = access.object(caller, source, Right.READ)
    if not copying:
        access.check(caller, source, right=Right.DELETE)
    readable, writable, removable = (
        sights.sieve(caller, place, right)
        for place, right in ((origin, Right.READ), (container, Right.WRITE), (container, Right.DELETE))
    )
    payers = {(one.account_id, one.project) for one in (origin, container)}
    two_steps = not copying and len(payers) > 1
    moving = not copying and not two_steps
    seen: list[Version] = []

    def plan() -> list[Change]:
        found = _tree(origin, source.name)
        seen[:] = (one for one in found if one.object.name == source.name or readable(one.object.name))
        if not seen:
            raise ItemNotFound("There is no such file or folder.")
        renamed = {_renamed(one.object.name, source.name, target.name): one for one in seen}
        there = {one.object.name: one for one in _there(container, target.name, replace)}
        clash = next((name for name in renamed if name in there), None)
        if clash is not None and not (overwrite or replace):
            raise Conflict(f"There is a {clash} in {target.container} already.")
        replaced = [one for name, one in there.items() if replace and name not in renamed]
        below = (name for name in renamed if name != target.name)
        if not (all(map(writable, below)) and all(removable(one.object.name) for one in replaced)):
            raise Forbidden("User does not have access to the object")
        changes = [
            Change(container, name, there.get(name), _draft(one, mark, keep_uuid=moving))
            for name, one in renamed.items()
        ]
        kept = renamed if origin.pk == container.pk else {}
        gone = [one for one in seen if moving and one.object.name not in kept]
        return [*changes, *_removals(origin, gone), *_removals(container, replaced)]

    commit(caller, plan, path=str(target))
    if two_steps:  # each project is charged on its own
        commit(caller, lambda: _unchanged(origin, source.name, seen), path=str(source))
    return len(seen)


def _removals(container: Container, versions: Iterable[Version]) -> list[Change]:
    return [Change(container, one.object.name, one, None) for one in versions]


def _check_pair(source: Path, target: Path) -> None:
    names.check_object(target.name)
    if source.name.endswith("/") != target.name.endswith("/"):
        raise BadRequest("A folder stays a folder, and a file a file.")
    if source == target:
        raise Conflict("It is there already.")
    inside = target.name.startswith(source.name) and target.beside("") == source.beside("")
    if source.name.endswith("/") and inside:
        raise BadRequest("A folder cannot be put into itself.")


def _unchanged(origin: Container, name: str, seen: Sequence[Version]) -> list[Change]:
    """Removes what was copied, but nothing that came or changed since."""
    copied = {one.pk for one in seen}
    return _removals(origin, (one for one in _tree(origin, name) if one.pk in copied))


def _there(container: Container, name: str, replace: bool) -> list[Version]:
    """What a transfer meets: of the same kind, or to be replaced, file and folder."""
    if not replace:
        return _tree(container, name)
    bare = name.removesuffix("/")
    found = {one.pk: one for end in ("", "/") for one in _tree(container, bare + end)}
    return list(found.values())


def _tree(container: Container, name: str, *, most: int = 0) -> list[Version]:
    """What stands under a name now; for a folder, all of it, or the first ``most`` of it.

    Raises BadRequest if all of it is too much.
    """
    if not name.endswith("/"):
        found = current(container, name)
        return [found] if found is not None else []
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    rows = rows.select_related("object", "map").order_by("object__name")
    below = rows.filter(object__name__gte=name, object__name__lt=names.behind(name))
    itself = rows.filter(object__name=name[:-1], content_type__in=FOLDER_TYPES)
    if most:
        return [*below[:most]] or [*itself]
    all_of_it = [*itself, *below[: MOST_AT_ONCE + 1]]
    if len(all_of_it) > MOST_AT_ONCE:
        raise BadRequest(
            f"The folder holds more than {MOST_AT_ONCE} files. Take the folders in it one by one."
        )
    return all_of_it


def _renamed(name: str, source: str, target: str) -> str:
    if name == source.removesuffix("/"):
        return target.removesuffix("/")
    renamed = target + name[len(source) :]
    names.check_object(renamed)
    return renamed


def _draft(one: Version, mark: dict[str, str], *, keep_uuid: bool) -> Draft:
    attributes: Attributes = {**one.attributes, ORIGIN: mark}
    uuid = one.uuid if keep_uuid else None
    return Draft(one.content, one.content_type, attributes, uuid, one.expires, one.available, one.is_snapshot)
