"""Tables of networks, subnets, ports and addresses."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from synnefo.common.ids import new_uuid
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.owned import Owned


class Network(Owned):
    """A layer-2 network. A public one belongs to the cloud and is where floating IPs come from.

    ``revision`` grows with every change that engines must know (subnet, ports, NAT).
    """

    class State(models.TextChoices):
        ACTIVE = "ACTIVE"
        DELETED = "DELETED"
        ERROR = "ERROR"

    name = models.CharField(max_length=255, blank=True)
    public = models.BooleanField(default=False)
    floating_ip_pool = models.BooleanField(default=False)
    drained = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    deleting = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    fault = models.TextField(blank=True)
    description = models.CharField(max_length=255, blank=True)
    revision = models.PositiveBigIntegerField(default=1)

    class Meta:
        indexes = (
            models.Index(fields=("project", "-created", "-id"), name="network_project"),
            models.Index(fields=("userid", "-created", "-id"), name="network_owner"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(floating_ip_pool=False) | Q(public=True), name="floating_pool_is_public"
            ),
        )

    def __str__(self) -> str:
        return self.name or self.uuid

    @property
    def engine_name(self) -> str:
        return f"{settings.BACKEND_PREFIX_ID}net-{self.pk}"


class BackendNetwork(models.Model):
    """A network as it exists in an engine; ``applied`` is the revision that the engine has confirmed."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="in_backends")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, related_name="networks")
    applied = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("network", "backend"), name="once_in_a_backend"),)


class Subnet(models.Model):
    """An IPv4 range of a network. ``pools`` are the [first, last] pairs that addresses are taken from."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="subnets")
    name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=255, blank=True)
    cidr = models.CharField(max_length=64)
    ip_version = models.PositiveSmallIntegerField(default=4)
    gateway = models.CharField(max_length=64, null=True)  # noqa: DJ001  null is "no gateway"
    dhcp = models.BooleanField(default=True)
    dns_nameservers = models.JSONField(default=list)
    host_routes = models.JSONField(default=list)
    pools = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("network", "ip_version"), name="one_subnet_per_version"),
        )

    def __str__(self) -> str:
        return self.cidr

    @property
    def range(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(self.cidr)


class Port(Owned):
    """A network card, plugged into a server or waiting for one. Its address is in ``IPAddress``."""

    class State(models.TextChoices):
        DOWN = "DOWN"
        BUILD = "BUILD"
        ACTIVE = "ACTIVE"
        ERROR = "ERROR"

    OWNER_COMPUTE: ClassVar = "compute:nova"

    name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=255, blank=True)
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="ports")
    server = models.ForeignKey("cyclades.Server", on_delete=models.SET_NULL, null=True, related_name="ports")
    index = models.PositiveIntegerField(default=0)
    mac = models.CharField(max_length=17, unique=True)
    state = models.CharField(max_length=16, choices=State, default=State.DOWN)
    device_owner = models.CharField(max_length=64, blank=True)
    made_by_server = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("project", "-created", "-id"), name="port_project"),
            models.Index(fields=("userid", "-created", "-id"), name="port_owner"),
        )

    def __str__(self) -> str:
        return self.name or self.uuid

    @property
    def engine_name(self) -> str:
        return f"{settings.BACKEND_PREFIX_ID}nic-{self.pk}"


class IPAddress(Owned):
    """An address in use: a port's fixed address, or a floating IP that leads to a port by NAT."""

    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="addresses")
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="addresses")
    port = models.ForeignKey(Port, on_delete=models.CASCADE, null=True, related_name="addresses")
    nat_port = models.ForeignKey(Port, on_delete=models.SET_NULL, null=True, related_name="floating_ips")
    address = models.CharField(max_length=64)
    number = models.BigIntegerField(help_text="the address as a number, for ordered allocation")
    floating_ip = models.BooleanField(default=False)
    nat_revision = models.PositiveBigIntegerField(
        default=0, help_text="revision of nat_port's network with this NAT"
    )
    description = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("network", "number"), name="unique_address"),)
        indexes = (
            models.Index(fields=("floating_ip", "project", "-created", "-id"), name="floating_project"),
            models.Index(fields=("floating_ip", "userid", "-created", "-id"), name="floating_owner"),
        )

    def __str__(self) -> str:
        return self.address
