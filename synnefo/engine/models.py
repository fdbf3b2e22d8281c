"""Operations, what they act on, and the local mirror of quota commissions."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from synnefo.common.ids import new_uuid


class Operation(models.Model):
    """One action on an engine, from request to result.

    ``attempt`` is the fencing number: it grows with every claim, and a writer that carries an older
    one changes nothing. ``secret`` holds what must not outlive the operation (passwords).
    """

    class State(models.TextChoices):
        DOING = "doing"
        UNDOING = "undoing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    ACTIVE: ClassVar = (State.DOING, State.UNDOING)

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    kind = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    secret = models.JSONField(null=True)
    state = models.CharField(max_length=16, choices=State, default=State.DOING)
    step = models.CharField(max_length=64)
    done_steps = models.JSONField(default=list)
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    wake_at = models.DateTimeField(default=timezone.now)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    deadline = models.DateTimeField()
    job = models.CharField(max_length=255, blank=True)
    serial = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=36, blank=True)
    project = models.CharField(max_length=36, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("wake_at",), condition=Q(state__in=("doing", "undoing")), name="operation_ready"
            ),
            models.Index(fields=("project", "-id"), name="operation_project"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state}: {self.step})"

    @property
    def active(self) -> bool:
        return self.state in self.ACTIVE


class Target(models.Model):
    """What an operation acts on. A target has at most one active operation."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="targets")
    kind = models.CharField(max_length=32)
    object_id = models.BigIntegerField()
    active = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "object_id"), condition=Q(active=True), name="one_active_operation_per_target"
            ),
        )
        indexes = (models.Index(fields=("kind", "object_id", "-operation"), name="target_history"),)


class Commission(models.Model):
    """The local mirror of a quota commission, and the outbox of its decision.

    Written with the change that it pays for. ``accept`` is None while undecided; a decided row that is
    not ``delivered`` waits for the dispatcher to tell Astakos.
    """

    serial = models.BigIntegerField(primary_key=True)
    accept = models.BooleanField(null=True)
    delivered = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("serial",), condition=Q(delivered=False, accept__isnull=False), name="outbox"
            ),
        )


class PeriodicTask(models.Model):
    """When a periodic task is due, so that several dispatchers run it once."""

    name = models.CharField(max_length=64, primary_key=True)
    due = models.DateTimeField()
