"""What may be done with objects. Content must be stored before it is named here."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, ItemNotFound
from synnefo.common.prepared import PreparedModels
from synnefo.common.transactions import atomic
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace import access, history, names, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also, Change, Draft, commit, current, nothing_else
from synnefo.pithos.namespace.models import OF_CONTENT, PITHOS, Attributes, Container, Object, Version
from synnefo.pithos.namespace.names import Path as Path

#: What a version is read with, and what of it is of no use then.
_WITH = ("map", "object__container")
_UNREAD = tuple(f"object__container__{name}" for name in ("created", "modified", "attributes"))

#: How many objects one change takes, at most, where it need not take all.
MOST_AT_ONCE = 1000

#: Raises a fault if what is there is not what the caller wanted to change.
Check = Callable[[Version | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What is copied: a version, or what is there now."""

    path: Path
    version: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Overrides:
    """What a copy has that its source has not. An empty attribute is left out of the copy.

    With ``fresh`` the copy has these attributes alone. It ends with its source where no other end is said.
    """

    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    content_type: str = ""
    fresh: bool = False
    expires: datetime.datetime | None = None


def no_check(version: Version | None) -> None:
    """Any state will do."""


def must_exist(version: Version | None) -> None:
    """Raises ItemNotFound."""
    if version is None:
        raise ItemNotFound("Object does not exist")


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What was under a path when a change of it was welcome."""

    container: Container
    version: Version | None


@dataclasses.dataclass(frozen=True, slots=True)
class Put:
    """Content for a path of which ``seen`` was there; it stays without an end."""

    path: Path
    seen: Seen
    content: Content
    content_type: str
    attributes: Mapping[str, str]


def get(caller: Caller, path: Path, version: int | None = None) -> Version:
    """What is there, or one of the versions that were. Raises Forbidden, ItemNotFound."""
    if version is None:
        access.check(caller, path, right=Right.READ)
        found = _named.first(path.account, path.container, path.name)
        if found is None or found.is_over:
            return _existing(access.object(caller, path, Right.READ), path.name)
        return found
    container = access.object(caller, path, Right.READ)
    rows = Version.objects.filter(object__container=container, object__name=path.name)
    rows = rows.exclude(state=Version.State.TOMBSTONE).select_related(*_WITH)
    row = rows.filter(pk=version).first()
    if row is None:
        raise ItemNotFound("Version does not exist")
    return row


def _versions_named(account: str, container: str, name: str) -> QuerySet[Version]:
    rows = access.currents_named(account, container, name)
    return rows.select_related(*_WITH, "object__link").defer(*_UNREAD)


_named = PreparedModels(_versions_named, "account", "container", "name")


def look(caller: Caller, path: Path, check: Check) -> Seen:
    """What is there before it is changed, for who may change it.

    Raises Forbidden, ItemNotFound (container) and what ``check`` raises.
    """
    seen = Seen(*access.object_and_current(caller, path, Right.WRITE))
    check(seen.version)
    return seen


def look_each(asked: Sequence[tuple[Caller | None, Path]]) -> list[Seen | None]:
    """The same of many, by one query; None where ``look`` knows more, or refuses."""
    return [found and Seen(*found) for found in access.objects_and_currents(asked, Right.WRITE)]


def find(caller: Caller, path: Path) -> Version | None:
    """What is there, if anything, for who may change it. Raises Forbidden, ItemNotFound (container)."""
    return access.object_and_current(caller, path, Right.WRITE)[1]


def versions(caller: Caller, path: Path) -> list[tuple[int, datetime.datetime]]:
    """Number and time of every version, oldest first. Raises ItemNotFound if there never was any."""
    container = access.object(caller, path, Right.READ)
    rows = Version.objects.filter(object__container=container, object__name=path.name)
    found = list(rows.exclude(state=Version.State.TOMBSTONE).order_by("id").values_list("id", "modified"))
    if not found:
        raise ItemNotFound("Object does not exist")
    return found


def write(
    caller: Caller, path: Path, content: Content, *, content_type: str, attributes: Mapping[str, str],
    check: Check = no_check, seen: Seen | None = None, more: Attributes | None = None,
    expires: datetime.datetime | None = None, also: Also = nothing_else,
) -> Version:  # fmt: skip
    """Put content under a path; its own attributes are replaced, those of other domains stay.

    ``more`` are attributes of other domains that come with the content, over those that stay. ``also`` is
    done in the same transaction.
    ``seen`` is what ``look`` found with the same check: if that is still there, nobody looks again.
    Raises Forbidden, BadRequest, ItemNotFound, OverLimit, RequestTooLarge and what ``check`` raises.
    """
    names.check_content_type(content_type)
    seen = seen or look(caller, path, check)
    container, known = seen.container, [seen.version]

    def plan() -> list[Change]:
        old = known.pop() if known else current(container, path.name)
        check(old)
        kept = _attributes_of(old, attributes)
        for domain, items in (more or {}).items():
            kept[domain] = names.merged(kept.get(domain, {}), items)
        draft = Draft(content, content_type, kept, old.uuid if old else None, expires)
        return [Change(container, path.name, old, draft)]

    return _only(commit(caller, plan, path=str(path), also=also))


def write_each(caller: Caller, wanted: Sequence[Put]) -> list[Version]:
    """The same for several paths of one container, all or none, in one change.

    Raises Conflict if what was seen has changed, and else as ``write`` does: for any of them.
    """
    ordered = sorted(wanted, key=lambda put: put.path.name)
    planned = [[_put(put) for put in ordered]]

    def plan() -> list[Change]:
        if not planned:
            raise Conflict("The objects are being changed by others.")
        return planned.pop()

    made = commit(caller, plan, path=str(ordered[0].path))
    by_path = {put.path: _only([version]) for put, version in zip(ordered, made, strict=True)}
    return [by_path[put.path] for put in wanted]


def _put(put: Put) -> Change:
    names.check_content_type(put.content_type)
    container, old = put.seen.container, put.seen.version
    attributes = _attributes_of(old, put.attributes)
    draft = Draft(put.content, put.content_type, attributes, old.uuid if old else None)
    return Change(container, put.path.name, old, draft)


def _attributes_of(old: Version | None, own: Mapping[str, str]) -> Attributes:
    """What new content has under a path. Raises Forbidden."""
    _refuse_snapshot(old)
    kept = _with_own(old.attributes if old else {}, names.merged({}, own))
    return {domain: items for domain, items in kept.items() if domain not in OF_CONTENT}


def rewrite(
    caller: Caller, path: Path, seen: Version, content: Content, check: Check = no_check,
    also: Also = nothing_else,
) -> Version:  # fmt: skip
    """New content for an object of which ``seen`` was changed; its type and attributes stay.

    Raises ItemNotFound if it is gone, ChangedMeanwhile if it is another version now.
    """
    container = access.object(caller, path, Right.WRITE)

    def plan() -> list[Change]:
        old = _existing(container, path.name)
        check(old)
        _refuse_snapshot(old)
        if old.pk != seen.pk:
            raise ChangedMeanwhileError
        draft = Draft(content, old.content_type, old.attributes, old.uuid, old.expires)
        return [Change(container, path.name, old, draft)]

    return _only(commit(caller, plan, path=str(path), also=also))


class ChangedMeanwhileError(Exception):
    """The object that a change was made for is another version by now: make the change again."""


def set_attributes(
    caller: Caller, path: Path, attributes: Mapping[str, str], *, merge: bool, domain: str = PITHOS,
    content_type: str = "", check: Check = no_check, expires: datetime.datetime | Literal[True] | None = True,
    also: Also = nothing_else,
) -> Version:  # fmt: skip
    """Change an object's metadata, which makes a new version. An empty value removes the key.

    Without a content type it keeps the one that it has, with ``expires`` True the end that it has, too.

    Raises Forbidden, BadRequest, ItemNotFound and what ``check`` raises.
    """
    names.check_content_type(content_type)
    container = access.object(caller, path, Right.WRITE)

    def plan() -> list[Change]:
        old = _existing(container, path.name)
        check(old)
        items = names.merged(old.attributes.get(domain, {}) if merge else {}, attributes)
        kind = content_type or old.content_type
        until = old.expires if expires is True else expires
        kept = {**old.attributes, domain: items}
        draft = Draft(old.content, kind, kept, old.uuid, until, old.available, old.is_snapshot)
        return [Change(container, path.name, old, draft)]

    return _only(commit(caller, plan, path=str(path), also=also))


def describe(
    caller: Caller, path: Path, attributes: Mapping[str, str], *, content_type: str = "",
    expires: datetime.datetime | None, check: Check = no_check,
) -> Version:  # fmt: skip
    """Replace an object's metadata without making a version: for containers whose versions clients count.

    Raises as ``set_attributes`` does.
    """
    names.check_content_type(content_type)
    names.check_attributes(attributes)
    container = access.object(caller, path, Right.WRITE)
    with atomic():
        history.lock(container.pk)
        row = _existing(container, path.name)
        check(row)
        row.attributes = _with_own(row.attributes, names.merged({}, attributes))
        row.content_type, row.expires = content_type or row.content_type, expires
        row.save(update_fields=("attributes", "content_type", "expires"))
        record(caller, "object.modify", "container", container.pk, path=str(path))
    return row


def note_checksum(version: Version, md5: str) -> None:
    """Keep the MD5 of a version's content, which was not known when the version was made."""
    version.checksum = md5
    Version.objects.filter(pk=version.pk, checksum="").update(checksum=md5)


def copy(
    caller: Caller, source: Source, target: Path, overrides: Overrides, *, delimiter: str = "",
    check: Check = no_check, check_source: Check = no_check, also: Also = nothing_else,
) -> Version:  # fmt: skip
    """The same content under another path; with a delimiter, all that he may read below it too.

    Raises Forbidden, BadRequest, ItemNotFound, OverLimit, RequestTooLarge and what the checks raise.
    """
    access.check(caller, source.path, right=Right.READ)
    container = access.object(caller, target, Right.WRITE)
    origin = access.object(caller, source.path, Right.READ)
    readable = sights.sieve(caller, origin, Right.READ)

    def plan() -> list[Change]:
        top = get(caller, source.path, source.version)
        check_source(top)
        if top.available != 1:
            raise Forbidden("The object is not available.")
        children = _below(origin, source.path.name, delimiter)
        below = [one for one in children if readable(one.object.name)]
        moved = [(_renamed(one.object.name, source.path, target), one, Overrides()) for one in below]
        _require_write(caller, container, [name for name, *_ in moved])
        wanted = [(target.name, top, overrides), *moved]
        return [
            _copied(container, name, version, more, check if name == target.name else no_check)
            for name, version, more in wanted
        ]

    return _only(commit(caller, plan, path=str(target), also=also)[:1])


def move(
    caller: Caller, source: Path, target: Path, overrides: Overrides, *, delimiter: str = "",
    check: Check = no_check, check_source: Check = no_check, also: Also = nothing_else,
) -> Version:  # fmt: skip
    """Copy and delete in one; uuids move along. Where somebody else is charged then, it takes two steps.

    Raises as ``copy`` does.
    """
    access.check(caller, source, right=Right.READ)
    access.check(caller, source, right=Right.DELETE)
    container = access.object(caller, target, Right.WRITE)
    origin = access.object(caller, source, Right.DELETE)
    if source == target:
        return copy(
            caller, Source(source), target, overrides, check=check, check_source=check_source, also=also
        )
    if (origin.account_id, origin.project) != (container.account_id, container.project):
        made = copy(
            caller, Source(source), target, overrides, delimiter=delimiter, check=check,
            check_source=check_source, also=also,
        )  # fmt: skip
        delete(caller, source, delimiter=delimiter)
        return made

    def plan() -> list[Change]:
        top = _existing(origin, source.name)
        check_source(top)
        below = list(_below(origin, source.name, delimiter))
        there = {_renamed(one.object.name, source, target): one for one in (top, *below)}
        _require_write(caller, container, list(there)[1:])
        gone = {one.object.name: one for one in (top, *below)}
        if origin.pk == container.pk:
            gone = {name: one for name, one in gone.items() if name not in there}
        changes = [
            _copied(
                container, name, one, overrides if one is top else Overrides(),
                check if one is top else no_check, uuid=one.uuid,
            )
            for name, one in there.items()
        ]  # fmt: skip
        return [*changes, *(Change(origin, name, one, None) for name, one in gone.items())]

    return _only(commit(caller, plan, path=str(target), also=also)[:1])


def delete(caller: Caller, path: Path, *, delimiter: str = "", check: Check = no_check) -> None:
    """Remove an object; with a delimiter, all that is below it too. Raises Forbidden, ItemNotFound.

    What is too much for one change goes step by step, the object itself with the last of it.
    """
    container = access.object(caller, path, Right.DELETE)
    more = True

    def plan() -> list[Change]:
        nonlocal more
        top = _existing(container, path.name)
        check(top)
        below = list(_below(container, path.name, delimiter)[:MOST_AT_ONCE])
        more = len(below) == MOST_AT_ONCE
        rows = below if more else [top, *below]
        return [Change(container, one.object.name, one, None) for one in rows]

    while more:
        commit(caller, plan, path=str(path))


def delete_all(caller: Caller, account: str, container_name: str) -> None:
    """Remove every object of a container, step by step. Raises Forbidden, ItemNotFound."""
    container = access.container(caller, account, container_name, Right.OWN)
    found: Sequence[Version] = ()
    done = ""

    def plan() -> list[Change]:
        nonlocal found
        found = list(_all_behind(container, done)[:MOST_AT_ONCE])
        return [Change(container, one.object.name, one, None) for one in found]

    while commit(caller, plan, path=f"{account}/{container_name}"):
        done = found[-1].object.name


def purge(caller: Caller, path: Path, until: datetime.datetime) -> None:
    """Forget all versions of a path up to a time, what is there now included.

    Raises Forbidden, ItemNotFound.
    """
    container = access.object(caller, path, Right.OWN)
    seen = current(container, path.name)
    if seen is not None and seen.modified <= until:
        made = commit(caller, lambda: _gone(container, path.name, seen), path=str(path))
        until = max([until, *(tombstone.modified for tombstone in made if tombstone)])
    history.forget(
        container, Object.objects.filter(container=container, name=path.name),
        lambda _: record(caller, "object.purge", "container", container.pk, path=str(path)), until,
    )  # fmt: skip


def _gone(container: Container, name: str, seen: Version) -> list[Change]:
    old = current(container, name)
    return [Change(container, name, old, None)] if old is not None and old.pk == seen.pk else []


def _refuse_snapshot(version: Version | None) -> None:
    if version is not None and version.is_snapshot:
        raise Forbidden("A snapshot cannot be changed.")


def _existing(container: Container, name: str) -> Version:
    found = current(container, name)
    if found is None or found.is_over:
        raise ItemNotFound("Object does not exist")
    return found


def _below(container: Container, name: str, delimiter: str) -> QuerySet[Version]:
    """What lies under ``<name><delimiter>``."""
    if not delimiter:
        return Version.objects.none()
    prefix = name if name.endswith(delimiter) else name + delimiter
    return _all_behind(container, prefix).filter(object__name__lt=names.behind(prefix))


def _all_behind(container: Container, name: str) -> QuerySet[Version]:
    """What is there now, in the order of names."""
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    return rows.filter(object__name__gt=name).select_related("object", "map").order_by("object__name")


def _require_write(caller: Caller, container: Container, below: Sequence[str]) -> None:
    """Where a folder may be written, parts of it may not. Raises Forbidden."""
    if below and not all(map(sights.sieve(caller, container, Right.WRITE), below)):
        raise Forbidden("User does not have access to the object")


def _renamed(name: str, source: Path, target: Path) -> str:
    renamed = target.name + name[len(source.name) :]
    names.check_object(renamed)
    return renamed


def _copied(
    container: Container, name: str, source: Version, overrides: Overrides, check: Check,
    uuid: str | None = None,
) -> Change:  # fmt: skip
    old = current(container, name)
    check(old)
    same = old is not None and old.object_id == source.object_id
    own = names.merged({} if overrides.fresh else source.own_attributes, overrides.attributes)
    content_type = overrides.content_type or source.content_type
    names.check_content_type(content_type)
    kept = source.uuid if same else uuid
    _refuse_snapshot(None if same else old)
    expires = overrides.expires or (None if overrides.fresh else source.expires)
    attributes, state = _with_own(source.attributes, own), (source.available, source.is_snapshot)
    return Change(
        container, name, old, Draft(source.content, content_type, attributes, kept, expires, *state)
    )


def _with_own(attributes: Attributes, own: dict[str, str]) -> Attributes:
    return {**attributes, PITHOS: own}


def _only(made: Sequence[Version | None]) -> Version:
    (version,) = made
    if version is None:
        raise ItemNotFound("Object does not exist")
    return version
