"""Images and snapshots: the old system had no rows of them, objects said of themselves that they are some.

They are made of the objects of this cloud, which came before. What is here already is passed over, so this
may be done again.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from synnefo.common.legacy.steps import Report, dates_as_given
from synnefo.common.objects import DescribedObject, ObjectStore, objects
from synnefo.common.transactions import atomic
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.volumes.models import Volume

_EVERYBODY = "*"
_PROPERTY = "property:"
#: A raw disk, in the words of 0.21.
_RAW = "diskdump"
_STATUS = {1: Image.Status.AVAILABLE, 0: Image.Status.SAVING}
_MAX_NAME = 255


def adopt(report: Report) -> int:
    """Make images of all objects that say they are one; how many."""
    store = objects()
    return sum(_made(store, one, report) for one in store.described())


def _made(store: ObjectStore, seen: DescribedObject, report: Report) -> bool:
    found = seen.found
    if Image.objects.filter(uuid=found.uuid).exists():
        return False
    image = _row(seen)
    if not seen.is_readable:
        report.note("image whose content is not there: no server can be made from it", found.location)
    members = sorted(seen.readers - {_EVERYBODY})
    image.visibility = Image.Visibility.SHARED if members else Image.Visibility.PRIVATE
    with atomic():
        image.hold = store.hold(found) if seen.is_readable else ""
        with dates_as_given(Image):
            image.save()
        ImageMember.objects.bulk_create(
            ImageMember(image=image, member=who, created=image.created) for who in members
        )
        Volume.objects.filter(source_uuid=image.uuid).update(image_properties=image.properties)
    return True


def _row(seen: DescribedObject) -> Image:
    found, said = seen.found, seen.said
    volume = said.get("volume_id", "")
    return Image(
        uuid=found.uuid,
        userid=seen.owner,
        project=seen.owner,
        name=said.get("name", "")[:_MAX_NAME],
        status=_STATUS.get(seen.available, Image.Status.ERROR),
        is_public=_EVERYBODY in seen.readers,
        disk_format="raw" if said.get("disk_format", _RAW) == _RAW else said["disk_format"],
        size_bytes=found.size_bytes,
        virtual_size_bytes=found.size_bytes,
        hash=found.hash,
        checksum=found.checksum,
        location=found.location,
        version=found.version,
        properties={
            key.removeprefix(_PROPERTY): value for key, value in said.items() if key.startswith(_PROPERTY)
        },
        description=said.get("description", ""),
        is_snapshot=seen.is_snapshot or bool(volume),
        volume_id=int(volume) if volume.isdigit() else None,
        created=_created(said, seen.modified),
        updated=seen.modified,
    )


def _created(said: Mapping[str, str], otherwise: datetime.datetime) -> datetime.datetime:
    """Seconds since the epoch, where it was noted."""
    try:
        return datetime.datetime.fromtimestamp(float(said["created_at"]), tz=datetime.UTC)
    except (KeyError, ValueError, OverflowError):
        return otherwise
