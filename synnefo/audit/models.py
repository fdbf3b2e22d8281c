"""The table of audit events."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=36, blank=True)
    actor_name = models.CharField(max_length=255, blank=True)
    action = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    project = models.CharField(max_length=36, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("target_kind", "target_id", "-id"), name="audit_target"),
            models.Index(fields=("actor", "-id"), name="audit_actor"),
            models.Index(fields=("project", "-id"), name="audit_project"),
        )
