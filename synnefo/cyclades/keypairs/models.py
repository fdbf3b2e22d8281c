"""The table of public keys. Private keys are never stored."""

from __future__ import annotations

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
