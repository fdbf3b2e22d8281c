"""Tables of uploads in parts. Names, containers and versions are ``namespace``'s."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from synnefo.common.ids import new_uuid
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.namespace.models import Container, HashMap, NameField, Object


class Upload(models.Model):
    """An object to be, with what it will have besides content.

    Once it is completed it has no parts any more, but stays as their list while a version of ``object`` says
    that it was made of it: ``manifest`` has a part's number, size and checksum, in order. ``version`` is what
    it became, ``etag`` what clients were told of it. A checksum of the type COMPOSITE is one of the parts'
    checksums, one of the type FULL_OBJECT that of the whole content.
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="uploads")
    name = NameField(max_length=1024)
    content_type = models.CharField(max_length=256, blank=True)
    attributes = models.JSONField(default=dict)
    checksum_algorithm = models.CharField(max_length=12, blank=True)
    checksum_type = models.CharField(max_length=12, blank=True)
    initiator = models.CharField(max_length=256)
    created = models.DateTimeField(default=timezone.now)
    object = models.ForeignKey(Object, on_delete=models.CASCADE, null=True, related_name="+")
    version = models.BigIntegerField(null=True)
    etag = models.CharField(max_length=40, blank=True)
    manifest = models.JSONField(default=list)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=("container", "name", "id"), condition=Q(version=None), name="upload_name"),
            models.Index(fields=("created",), name="upload_created"),
        ]


class Part(models.Model):
    """Content, as of versions, but always in the block store; ``checksums`` are those besides MD5."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveSmallIntegerField()
    hash = models.CharField(max_length=64, blank=True)
    map = models.ForeignKey(HashMap, on_delete=models.PROTECT, null=True, related_name="+")
    size_bytes = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=32)
    checksums = models.JSONField(default=dict)
    modified = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("upload", "number"), name="upload_part"),)

    @property
    def content(self) -> Content:
        packed = HashMap.packed_of(self.map, self.hash, self.size_bytes)
        return Content(packed, self.size_bytes, self.checksum)
