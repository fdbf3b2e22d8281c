"""Tables of servers, and their states."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.owned import Owned


class Server(Owned):
    """A virtual machine.

    ``operstate`` is what is known of it, ``task`` what is being done to it, ``wanted_on`` whether it
    shall run (it is started again after its host came back).
    """

    class Oper(models.TextChoices):
        BUILD = "BUILD"
        STARTED = "STARTED"
        STOPPED = "STOPPED"
        ERROR = "ERROR"
        DESTROYED = "DESTROYED"

    class Task(models.TextChoices):
        NONE = ""
        BUILD = "BUILD"
        START = "START"
        STOP = "STOP"
        REBOOT = "REBOOT"
        DESTROY = "DESTROY"
        CONNECT = "CONNECT"
        DISCONNECT = "DISCONNECT"

    TARGET: ClassVar = "server"

    name = models.CharField(max_length=255)
    flavor = models.ForeignKey(Flavor, on_delete=models.PROTECT, related_name="servers")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, null=True, related_name="servers")
    image = models.CharField(max_length=36, help_text="uuid of the image; the image may be gone since")
    key_name = models.CharField(max_length=255, blank=True)
    operstate = models.CharField(max_length=16, choices=Oper, default=Oper.BUILD)
    task = models.CharField(max_length=16, choices=Task, default=Task.BUILD, blank=True)
    wanted_on = models.BooleanField(default=True)
    suspended = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True)
    launched_at = models.DateTimeField(null=True)
    fault = models.TextField(blank=True)
    user_data = models.BinaryField(default=b"")

    class Meta:
        indexes = (
            models.Index(fields=("project", "deleted", "-created", "-id"), name="server_project"),
            models.Index(fields=("userid", "deleted", "-created", "-id"), name="server_owner"),
            models.Index(fields=("backend", "deleted"), name="server_backend"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def engine_name(self) -> str:
        return f"{settings.BACKEND_PREFIX_ID}{self.pk}"

    @property
    def charged_as_running(self) -> bool:
        """Whether cpu and ram are charged: in every state but stopped (spec: cyclades 3.2)."""
        return self.operstate != self.Oper.STOPPED


class ServerMetadata(models.Model):
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=500)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("server", "key"), name="unique_server_metadata"),)


class ServerTag(models.Model):
    """A word that its owner put on a server."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=60)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("server", "tag"), name="unique_server_tag"),)
