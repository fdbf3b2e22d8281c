"""With whom private images are shared: users by their uuid, projects by theirs.

Whom an image is offered to sees it, but has it in his lists once he has accepted it (``PENDING`` until then);
0.21 knew no such question, so what its API shares is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.images.rules import get, membership, owned


def listed(caller: Caller, uuid: str) -> list[ImageMember]:
    """With whom an image is shared; who is not its owner learns of himself only. Raises ItemNotFound."""
    image = get(caller, uuid)
    rows = ImageMember.objects.filter(image=image).select_related("image").order_by("member")
    if image.userid != caller.user and not caller.is_admin:
        rows = rows.filter(member=membership(caller))
    return list(rows)


def add(caller: Caller, uuid: str, member: str) -> ImageMember:
    """Share an image, whatever was said of who sees it. Raises ItemNotFound, Forbidden, BadRequest."""
    _check_member(member)
    with atomic():
        image = owned(caller, uuid)
        made, _ = ImageMember.objects.get_or_create(image=image, member=member)
        _open(image)
        record(caller, "image.member", "image", image.pk, added=member)
    return made


def offer(caller: Caller, uuid: str, member: str) -> ImageMember:
    """Let somebody decide whether he wants to have an image in his lists.

    Raises ItemNotFound, Forbidden (also: it is not one to be shared), BadRequest, Conflict (he is a member).
    """
    _check_member(member)
    with atomic():
        image = owned(caller, uuid)
        if image.is_public or image.visibility != Image.Visibility.SHARED:
            raise Forbidden("Only shared images have members.")
        made, is_new = ImageMember.objects.get_or_create(
            image=image, member=member, defaults={"status": ImageMember.Status.PENDING}
        )
        if not is_new:
            raise Conflict(f"The image {uuid} is shared with {member} already.")
        record(caller, "image.member", "image", image.pk, offered=member)
    return made


def answer(caller: Caller, uuid: str, member: str, status: str) -> ImageMember:
    """What a member says to an offer. Raises ItemNotFound, Forbidden (it is another's to say), BadRequest."""
    if status not in ImageMember.Status.values:
        raise BadRequest(f"A member's status is one of {', '.join(ImageMember.Status.values)}.")
    with atomic():
        image = get(caller, uuid)
        if member != membership(caller) and not caller.is_admin:
            raise Forbidden("Only the member himself answers.")
        row = ImageMember.objects.select_for_update().filter(image=image, member=member).first()
        if row is None:
            raise ItemNotFound(f"Member {member} could not be found.")
        row.status = status
        row.save(update_fields=("status", "updated"))
        record(caller, "image.member", "image", image.pk, answered=member, status=status)
    return row


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
        if names:
            _open(image)
        record(caller, "image.member", "image", image.pk, members=names)


def _open(image: Image) -> None:
    if image.visibility == Image.Visibility.PRIVATE:
        image.visibility = Image.Visibility.SHARED
        image.save(update_fields=("visibility", "updated"))


def _check_member(member: str) -> None:
    if not 1 <= len(member) <= 36 or not member.isascii() or not member.isprintable():
        raise BadRequest("A member is the uuid of a user or a project.")
