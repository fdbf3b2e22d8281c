"""The engines that this installation knows. How one is talked to stands in ``backends.registry``."""

from __future__ import annotations

from django.db import models


class Backend(models.Model):
    """An engine: this machine, or a Ganeti cluster. ``options`` are the engine's own settings."""

    class Kind(models.TextChoices):
        LOCAL = "local"
        GANETI = "ganeti"

    name = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    options = models.JSONField(default=dict)
    public = models.BooleanField(default=True)
    drained = models.BooleanField(default=False)
    offline = models.BooleanField(default=False)
    vcpus = models.PositiveIntegerField(default=0)
    ram_total_mib = models.PositiveIntegerField(default=0)
    ram_free_mib = models.PositiveIntegerField(default=0)
    disk_total_gib = models.PositiveIntegerField(default=0)
    disk_free_gib = models.PositiveIntegerField(default=0)
    instances = models.PositiveIntegerField(default=0)
    #: What it said of each of its machines when it was asked last; [] of an engine that is one machine.
    nodes = models.JSONField(default=list)
    updated = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class ProjectBackend(models.Model):
    """A project whose servers go to this engine; a project with none goes to the public ones."""

    backend = models.ForeignKey(Backend, on_delete=models.CASCADE, related_name="projects")
    project = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("backend", "project"), name="once_for_a_project"),)
        indexes = (models.Index(fields=("project",), name="backend_of_project"),)

    def __str__(self) -> str:
        return self.project
