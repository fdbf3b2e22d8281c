"""Domains, and the entries of users, groups and projects in them: tables only.

Whoever has no entry is in the domain ``default``, which has no row, and is called as Astakos calls him.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from synnefo.astakos.projects.models import Project
from synnefo.common.ids import new_uuid


class Domain(models.Model):
    """A part of the directory. ``disabled_at`` is set while nobody of it may sign in."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(blank=True)
    disabled_at = models.DateTimeField(null=True)
    tags = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)


class Entry(models.Model):
    """``domain`` is null for the domain ``default``. ``extra`` holds attributes that clients made up."""

    domain = models.ForeignKey(Domain, null=True, on_delete=models.PROTECT, related_name="+")
    options = models.JSONField(default=dict)
    extra = models.JSONField(default=dict)

    class Meta:
        abstract = True


class UserEntry(Entry):
    """``default_project``: the project that he signs in to if he names none; without one, to no project."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="entry")
    name = models.CharField(max_length=254)
    description = models.TextField(blank=True)
    default_project = models.CharField(max_length=36, blank=True)


class GroupEntry(Entry):
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="entry")
    description = models.TextField(blank=True)


class ProjectEntry(Entry):
    """``parent`` is null for a project right below its domain."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="entry")
    parent = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="children")
    tags = models.JSONField(default=list)
