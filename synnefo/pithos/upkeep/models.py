"""What upkeep remembers."""

from __future__ import annotations

from django.db import models


class ScrubbedPart(models.Model):
    """What reading a part of all content found the last time."""

    part = models.PositiveSmallIntegerField(primary_key=True)
    at = models.DateTimeField()
    count = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    damaged = models.PositiveIntegerField()
