"""The table of public keys. Private keys are never stored."""

from __future__ import annotations

import base64
import hashlib

from django.db import models
from django.utils import timezone


class KeyPair(models.Model):
    userid = models.CharField(max_length=36)
    name = models.CharField(max_length=255)
    content = models.TextField()
    fingerprint = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("userid", "name"), name="unique_keypair_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def sha256(self) -> str:
        """The fingerprint as ``ssh-keygen -l`` prints it today; ``fingerprint`` is MD5's, which APIs tell."""
        digest = hashlib.sha256(base64.b64decode(self.content.split(None, 2)[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
