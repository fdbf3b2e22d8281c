"""Public links: whoever knows the address of one reads what is under its path now, without an account.

A link is a path's, not a version's: it stays when the object is overwritten and goes when it is deleted or
moved. It may end at some moment, and it may want a password. Its name is random and cannot be guessed.
"""

from __future__ import annotations

import datetime
import enum
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.models import Container, PublicLink, Version
from synnefo.pithos.namespace.objects import Path

TARGET = "object"
_ATTEMPTS = 20
_CURRENT = Version.State.CURRENT
_MOST_PASSWORD = 256


class Kept(enum.Enum):
    """What a link has and is not to be changed."""

    KEPT = enum.auto()


def publish(
    caller: Caller, path: Path, expires: datetime.datetime | Kept | None = Kept.KEPT,
    password: str | Kept | None = Kept.KEPT,
) -> PublicLink:  # fmt: skip
    """The link of an object, made if there is none; one that is there keeps its address.

    ``expires`` is when it ends and ``password`` what it asks for; with None it never ends, or asks for
    nothing. Raises Forbidden, BadRequest (a moment that is over), ItemNotFound, Conflict.
    """
    wanted = _wanted(expires, password)
    for attempt in range(_ATTEMPTS):
        version = _published(caller, path)
        url = _random_name(settings.PITHOS_PUBLIC_URL_SECURITY + attempt)
        try:
            with atomic():
                # Who deletes it meanwhile waits for this row, and then finds the link.
                if not Version.objects.select_for_update().filter(pk=version.pk, state=_CURRENT).exists():
                    continue
                link, made = PublicLink.objects.get_or_create(
                    object_id=version.object_id, defaults={"url": url, **wanted}
                )
                if wanted and not made:
                    PublicLink.objects.filter(pk=link.pk).update(**wanted)
                if made or wanted:
                    record(caller, "object.publish", TARGET, version.uuid, path=str(path))
        except IntegrityError:  # another link has that name
            continue
        link.refresh_from_db()
        return link
    raise Conflict("The object is being changed by others all the time; try again.")


def unpublish(caller: Caller, path: Path) -> None:
    """End an object's link, if it has one. Raises Forbidden, ItemNotFound."""
    version = _published(caller, path)
    with atomic():
        if PublicLink.objects.filter(object=version.object_id).delete()[0]:
            record(caller, "object.unpublish", TARGET, version.uuid, path=str(path))


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


def _published(caller: Caller, path: Path) -> Version:
    """What is there, for who may change it."""
    version = objects.find(caller, path)
    if version is None or version.is_over:
        raise ItemNotFound("Object does not exist")
    return version


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
