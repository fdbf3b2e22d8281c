"""Projects, applications for them, limits, members, and what happened to them.

Numbers of states are Synnefo's; so are the ids of applications and memberships, which clients keep.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

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
    #: States of the last application that say more than the project's own: pending and denied; dismissed
    #: and cancelled.
    _TELLING: ClassVar = {State.UNINITIALIZED: (0, 3), State.DELETED: (4, 5)}

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
    created = models.DateTimeField(default=timezone.now)
    end_date = models.DateTimeField()
    #: How many days before ``end_date`` the owner was last reminded of it.
    reminded_days = models.PositiveSmallIntegerField(null=True)
    last_application = models.ForeignKey(
        "astakos.ProjectApplication", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes = (models.Index(fields=("state", "end_date"), name="projects_by_end"),)

    def __str__(self) -> str:
        return self.realname

    @property
    def is_normal(self) -> bool:
        return self.state == self.State.NORMAL

    @property
    def has_ended(self) -> bool:
        return self.end_date <= timezone.now()

    @property
    def state_name(self) -> str:
        """The state as the API names it."""
        return "active" if self.is_normal else self.State(self.state).name.lower()

    @property
    def status(self) -> str:
        """The state in words, together with its last application's, as people are told."""
        last = self.last_application
        if last is not None and last.state in self._TELLING.get(self.State(self.state), ()):
            return last.get_state_display()
        return self.state_name.capitalize()


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


class ProjectApplication(models.Model):
    """Somebody asks for a project, or that one be changed; then a field of None is to stay as it is.

    ``comments`` are for those who decide. A decision is a ``response`` of one who may decide; what the
    applicant does about it himself (cancels, or dismisses the denied) is a ``waive``.
    """

    class State(models.IntegerChoices):
        PENDING = 0
        APPROVED = 1
        REPLACED = 2
        DENIED = 3
        DISMISSED = 4
        CANCELLED = 5

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="applications")
    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="project_applications"
    )
    state = models.IntegerField(choices=State, default=State.PENDING)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80, null=True)  # noqa: DJ001  None: no change
    homepage = models.URLField(max_length=255, blank=True, null=True)  # noqa: DJ001  None: no change
    description = models.TextField(max_length=4096, blank=True, null=True)  # noqa: DJ001  None: no change
    start_date = models.DateTimeField(null=True)
    end_date = models.DateTimeField(null=True)
    member_join_policy = models.IntegerField(choices=Policy, null=True)
    member_leave_policy = models.IntegerField(choices=Policy, null=True)
    max_members = models.BigIntegerField(null=True)
    private = models.BooleanField(null=True)
    comments = models.TextField(max_length=4096, blank=True, null=True)  # noqa: DJ001  None: not given
    issued = models.DateTimeField(default=timezone.now)
    responded = models.DateTimeField(null=True)
    response = models.TextField(blank=True)
    response_actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    waived = models.DateTimeField(null=True)
    waive_reason = models.TextField(blank=True)
    waive_actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("project",), condition=Q(state=0), name="one_pending_application"
            ),
        )
        indexes = (models.Index(fields=("state", "-id"), name="applications_by_state"),)

    def __str__(self) -> str:
        return f"application {self.pk}"

    @property
    def is_pending(self) -> bool:
        return self.state == self.State.PENDING


class ApplicationGrant(models.Model):
    """The limits of a resource that an application asks for."""

    application = models.ForeignKey(ProjectApplication, on_delete=models.CASCADE, related_name="grants")
    resource = models.ForeignKey("astakos.Resource", on_delete=models.CASCADE, related_name="+")
    project_capacity = models.BigIntegerField()
    member_capacity = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("application", "resource"), name="one_grant_per_resource"),
            models.CheckConstraint(
                condition=Q(project_capacity__gte=0) & Q(member_capacity__gte=0), name="grants_not_negative"
            ),
        )


class Membership(models.Model):
    """A user in a project. ``initialized`` once he was accepted: from then on he has holdings.

    The ``overquota`` fields belong to the module that the setting ``QUOTA_POLICY_MODULE`` names.
    """

    class State(models.IntegerChoices):
        REQUESTED = 0
        ACCEPTED = 1
        LEAVE_REQUESTED = 5
        SUSPENDED = 10
        REJECTED = 100
        CANCELLED = 101
        REMOVED = 200

    ACTUALLY_ACCEPTED: ClassVar = (State.ACCEPTED, State.LEAVE_REQUESTED)
    ACCEPTED_TYPE: ClassVar = (*ACTUALLY_ACCEPTED, State.SUSPENDED)
    ASSOCIATED: ClassVar = (State.REQUESTED, *ACCEPTED_TYPE)

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    state = models.IntegerField(choices=State, default=State.REQUESTED)
    initialized = models.BooleanField(default=False)
    overquota_state = models.CharField(max_length=255, default="OK")
    overquota_state_date = models.DateTimeField(default=timezone.now)
    overquota_date = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("person", "project"), name="one_membership"),)

    @property
    def is_accepted(self) -> bool:
        return self.state in self.ACTUALLY_ACCEPTED


class LogBase(models.Model):
    from_state = models.IntegerField(null=True)
    to_state = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=36, blank=True)
    reason = models.TextField(blank=True)
    comments = models.TextField(blank=True)

    class Meta:
        abstract = True


class ProjectLog(LogBase):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="log")


class MembershipLog(LogBase):
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="log")
