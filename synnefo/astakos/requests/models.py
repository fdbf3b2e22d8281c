"""Requests for more quota, what they ask for, and what happened to them. Tables only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import LogBase, Project
from synnefo.common.ids import new_uuid


class QuotaRequest(models.Model):
    """Somebody asks that a limit be raised.

    ``SHARE``: how much each member may take of the project; ``POOL``: how much the project has in all (of a
    system project both at once). There is one pending request of a person for a project and kind.
    """

    class Kind(models.TextChoices):
        SHARE = "share", "share of each member"
        POOL = "pool", "pool of the project"

    class State(models.IntegerChoices):
        PENDING = 0, "pending"
        APPROVED = 1, "approved"
        DENIED = 3, "denied"
        CANCELLED = 5, "cancelled"

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quota_requests"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="quota_requests")
    kind = models.CharField(max_length=8, choices=Kind)
    reason = models.TextField(max_length=4096)
    state = models.IntegerField(choices=State, default=State.PENDING)
    created = models.DateTimeField(auto_now_add=True)
    decided = models.DateTimeField(null=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    answer = models.TextField(max_length=4096, blank=True)
    dismissed = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("asker", "project", "kind"), condition=Q(state=0), name="one_pending_request"
            ),
        )
        indexes = (models.Index(fields=("state", "-id"), name="quota_requests_by_state"),)

    def __str__(self) -> str:
        return f"request {self.uuid} for more of {self.project}"


class RequestedAmount(models.Model):
    """A limit as it was when somebody asked, what he wants it to be, and what it was made."""

    request = models.ForeignKey(QuotaRequest, on_delete=models.CASCADE, related_name="amounts")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    limit = models.BigIntegerField()
    usage = models.BigIntegerField()
    wanted = models.BigIntegerField()
    granted = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("request", "resource"), name="one_amount_per_resource"),
        )


class RequestLog(LogBase):
    request = models.ForeignKey(QuotaRequest, on_delete=models.CASCADE, related_name="log")
