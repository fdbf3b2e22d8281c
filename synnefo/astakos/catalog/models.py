"""Components, services, endpoints, resources: tables only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from synnefo.common.ids import new_uuid
from synnefo.common.units import INFINITE


class Component(models.Model):
    """A part of the cloud that offers services and may hold a service token.

    The token is kept as a digest, and encrypted for those who install its component (``token_sealed``).
    """

    name = models.CharField(max_length=255, unique=True)
    url = models.CharField(max_length=1024, blank=True)
    base_url = models.CharField(max_length=1024, blank=True)
    token_digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  unique where it is set
    token_sealed = models.CharField(max_length=255, blank=True)
    token_created = models.DateTimeField(null=True)
    token_expires = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A service of a component. ``catalog`` names the facade that lists it, if one does."""

    class Catalog(models.TextChoices):
        NONE = "", "not listed"
        SYNNEFO = "synnefo", "identity v2.0"
        OPENSTACK = "openstack", "identity v3"

    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=255)
    catalog = models.CharField(max_length=16, choices=Catalog, default=Catalog.NONE, blank=True)

    def __str__(self) -> str:
        return self.name


class Endpoint(models.Model):
    """Where a service is reached. ``public_url`` begins with ``/`` where it is on this very cloud, and may
    name the project of the token that asks: ``%(project_id)s``.

    ``data`` holds the further keys of the v2.0 catalog: versionId, SNF:exposeVersion, ...
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="endpoints")
    public_url = models.CharField(max_length=1024)
    data = models.JSONField(default=dict)


class Resource(models.Model):
    """Something countable that quota limits. ``unit`` is ``bytes`` or empty.

    The defaults are the limits that a new system project (``system_default``) or another new project
    gets; changing them later changes no project.
    """

    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(blank=True)
    unit = models.CharField(max_length=16, blank=True)
    service_type = models.CharField(max_length=255)
    service_origin = models.CharField(max_length=255)
    system_default = models.BigIntegerField(default=INFINITE)
    project_default = models.BigIntegerField(default=0)
    ui_visible = models.BooleanField(default=True)
    api_visible = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ui_visible=False) | Q(api_visible=True), name="ui_visible_needs_api"
            ),
            models.CheckConstraint(
                condition=Q(system_default__gte=0) & Q(project_default__gte=0), name="defaults_not_negative"
            ),
        )

    def __str__(self) -> str:
        return self.name
