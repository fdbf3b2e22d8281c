"""Uploads that nobody goes on with, and lists of parts of what no version is made of any more."""

from __future__ import annotations

import datetime

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils import timezone

from synnefo.common.transactions import atomic
from synnefo.pithos.namespace.models import S3, Version
from synnefo.pithos.uploads.models import Part, Upload

log = structlog.get_logger("synnefo.pithos")

EVERY_S = 3600
DAY_S = 24 * 3600
_BATCH = 1000


def give_up() -> int:
    """Abort uploads to which no part has come for ``PITHOS_UPLOAD_DAYS``; returns how many."""
    border = timezone.now() - datetime.timedelta(days=settings.PITHOS_UPLOAD_DAYS)
    young = Part.objects.filter(upload=OuterRef("pk"), modified__gte=border)
    rows = Upload.objects.filter(version=None, created__lt=border).exclude(Exists(young))
    count = 0
    for upload in rows.order_by("created")[:_BATCH]:
        with atomic():
            locked = Upload.objects.select_for_update().filter(pk=upload.pk, version=None).first()
            if locked is not None and not upload.parts.filter(modified__gte=border).exists():
                locked.delete()
                count += 1
    if count:
        log.info("gave up uploads in parts", count=count)
    return count


def forget_completed() -> int:
    """Remove completed uploads of which no version is made any more; returns how many."""
    upload = KeyTextTransform("upload", KeyTransform(S3, "attributes"))
    rows = Version.objects.filter(object=OuterRef("object")).annotate(made_of=upload)
    unused = Upload.objects.exclude(version=None).exclude(Exists(rows.filter(made_of=OuterRef("uuid"))))
    return unused.delete()[0]
