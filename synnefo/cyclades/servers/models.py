"""Tables of servers, and their states."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from synnefo.common.ids import new_uuid
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.owned import Owned


class Server(Owned):
    """A virtual machine.

    ``operstate`` is what is known of it, ``task`` what is being done to it, ``wanted_on`` whether it
    shall run (it is started again after its host came back). ``suspended`` is an administrator's doing,
    ``locked`` its owner's. ``old_flavor`` is what a resize that is not confirmed yet goes back to. A rescued
    one (``rescue``) boots from ``rescue_image`` (0.21's table) or ``rescue_ref`` (an image's uuid).
    """

    class Oper(models.TextChoices):
        BUILD = "BUILD"
        STARTED = "STARTED"
        STOPPED = "STOPPED"
        PAUSED = "PAUSED"
        SUSPENDED = "SUSPENDED"
        SHELVED = "SHELVED"
        RESIZED = "RESIZED"
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
        RESIZE = "RESIZE"
        REVERT = "REVERT"
        REBUILD = "REBUILD"
        RESCUE = "RESCUE"
        UNRESCUE = "UNRESCUE"
        PAUSE = "PAUSE"
        UNPAUSE = "UNPAUSE"
        SUSPEND = "SUSPEND"
        RESUME = "RESUME"
        SHELVE = "SHELVE"
        UNSHELVE = "UNSHELVE"
        ATTACH_VOLUME = "ATTACH_VOLUME"
        DETACH_VOLUME = "DETACH_VOLUME"
        DELETE_VOLUME = "DELETE_VOLUME"
        MODIFY_VOLUME = "MODIFY_VOLUME"
        SNAPSHOT = "SNAPSHOT"
        IMAGE = "IMAGE"
        FIREWALL = "FIREWALL"
        PASSWORD = "PASSWORD"  # noqa: S105  a task, no secret

    TARGET: ClassVar = "server"

    name = models.CharField(max_length=255)
    flavor = models.ForeignKey(Flavor, on_delete=models.PROTECT, related_name="servers")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, null=True, related_name="servers")
    image = models.CharField(max_length=36, help_text="uuid of the image; the image may be gone since")
    image_version = models.BigIntegerField(default=0)
    key_name = models.CharField(max_length=255, blank=True)
    key_names = models.JSONField(default=list)
    description = models.CharField(max_length=255, blank=True)
    old_flavor = models.ForeignKey(Flavor, on_delete=models.PROTECT, null=True, related_name="resized_from")
    locked = models.BooleanField(default=False)
    locked_by = models.CharField(max_length=36, blank=True)
    config_drive = models.BooleanField(default=False)
    availability_zone = models.CharField(max_length=64, blank=True)
    access_ipv4 = models.CharField(max_length=64, blank=True)
    access_ipv6 = models.CharField(max_length=64, blank=True)
    disk_config = models.CharField(max_length=8, default="MANUAL")
    rescue = models.BooleanField(default=False)
    rescue_image = models.ForeignKey(
        "cyclades.RescueImage", on_delete=models.PROTECT, null=True, related_name="servers"
    )
    rescue_ref = models.CharField(max_length=36, blank=True)
    os = models.CharField(max_length=256, blank=True)
    osfamily = models.CharField(max_length=256, blank=True)
    helper = models.BooleanField(default=False)
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
        """Whether cpu and ram are charged: unless its state is one in which it holds none (cyclades 3.2)."""
        if self.operstate == self.Oper.RESIZED:
            return self.wanted_on
        return self.operstate not in (self.Oper.STOPPED, self.Oper.SUSPENDED, self.Oper.SHELVED)


class ServerMetadata(models.Model):
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=500)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("server", "key"), name="unique_server_metadata"),)


class ServerTag(models.Model):
    """A word that its owner (namespace ``user``) or an administrator (``system``) put on a server."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE"
        PENDADD = "PENDADD"

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=60)
    namespace = models.CharField(max_length=8, default="user")
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("server", "namespace", "tag"), name="unique_server_tag"),
        )


class ServerDiagnostic(models.Model):
    """Something that happened to a server and that its owner should read."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="diagnostics")
    level = models.CharField(max_length=20)
    source = models.CharField(max_length=100)
    source_date = models.DateTimeField(null=True)
    message = models.CharField(max_length=255)
    details = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=("server", "-created"), name="diagnostic_newest"),)

    def __str__(self) -> str:
        return self.message


class ServerSecret(models.Model):
    """What a server and its owner may fetch for some time: sealed (``common.sealing``), then forgotten.

    ``kind`` is ``password`` (the administrator's, for the owner) or ``params`` (for the guest, by VMAPI).
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="secrets")
    kind = models.CharField(max_length=16)
    sealed = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("server", "kind"), name="one_secret_of_a_kind"),)

    def __str__(self) -> str:
        return self.kind


class RescueImage(models.Model):
    """A system that a broken server is booted from: a file of the hosts, or an address."""

    class LocationType(models.TextChoices):
        FILE = "file"
        HTTP = "http"

    name = models.CharField(max_length=256)
    location = models.TextField()
    location_type = models.CharField(max_length=8, choices=LocationType, default=LocationType.FILE)
    os = models.CharField(max_length=256, blank=True)
    osfamily = models.CharField(max_length=256, blank=True)
    target_os = models.CharField(max_length=256, blank=True)
    target_osfamily = models.CharField(max_length=256, blank=True)
    is_default = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",),
                condition=models.Q(is_default=True, deleted=False),
                name="one_default_rescue",
            ),
        )

    def __str__(self) -> str:
        return self.name


class ServerGroup(Owned):
    """Servers that shall be on one host (``affinity``) or on different ones (``anti-affinity``)."""

    name = models.CharField(max_length=255)
    policy = models.CharField(max_length=24)
    servers = models.ManyToManyField(Server, related_name="groups")

    class Meta:
        indexes = (models.Index(fields=("project", "-created", "-id"), name="server_group_project"),)

    def __str__(self) -> str:
        return self.name
