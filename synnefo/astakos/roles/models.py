"""Roles, their assignments and implications: tables only.

``member``, ``reader`` and ``admin`` are roles without a row. That a user is ``member`` of a project is his
membership, that he is ``admin`` of the system is his account's; neither is written down here a second time.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from synnefo.astakos.directory.models import Domain
from synnefo.astakos.projects.models import Project
from synnefo.common.ids import new_uuid


class Role(models.Model):
    """A role that administrators made up; ``domain`` is null for one that is good everywhere."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    name = models.CharField(max_length=255)
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="+")
    description = models.TextField(blank=True)
    options = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("name", "domain"), name="one_role_name_per_domain"),
            models.UniqueConstraint(
                fields=("name",), condition=Q(domain__isnull=True), name="one_name_per_global_role"
            ),
        )


class Assignment(models.Model):
    """A user or a group has a role in a project, in a domain, or in the whole system.

    ``role`` is the uuid of one, or the name of one without a row; ``domain`` a uuid, or ``default``.
    """

    role = models.CharField(max_length=36)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, null=True, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="+")
    domain = models.CharField(max_length=36, blank=True)
    system = models.BooleanField(default=False)

    class Meta:
        indexes = (models.Index(fields=("role",), name="assignments_of_role"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=True, group__isnull=False)
                | Q(user__isnull=False, group__isnull=True),
                name="assigned_to_user_or_group",
            ),
            models.CheckConstraint(
                condition=Q(project__isnull=False, domain="", system=False)
                | (Q(project__isnull=True, system=False) & ~Q(domain=""))
                | Q(project__isnull=True, domain="", system=True),
                name="assigned_in_one_place",
            ),
            *(
                models.UniqueConstraint(
                    fields=("role", actor, place), condition=condition, name=f"one_role_of_{actor}_in_{place}"
                )
                for actor in ("user", "group")
                for place, condition in (
                    ("project", Q(project__isnull=False)),
                    ("domain", ~Q(domain="")),
                    ("system", Q(system=True)),
                )
            ),
        )


class Implication(models.Model):
    """Whoever has the role ``prior`` has the role ``implied`` too."""

    prior = models.CharField(max_length=36)
    implied = models.CharField(max_length=36)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("prior", "implied"), name="one_implication"),)
