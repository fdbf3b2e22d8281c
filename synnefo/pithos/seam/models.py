"""Holds: content that must stay readable though no object may have it any more."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from synnefo.common.ids import new_uuid
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace.models import HashMap


class Hold(models.Model):
    """Somebody's wish that content stays. As in versions, content of one block needs no map, and very
    small content stands in ``data``."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    hash = models.CharField(max_length=64)
    map = models.ForeignKey(HashMap, on_delete=models.PROTECT, null=True, related_name="holds")
    size_bytes = models.PositiveBigIntegerField()
    data = models.BinaryField(null=True)
    checksum = models.CharField(max_length=32, blank=True)
    created = models.DateTimeField(default=timezone.now)

    @property
    def content(self) -> Content:
        packed = HashMap.packed_of(self.map, self.hash, self.size_bytes)
        data = None if self.data is None else bytes(self.data)
        return Content(packed, self.size_bytes, self.checksum, data)
