"""With whom private images are shared: users by their uuid, projects by theirs."""

from __future__ import annotations

from collections.abc import Iterable

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.transactions import atomic
from synnefo.cyclades.images.models import ImageMember
from synnefo.cyclades.images.rules import get, membership, owned


def listed(caller: Caller, uuid: str) -> list[ImageMember]:
    """With whom an image is shared; who is not its owner learns of himself only. Raises ItemNotFound."""
    image = get(caller, uuid)
    rows = ImageMember.objects.filter(image=image).select_related("image").order_by("member")
    if image.userid != caller.user and not caller.is_admin:
        rows = rows.filter(member=membership(caller))
    return list(rows)


def add(caller: Caller, uuid: str, member: str) -> ImageMember:
    """Raises ItemNotFound, Forbidden, BadRequest."""
    _check_member(member)
    with atomic():
        image = owned(caller, uuid)
        made, _ = ImageMember.objects.get_or_create(image=image, member=member)
        record(caller, "image.member", "image", image.pk, added=member)
    return made


def remove(caller: Caller, uuid: str, member: str) -> bool:
    """Says whether he was one. Raises ItemNotFound, Forbidden."""
    with atomic():
        image = owned(caller, uuid)
        gone, _ = ImageMember.objects.filter(image=image, member=member).delete()
        record(caller, "image.member", "image", image.pk, removed=member)
    return bool(gone)


def replace(caller: Caller, uuid: str, wanted: Iterable[str]) -> None:
    """These and no others. Raises ItemNotFound, Forbidden, BadRequest."""
    names = list(dict.fromkeys(wanted))
    for name in names:
        _check_member(name)
    with atomic():
        image = owned(caller, uuid)
        ImageMember.objects.filter(image=image).exclude(member__in=names).delete()
        for name in names:
            ImageMember.objects.get_or_create(image=image, member=name)
        record(caller, "image.member", "image", image.pk, members=names)


def _check_member(member: str) -> None:
    if not 1 <= len(member) <= 36 or not member.isascii() or not member.isprintable():
        raise BadRequest("A member is the uuid of a user or a project.")
