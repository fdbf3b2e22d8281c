"""Access keys: the table only."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from synnefo.astakos.projects.models import Project


class AccessKey(models.Model):
    """A user's key in one project. The secret is needed to check signatures, so it is kept, encrypted."""

    access = models.CharField(max_length=64, unique=True)
    secret = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_keys")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True)
