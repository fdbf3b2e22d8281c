"""What may be done with uploads in parts. Content must be stored before it is named here.

Parts cost nothing of the quota until the upload is completed, but together they may not be more than what is
left of it. Whoever may write the object may go on with an upload of it, whoever began it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Sum
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, OverLimit, UnprocessableEntity
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.pithos import checksums
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace import access, attached, names, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also, current, map_of, nothing_else
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.models import PITHOS, S3, Attributes, Container, Version
from synnefo.pithos.namespace.objects import Check, Path, no_check
from synnefo.pithos.uploads import facts
from synnefo.pithos.uploads.joining import joined
from synnefo.pithos.uploads.models import Part, Upload

MOST_PARTS = 10_000
#: All parts but the last are as long at least.
LEAST_BYTES = 5 * 1024 * 1024

_ATTEMPTS = 20


class UploadNotFound(ItemNotFound):
    """There is no such upload, or it is completed, or was given up."""


class InvalidPart(BadRequest):
    """A part that is to be joined was not uploaded, or is another one."""


class InvalidPartOrder(BadRequest):
    """Parts are joined in the order of their numbers."""


class PartTooSmall(BadRequest):
    """Only the last part may be that short."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A part as the one who completes knows it; ``checksums`` by algorithm, those that he says."""

    number: int
    etag: str
    checksums: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What clients demand of the whole: its ``checksum`` and its length, if they say them."""

    parts: Sequence[Asked]
    checksum: str = ""
    size_bytes: int | None = None


def begin(
    caller: Caller, path: Path, *, content_type: str, attributes: Attributes, checksum_algorithm: str = "",
    checksum_type: str = "",
) -> Upload:  # fmt: skip
    """Raises Forbidden, BadRequest, ItemNotFound."""
    container = access.object(caller, path, Right.WRITE)
    names.check_content_type(content_type)
    for items in attributes.values():
        names.check_attributes(items)
    return Upload.objects.create(
        container=container,
        name=path.name,
        content_type=content_type,
        attributes={domain: items for domain, items in attributes.items() if items},
        checksum_algorithm=checksum_algorithm,
        checksum_type=checksum_type,
        initiator=caller.user,
    )


def find(caller: Caller, path: Path, uuid: str) -> Upload:
    """An upload that goes on. Raises Forbidden, ItemNotFound (the container), UploadNotFound."""
    upload = _find(access.object(caller, path, Right.WRITE), path, uuid)
    if upload.version is not None:
        raise UploadNotFound("There is no such upload.")
    return upload


def _find(container: Container, path: Path, uuid: str) -> Upload:
    rows = Upload.objects.filter(uuid=uuid, container=container, name=path.name)
    found = rows.select_related("container__account").first()
    if found is None:
        raise UploadNotFound("There is no such upload.")
    return found


def check_room(caller: Caller, upload: Upload, size_bytes: int) -> None:
    """Whether so many bytes more may wait in unfinished uploads of the account. Raises OverLimit."""
    container = upload.container
    payer = container.account.payer
    use = accounts().quotas(payer or caller.user, container.project).get(RESOURCE)
    if use is None:
        return
    room = use.project_limit - use.project_usage
    if payer:
        room = min(room, use.limit - use.usage)
    rows = Part.objects.filter(upload__container__account=container.account_id, upload__version=None)
    if (rows.aggregate(all=Sum("size_bytes"))["all"] or 0) + size_bytes > room:
        raise OverLimit("The quota leaves no room for more parts of unfinished uploads.")


def waiting_bytes(uuid: str) -> int:
    """How much there is to join."""
    found: int | None = Part.objects.filter(upload__uuid=uuid).aggregate(all=Sum("size_bytes"))["all"]
    return found or 0


def put_part(upload: Upload, number: int, content: Content, values: Mapping[str, str]) -> Part:
    """Add a part, or replace it; ``values`` are its checksums. Raises BadRequest, UploadNotFound."""
    if not 1 <= number <= MOST_PARTS:
        raise BadRequest(f"Part numbers are 1 to {MOST_PARTS}.")
    for _ in range(_ATTEMPTS):
        try:
            with atomic():
                part, _ = Part.objects.update_or_create(
                    upload=upload, number=number, defaults=_fields(content, values)
                )
                _refuse_if_over(upload)
            return part
        except IntegrityError:  # the upload is gone, or the map was collected just now
            if not Upload.objects.filter(pk=upload.pk).exists():
                raise UploadNotFound("There is no such upload.") from None
    raise Conflict("The part is being changed by others all the time; try again.")


def _fields(content: Content, values: Mapping[str, str]) -> dict[str, object]:
    return {
        "hash": content.hash,
        "map_id": map_of(content.packed),
        "size_bytes": content.size_bytes,
        "checksum": content.md5,
        "checksums": dict(values),
        "modified": timezone.now(),
    }


def _refuse_if_over(upload: Upload) -> None:
    """A part that was written holds its upload: who completes waits for it, or was first and is seen here."""
    if not Upload.objects.filter(pk=upload.pk, version=None).exists():
        raise UploadNotFound("There is no such upload.")


def abort(caller: Caller, path: Path, uuid: str) -> None:
    """Give an upload up. Raises Forbidden, ItemNotFound, UploadNotFound."""
    upload = find(caller, path, uuid)
    with atomic():
        locked = Upload.objects.select_for_update().filter(pk=upload.pk, version=None).first()
        if locked is None:
            raise UploadNotFound("There is no such upload.")
        locked.delete()


def complete(
    caller: Caller, path: Path, uuid: str, wanted: Wanted, *, check: Check = no_check,
    wish: Callable[[Upload], Also] = lambda upload: nothing_else,
) -> Upload:  # fmt: skip
    """Join parts; what was not asked for is forgotten. Who asks again is told the same again.

    ``wish`` gives what is to be done with the object besides.

    Raises Forbidden, ItemNotFound, UploadNotFound, InvalidPart, InvalidPartOrder, PartTooSmall, BadRequest
    and UnprocessableEntity (length or checksum is not what was demanded), OverLimit, RequestTooLarge and what
    ``check`` raises.
    """
    forbid_in_transaction("joining parts")
    container = access.object(caller, path, Right.WRITE)
    upload = _find(container, path, uuid)
    if upload.version is not None:
        return upload
    check(current(container, path.name))
    parts = _chosen(upload, wanted.parts)
    known = _settled(upload, parts, wanted)
    content = joined(blocks(), [part.content for part in parts], settings.PITHOS_BACKEND_BLOCK_SIZE)
    more = {domain: items for domain, items in upload.attributes.items() if domain != PITHOS}
    try:
        objects.write(
            caller, path, content, content_type=upload.content_type, check=check,
            attributes=upload.attributes.get(PITHOS, {}), more={**more, S3: facts.about(content, known)},
            also=attached.together(wish(upload), lambda made: _close(upload, made)),
        )  # fmt: skip
    except _CompletedMeanwhileError:
        return _find(container, path, uuid)
    return upload


class _CompletedMeanwhileError(Exception):
    """Another one has completed, or given up, the same upload."""


def _chosen(upload: Upload, asked: Sequence[Asked]) -> list[Part]:
    numbers = [one.number for one in asked]
    if not numbers:
        raise InvalidPart("An object has one part at least.")
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise InvalidPartOrder("Parts are named in the order of their numbers.")
    there = {part.number: part for part in upload.parts.select_related("map")}
    chosen = []
    for one in asked:
        part = there.get(one.number)
        if part is None or part.checksum != one.etag.strip('"').lower():
            raise InvalidPart(f"Part {one.number} was not uploaded, or has another ETag.")
        if any(part.checksums.get(name, value) != value for name, value in one.checksums.items()):
            raise InvalidPart(f"Part {one.number} has another checksum.")
        chosen.append(part)
    if any(part.size_bytes < LEAST_BYTES for part in chosen[:-1]):
        raise PartTooSmall(f"All parts but the last have {LEAST_BYTES} bytes at least.")
    return chosen


def _settled(upload: Upload, parts: Sequence[Part], wanted: Wanted) -> dict[str, str]:
    """Fill in what the upload becomes; returns what is known of it then.

    Raises BadRequest, UnprocessableEntity if other was wanted.
    """
    size_bytes = sum(part.size_bytes for part in parts)
    if wanted.size_bytes is not None and wanted.size_bytes != size_bytes:
        raise BadRequest("The length of the object is another than was said.")
    md5s = b"".join(bytes.fromhex(part.checksum) for part in parts)
    upload.etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
    name = upload.checksum_algorithm
    upload.manifest = [[part.number, part.size_bytes, part.checksums.get(name, "")] for part in parts]
    known = {"etag": upload.etag, "upload": upload.uuid}
    if name and all(checksum for _, _, checksum in upload.manifest):
        pairs = [(checksum, size) for _, size, checksum in upload.manifest]
        value = checksums.combined(name, upload.checksum_type, pairs)
        if wanted.checksum not in ("", value):
            raise UnprocessableEntity("The checksum of the object is another than was said.")
        known |= {"checksum": value, "algorithm": name, "type": upload.checksum_type}
    return known


def _close(upload: Upload, made: Sequence[Version | None]) -> None:
    (version,) = made
    if version is None:
        raise ItemNotFound("Object does not exist")
    locked = Upload.objects.select_for_update().filter(pk=upload.pk, version=None).first()
    if locked is None:
        raise _CompletedMeanwhileError
    upload.version, upload.object_id = version.pk, version.object_id
    upload.save(update_fields=("version", "object", "etag", "manifest"))
    upload.parts.all().delete()


def of_version(version: Version) -> Upload | None:
    """What a version was made of, if it came in parts."""
    uuid = facts.of(version).get("upload")
    rows = Upload.objects.filter(uuid=uuid, object=version.object_id) if uuid else Upload.objects.none()
    return rows.exclude(version=None).first()
