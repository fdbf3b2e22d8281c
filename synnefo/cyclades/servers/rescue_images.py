"""Systems that broken servers are booted from, as operators keep them: files of the hosts, or addresses."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic
from synnefo.cyclades.servers.models import RescueImage, Server

_WORDS = ("name", "location", "location_type", "os", "osfamily", "target_os", "target_osfamily")


def find(number: int) -> RescueImage:
    """Also one that is deleted. Raises ItemNotFound."""
    found = RescueImage.objects.filter(pk=number).first()
    if found is None:
        raise ItemNotFound(f"There is no rescue image {number}.")
    return found


def create(caller: Caller, *, location: str, default: bool = False, **words: str) -> RescueImage:
    """A new one, called as its file is unless ``name`` says otherwise; ``default`` takes that from another.

    Raises BadRequest.
    """
    _require_admin(caller)
    words["location_type"] = words.get("location_type") or kind_of(location)
    words["name"] = words.get("name") or location.rstrip("/").rpartition("/")[2]
    row = RescueImage(location=location, is_default=default, **words)
    check_fields(row, _WORDS)
    with atomic():
        if default:
            _no_default()
        row.save()
        record(caller, "rescue_image.create", "rescue_image", row.pk, name=row.name, location=location)
    return row


def modify(
    caller: Caller, number: int, *, default: bool = False, deleted: bool | None = None, **words: str
) -> RescueImage:
    """Say something else of it; empty words stay. There is always a default: another one takes its place.

    Raises ItemNotFound, BadRequest, Conflict (a server uses it, and its location is to change).
    """
    _require_admin(caller)
    with atomic():
        row = RescueImage.objects.select_for_update().get(pk=find(number).pk)
        moves = words.get("location") not in (None, "", row.location)
        if (moves or deleted) and is_used(row):
            raise Conflict(f"Rescue image {number} is in use.")
        for name in (name for name in _WORDS if words.get(name)):
            setattr(row, name, words[name])
        if moves and not words.get("location_type"):
            row.location_type = kind_of(row.location)
        check_fields(row, _WORDS)
        if default:
            _no_default()
            row.is_default = True
        row.deleted = row.deleted if deleted is None else deleted
        row.save()
        shown: dict[str, Any] = {key: value for key, value in words.items() if value}
        record(
            caller, "rescue_image.modify", "rescue_image", row.pk, default=default, deleted=deleted, **shown
        )
    return row


def remove(caller: Caller, number: int) -> None:
    """Raises ItemNotFound, Conflict (a server uses it)."""
    _require_admin(caller)
    with atomic():
        row = RescueImage.objects.select_for_update().get(pk=find(number).pk)
        if is_used(row):
            raise Conflict(f"Rescue image {number} is in use.")
        row.deleted, row.is_default = True, False
        row.save()
        record(caller, "rescue_image.remove", "rescue_image", row.pk, name=row.name)


def is_used(row: RescueImage) -> bool:
    """Whether a server is booted from it, or about to be."""
    return Server.objects.filter(rescue_image=row, deleted=False).exists()


def kind_of(location: str) -> str:
    """An address is fetched, anything else is a file of the hosts. Raises BadRequest."""
    scheme = urlsplit(location).scheme
    if scheme in ("http", "https"):
        return RescueImage.LocationType.HTTP
    if scheme not in ("", "file") or not location:
        raise BadRequest(f"{location!r} is no file and no http address.")
    return RescueImage.LocationType.FILE


def _no_default() -> None:
    RescueImage.objects.filter(is_default=True).update(is_default=False)


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only operators keep rescue images.")
