"""Public links: whoever knows the address of one reads what is under its path now, without an account.

A link is a path's, not a version's: it stays when the object is overwritten and goes when it is deleted or
moved. It may end at some moment, and it may want a password. Its name is random and cannot be guessed.
"""

from __future__ import annotations

import datetime
import enum
import itertools
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.pithos.namespace import access, attached, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also
from synnefo.pithos.namespace.models import Container, PublicLink, Version
from synnefo.pithos.namespace.objects import Path

TARGET = "object"
_CURRENT = Version.State.CURRENT
_MOST_PASSWORD = 256


class Kept(enum.Enum):
    """What a link has and is not to be changed."""

    KEPT = enum.auto()


def wish(
    caller: Caller, path: Path, expires: datetime.datetime | Kept | None = Kept.KEPT,
    password: str | Kept | None = Kept.KEPT,
) -> Also:  # fmt: skip
    """To give an object a link; one that is there keeps its address.

    ``expires`` is when it ends and ``password`` what it asks for; with None it never ends, or asks for
    nothing. Raises Forbidden, BadRequest (a moment that is over), ItemNotFound (the container).
    """
    wanted = _wanted(expires, password)
    access.object(caller, path, Right.WRITE)
    sizes_bytes = itertools.count(settings.PITHOS_PUBLIC_URL_SECURITY)

    def also(made: Sequence[Version | None]) -> None:
        key, uuid = attached.path_of(made)
        # Where another link has that name, the whole change is tried again, with a longer one.
        fresh = {"url": _random_name(next(sizes_bytes)), **wanted}
        _, is_new = PublicLink.objects.get_or_create(object_id=key, defaults=fresh)
        if wanted and not is_new:
            PublicLink.objects.filter(object=key).update(**wanted)
        if is_new or wanted:
            record(caller, "object.publish", TARGET, uuid, path=str(path))

    return also


def wish_none(caller: Caller, path: Path) -> Also:
    """To end an object's link, if it has one. Raises Forbidden, ItemNotFound (the container)."""
    access.object(caller, path, Right.WRITE)

    def also(made: Sequence[Version | None]) -> None:
        key, uuid = attached.path_of(made)
        if PublicLink.objects.filter(object=key).delete()[0]:
            record(caller, "object.unpublish", TARGET, uuid, path=str(path))

    return also


def publish(
    caller: Caller, path: Path, expires: datetime.datetime | Kept | None = Kept.KEPT,
    password: str | Kept | None = Kept.KEPT,
) -> PublicLink:  # fmt: skip
    """Give what is there a link. Raises as ``wish`` does, and ItemNotFound, Conflict."""
    also = wish(caller, path, expires, password)
    version = attached.beside(access.object(caller, path, Right.WRITE), path.name, also)
    return PublicLink.objects.get(object=version.object_id)


def unpublish(caller: Caller, path: Path) -> None:
    """End the link of what is there, if it has one. Raises Forbidden, ItemNotFound, Conflict."""
    attached.beside(access.object(caller, path, Right.WRITE), path.name, wish_none(caller, path))


def link_of(caller: Caller, path: Path) -> PublicLink | None:
    """The link of an object that the caller may read. Raises Forbidden, ItemNotFound."""
    version = objects.get(caller, path)
    return PublicLink.objects.filter(object=version.object_id).first()


def links_in(container: Container, names: Sequence[str]) -> dict[str, PublicLink]:
    """The links of those of the names that have one."""
    if not names:
        return {}
    # Few objects have links: those between the first and the last name are looked for, not each name.
    rows = PublicLink.objects.filter(
        object__container=container, object__name__range=(min(names), max(names))
    )
    wanted = set(names)
    found = {link.object.name: link for link in rows.select_related("object")}
    return {name: link for name, link in found.items() if name in wanted}


def find(url: str) -> PublicLink:
    """A link by its name, with its object. Raises ItemNotFound if there is none, or it has ended."""
    rows = PublicLink.objects.select_related("object__container__account")
    link = rows.filter(url=url.replace("\x00", "")).first()
    if link is None or has_ended(link):
        raise ItemNotFound("Object does not exist")
    return link


def has_ended(link: PublicLink) -> bool:
    return link.expires is not None and link.expires <= timezone.now()


def published(link: PublicLink) -> Version:
    """What is under the link's path now. Raises ItemNotFound."""
    rows = Version.objects.filter(object=link.object_id, state=_CURRENT)
    version = rows.select_related("map", "object").first()
    if version is None or version.is_over:
        raise ItemNotFound("Object does not exist")
    return version


def password_fits(link: PublicLink, password: str) -> bool:
    """Whether this password opens the link. It takes its time, on purpose."""
    return not link.password or check_password(password, link.password)


def _wanted(
    expires: datetime.datetime | Kept | None, password: str | Kept | None
) -> dict[str, datetime.datetime | str | None]:
    """The columns to set."""
    found: dict[str, datetime.datetime | str | None] = {}
    if not isinstance(expires, Kept):
        if expires is not None and expires <= timezone.now():
            raise BadRequest("A link cannot end before it begins.")
        found["expires"] = expires
    if not isinstance(password, Kept):
        if password is not None and len(password) > _MOST_PASSWORD:
            raise BadRequest(f"A password has at most {_MOST_PASSWORD} characters.")
        found["password"] = make_password(password) if password else ""
    return found


def _random_name(size_bytes: int) -> str:
    """So many random bytes as a number, in the digits of the alphabet."""
    alphabet: str = settings.PITHOS_PUBLIC_URL_ALPHABET
    number, digits = int.from_bytes(secrets.token_bytes(size_bytes)), ""
    while number or not digits:
        number, digit = divmod(number, len(alphabet))
        digits += alphabet[digit]
    return digits
