"""Projects, their limits, members, and what happened to them. Numbers of states are Synnefo's."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from synnefo.common.ids import new_uuid
from synnefo.common.units import INFINITE


class Policy(models.IntegerChoices):
    AUTO = 1, "auto"
    MODERATED = 2, "moderated"
    CLOSED = 3, "closed"


class Project(models.Model):
    """A pool of resources. ``name`` is held only while the project is alive; ``realname`` is for good."""

    class State(models.IntegerChoices):
        UNINITIALIZED = 0
        NORMAL = 1
        SUSPENDED = 10
        TERMINATED = 100
        DELETED = 1000

    INITIALIZED: ClassVar = (State.NORMAL, State.SUSPENDED, State.TERMINATED)
    ALIVE: ClassVar = (State.NORMAL, State.SUSPENDED)

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    realname = models.CharField(max_length=80)
    name = models.CharField(max_length=80, unique=True, null=True)  # noqa: DJ001  unique where it is held
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="owned_projects"
    )
    is_base = models.BooleanField(default=False)
    state = models.IntegerField(choices=State, default=State.UNINITIALIZED)
    homepage = models.URLField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    private = models.BooleanField(default=False)
    member_join_policy = models.IntegerField(choices=Policy, default=Policy.MODERATED)
    member_leave_policy = models.IntegerField(choices=Policy, default=Policy.AUTO)
    max_members = models.BigIntegerField(default=INFINITE)
    created = models.DateTimeField(auto_now_add=True)
    end_date = models.DateTimeField()

    def __str__(self) -> str:
        return self.realname

    @property
    def is_normal(self) -> bool:
        return self.state == self.State.NORMAL

    @property
    def status(self) -> str:
        """The state in words, as operators know it."""
        return "Active" if self.is_normal else self.State(self.state).label


class ProjectLimit(models.Model):
    """How much of a resource a project has, and how much of that a single member may take."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="limits")
    resource = models.ForeignKey("astakos.Resource", on_delete=models.CASCADE)
    project_capacity = models.BigIntegerField()
    member_capacity = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project", "resource"), name="one_limit_per_resource"),
            models.CheckConstraint(
                condition=Q(project_capacity__gte=0) & Q(member_capacity__gte=0),
                name="capacities_not_negative",
            ),
        )


class Membership(models.Model):
    """A user in a project. ``initialized`` once he was accepted: from then on he has holdings."""

    class State(models.IntegerChoices):
        REQUESTED = 0
        ACCEPTED = 1
        LEAVE_REQUESTED = 5
        SUSPENDED = 10
        REJECTED = 100
        CANCELLED = 101
        REMOVED = 200

    ACTUALLY_ACCEPTED: ClassVar = (State.ACCEPTED, State.LEAVE_REQUESTED)

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    state = models.IntegerField(choices=State, default=State.REQUESTED)
    initialized = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("person", "project"), name="one_membership"),)

    @property
    def is_accepted(self) -> bool:
        return self.state in self.ACTUALLY_ACCEPTED


class LogBase(models.Model):
    from_state = models.IntegerField(null=True)
    to_state = models.IntegerField()
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=36, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        abstract = True


class ProjectLog(LogBase):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="log")


class MembershipLog(LogBase):
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="log")
