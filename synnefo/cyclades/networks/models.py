"""Tables of networks, subnets, ports, addresses, and of who had them."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from synnefo.common.ids import new_uuid
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.owned import Owned


class Network(Owned):
    """A layer-2 network. A public one belongs to the cloud and is where floating IPs come from.

    ``revision`` grows with every change that engines must know (subnet, ports, NAT, rules).
    ``kind`` says how it is kept apart from others (0.21 called it the network's flavor); ``mode``, ``link``,
    ``mac_prefix`` and ``tags`` are what the engine is told for that.
    """

    class Kind(models.TextChoices):
        CUSTOM = "CUSTOM"
        IP_LESS_ROUTED = "IP_LESS_ROUTED"
        MAC_FILTERED = "MAC_FILTERED"
        PHYSICAL_VLAN = "PHYSICAL_VLAN"

    class State(models.TextChoices):
        ACTIVE = "ACTIVE"
        DELETED = "DELETED"
        ERROR = "ERROR"

    name = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.MAC_FILTERED)
    mode = models.CharField(max_length=16, default="bridged")
    link = models.CharField(max_length=32, blank=True)
    mac_prefix = models.CharField(max_length=32, blank=True)
    tags = models.JSONField(default=list)
    admin_state_up = models.BooleanField(default=True)
    mtu = models.PositiveIntegerField(default=1500)
    port_security = models.BooleanField(default=True)
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
    """A range of a network, of IPv4 or IPv6.

    ``pools`` are the [first, last] pairs of numbers that addresses are taken from (``IPAddress.number``),
    ``reserved`` those that an administrator keeps out. ``dhcp`` means router advertisements on IPv6, where
    ``ipv6_mode`` says how guests come to addresses: ``slaac``, ``dhcpv6-stateful``, ``dhcpv6-stateless``.
    """

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
    reserved = models.JSONField(default=list)
    ipv6_mode = models.CharField(max_length=20, blank=True)
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = (models.Index(fields=("network", "ip_version"), name="subnet_network"),)

    def __str__(self) -> str:
        return self.cidr

    @property
    def range(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        return ipaddress.ip_network(self.cidr)


class SecurityGroup(Owned):
    """Rules of what may come to a port and leave it. Every project has one named ``default``.

    ``revision`` grows when its rules or its ports change, which engines learn of (``operations.groups``).
    """

    name = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True)
    stateful = models.BooleanField(default=True)
    revision = models.PositiveBigIntegerField(default=1)

    class Meta:
        indexes = (models.Index(fields=("project", "-created", "-id"), name="group_project"),)
        constraints = (
            models.UniqueConstraint(
                fields=("project",), condition=Q(name="default"), name="one_default_group"
            ),
        )

    def __str__(self) -> str:
        return self.name


class SecurityRule(models.Model):
    """What a group lets through. ``protocol`` empty: all; ports are ICMP's type and code for ICMP."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    direction = models.CharField(max_length=8)
    ethertype = models.CharField(max_length=4, default="IPv4")
    protocol = models.CharField(max_length=16, blank=True)
    port_min = models.PositiveIntegerField(null=True)
    port_max = models.PositiveIntegerField(null=True)
    remote_cidr = models.CharField(max_length=64, blank=True)
    remote_group = models.ForeignKey(
        SecurityGroup, on_delete=models.CASCADE, null=True, related_name="named_by"
    )
    description = models.CharField(max_length=255, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.direction} {self.protocol or 'any'}"


class Router(Owned):
    """Joins networks, and leads out to a public one (``external``) from an address of its own there.

    ``routes`` are ``{"destination", "nexthop"}``. Its interfaces are ports with ``router`` set. ``revision``
    grows with every change that engines must know.
    """

    class State(models.TextChoices):
        ACTIVE = "ACTIVE"
        ERROR = "ERROR"

    name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=255, blank=True)
    admin_state_up = models.BooleanField(default=True)
    external = models.ForeignKey(Network, on_delete=models.PROTECT, null=True, related_name="gateways")
    snat = models.BooleanField(default=True)
    routes = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    fault = models.TextField(blank=True)
    revision = models.PositiveBigIntegerField(default=1)
    deleting = models.BooleanField(default=False)

    class Meta:
        indexes = (models.Index(fields=("project", "-created", "-id"), name="router_project"),)

    def __str__(self) -> str:
        return self.name or self.uuid

    @property
    def engine_name(self) -> str:
        return f"{settings.BACKEND_PREFIX_ID}router-{self.pk}"


class BackendRouter(models.Model):
    """A router as it exists in an engine; ``applied`` is the revision that the engine has confirmed."""

    router = models.ForeignKey(Router, on_delete=models.CASCADE, related_name="in_backends")
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, related_name="routers")
    applied = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("router", "backend"), name="router_in_backend"),)

    def __str__(self) -> str:
        return f"{self.router_id} in {self.backend_id}"


class Port(Owned):
    """A network card of a server or a router, or one that waits for one. Its addresses are in ``IPAddress``.

    ``firewall_profile`` is 0.21's: one of three built-in sets of rules, beside the security groups.
    ``address_pairs`` are ``{"ip_address", "mac_address"}`` that it may use besides its own.
    """

    class Profile(models.TextChoices):
        NONE = ""
        ENABLED = "ENABLED"
        DISABLED = "DISABLED"
        PROTECTED = "PROTECTED"

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
    router = models.ForeignKey(Router, on_delete=models.PROTECT, null=True, related_name="ports")
    device_owner = models.CharField(max_length=64, blank=True)
    device_id = models.CharField(max_length=255, blank=True)
    admin_state_up = models.BooleanField(default=True)
    port_security = models.BooleanField(default=True)
    firewall_profile = models.CharField(max_length=16, choices=Profile, default=Profile.NONE, blank=True)
    security_groups = models.ManyToManyField(SecurityGroup, related_name="ports")
    address_pairs = models.JSONField(default=list)
    dhcp_options = models.JSONField(default=list)
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
    number = models.BigIntegerField(
        help_text="its place, for allocation in order: all of IPv4, the lower 64 bits less 2^63 of IPv6"
    )
    ip_version = models.PositiveSmallIntegerField(default=4)
    floating_ip = models.BooleanField(default=False)
    nat_address = models.CharField(
        max_length=64, blank=True, help_text="which address of nat_port it leads to; its first, if empty"
    )
    nat_revision = models.PositiveBigIntegerField(
        default=0, help_text="revision of nat_port's network with this NAT"
    )
    description = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("network", "address"), name="unique_address"),)
        indexes = (
            models.Index(fields=("subnet", "number"), name="address_number"),
            models.Index(fields=("floating_ip", "project", "-created", "-id"), name="floating_project"),
            models.Index(fields=("floating_ip", "userid", "-created", "-id"), name="floating_owner"),
        )

    def __str__(self) -> str:
        return self.address


class IPAddressHistory(models.Model):
    """Who had a public address when. It refers to nothing, so that it outlives everything."""

    class Action(models.TextChoices):
        ASSOCIATE = "associate"
        DISASSOCIATE = "disassociate"

    address = models.CharField(max_length=64)
    server_id = models.BigIntegerField()
    network_id = models.BigIntegerField()
    user_id = models.CharField(max_length=128)
    action = models.CharField(max_length=16, choices=Action)
    action_date = models.DateTimeField(default=timezone.now)
    action_reason = models.CharField(max_length=1024, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("address", "-action_date"), name="history_address"),
            models.Index(fields=("server_id", "-action_date"), name="history_server"),
            models.Index(fields=("user_id", "-action_date"), name="history_user"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.address}"


class Pool(models.Model):
    """Bridges or MAC prefixes that networks of some kinds get: ``base`` and a number below ``size``.

    ``reserved`` are the [first, last] pairs of numbers that an administrator keeps out.
    """

    class Kind(models.TextChoices):
        BRIDGE = "bridge"
        MAC_PREFIX = "mac-prefix"

    kind = models.CharField(max_length=16, choices=Kind)
    base = models.CharField(max_length=32)
    offset = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    reserved = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.kind} {self.base}"


class PoolUse(models.Model):
    """A value of a pool that a network has."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="uses")
    number = models.PositiveIntegerField()
    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="pool_uses")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("pool", "number"), name="once_of_a_pool"),)

    def __str__(self) -> str:
        return f"{self.pool_id}:{self.number}"
