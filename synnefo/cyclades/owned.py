"""What every noun that people own has in common: ids, owner, project, sharing, times."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from synnefo.common.ids import new_uuid


class Owned(models.Model):
    """A row that belongs to a user, is charged to a project and may be shared to its members."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    userid = models.CharField(max_length=36)
    project = models.CharField(max_length=36)
    shared_to_project = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
