"""What may be done with security groups and their rules.

A project's ``default`` is made when it is first needed: it lets everything out, and in what comes from ports
of the same group. What engines make of the rules stands in ``operations.pictures``.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope, visible
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, OverLimit
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks.models import SecurityGroup, SecurityRule
from synnefo.cyclades.networks.state import GROUP
from synnefo.cyclades.operations.groups import groups_changed

DEFAULT = "default"
DIRECTIONS = ("ingress", "egress")
ETHERTYPES = {"IPv4": 4, "IPv6": 6}
#: Protocols by name; numbers as text are taken, too.
PROTOCOLS = (
    "ah", "dccp", "egp", "esp", "gre", "icmp", "icmpv6", "igmp", "ipip", "ipv6-encap", "ipv6-frag",
    "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp",
    "udplite", "vrrp",
)  # fmt: skip
_WITH_PORTS = {"tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "33", "132", "136"}
_ICMP, _ICMP_6 = {"icmp", "1"}, {"icmpv6", "ipv6-icmp", "58"}


@dataclasses.dataclass(frozen=True)
class Wish:
    """A rule as it is asked for. ``protocol`` empty: all; ports are type and code of ICMP."""

    direction: str
    ethertype: str = "IPv4"
    protocol: str = ""
    port_min: int | None = None
    port_max: int | None = None
    remote_cidr: str = ""
    remote_group: str = ""
    description: str = ""


def groups_for(caller: Caller) -> QuerySet[SecurityGroup]:
    return visible(SecurityGroup.objects.all(), caller)


def rules_for(caller: Caller) -> QuerySet[SecurityRule]:
    rows = SecurityRule.objects.filter(group__in=groups_for(caller))
    return rows.select_related("group", "remote_group")


def get(caller: Caller, uuid: str) -> SecurityGroup:
    found = groups_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Security group {uuid} does not exist")
    return found


def get_rule(caller: Caller, uuid: str) -> SecurityRule:
    found = rules_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Security group rule {uuid} does not exist")
    return found


def named(caller: Caller, references: Sequence[str]) -> list[SecurityGroup]:
    """Groups by uuid or by name. Raises ItemNotFound; Conflict for a name that several have."""
    found: dict[int, SecurityGroup] = {}
    for reference in references:
        if reference == DEFAULT:
            default_of(caller)
        uuid = parse_uuid(reference)
        rows = groups_for(caller)
        same = list(rows.filter(uuid=uuid)[:1]) if uuid else []
        same = same or list(rows.filter(name=reference).order_by("pk")[:2])
        if not same:
            raise ItemNotFound(f"Security group {reference} does not exist")
        if len(same) > 1:
            raise Conflict(
                f"Multiple security groups are named '{reference}'; use an id to be more specific."
            )
        found[same[0].pk] = same[0]
    return list(found.values())


def usual(caller: Caller) -> list[SecurityGroup]:
    """What a port gets if none is said: the project's default, where clients know of groups at all."""
    return [default_of(caller)] if caller.scope is not Scope.OWNER else []


def default_of(caller: Caller) -> SecurityGroup:
    """The default group of the caller's project."""
    found = SecurityGroup.objects.filter(project=caller.project, name=DEFAULT).first()
    if found is not None:
        return found
    with atomic():
        about = {"description": "Default security group", "userid": caller.user, "shared_to_project": True}
        made, new = SecurityGroup.objects.get_or_create(project=caller.project, name=DEFAULT, defaults=about)
        if new:
            _let_out(made)
            for ethertype in ETHERTYPES:
                SecurityRule.objects.create(
                    group=made, direction="ingress", ethertype=ethertype, remote_group=made
                )
    return made


def create(caller: Caller, *, name: str, description: str = "", stateful: bool = True) -> SecurityGroup:
    """A group that lets everything out and nothing in. Raises Conflict (the name ``default``), OverLimit."""
    _check_texts(name, description)
    if not stateful:
        raise BadRequest("Invalid input for stateful: answers to what was let through always pass here.")
    default_of(caller)
    if name == DEFAULT:
        raise Conflict("Default security group already exists.")
    own = SecurityGroup.objects.filter(project=caller.project)
    if own.count() >= settings.CYCLADES_MAX_SECURITY_GROUPS:
        raise OverLimit(f"A project has at most {settings.CYCLADES_MAX_SECURITY_GROUPS} security groups.")
    with atomic():
        group = SecurityGroup.objects.create(
            name=name, description=description, userid=caller.user, project=caller.project,
            shared_to_project=caller.shares_by_default,
        )  # fmt: skip
        _let_out(group)
        record(caller, "security_group.create", GROUP, group.pk, name=name)
    return group


def update(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None
) -> SecurityGroup:
    """Raises Conflict for another name of ``default``, or for this name of another."""
    _check_texts(name or "", description or "")
    with atomic():
        group = get(caller, uuid)
        if name is not None and name != group.name and DEFAULT in (name, group.name):
            raise Conflict("The default security group keeps its name, and no other has it.")
        group.name = group.name if name is None else name
        group.description = group.description if description is None else description
        group.save(update_fields=("name", "description", "updated"))
        record(caller, "security_group.update", GROUP, group.pk)
    return group


def delete(caller: Caller, uuid: str) -> None:
    """Raises Conflict while a port has it, and for ``default``."""
    found = get(caller, uuid)
    with atomic():
        group = SecurityGroup.objects.select_for_update().filter(pk=found.pk).first()
        if group is None:
            raise ItemNotFound(f"Security group {uuid} does not exist")
        if group.name == DEFAULT:
            raise Conflict("Insufficient rights for removing default security group.")
        if group.ports.exists():
            raise Conflict(f"Security Group {uuid} in use.")
        naming = list(group.named_by.exclude(group=group).values_list("group_id", flat=True))
        group.delete()
        groups_changed(naming, caller)
        record(caller, "security_group.delete", GROUP, found.pk, name=found.name)


def add_rule(caller: Caller, uuid: str, wish: Wish) -> SecurityRule:
    """Let something more through. Raises BadRequest, ItemNotFound, Conflict (it is there), OverLimit."""
    group = get(caller, uuid)
    remote_cidr = _checked(wish)
    remote = get(caller, wish.remote_group) if wish.remote_group else None
    values = {
        "direction": wish.direction, "ethertype": wish.ethertype, "protocol": wish.protocol,
        "port_min": wish.port_min, "port_max": wish.port_max, "remote_cidr": remote_cidr,
        "remote_group": remote,
    }  # fmt: skip
    with atomic():
        groups_changed([group.pk, *([remote.pk] if remote else [])], caller)
        same = group.rules.filter(**values).first()
        if same is not None:
            raise Conflict(f"Security group rule already exists. Rule id is {same.uuid}.")
        if (
            SecurityRule.objects.filter(group__project=group.project).count()
            >= settings.CYCLADES_MAX_SECURITY_RULES
        ):
            raise OverLimit(f"A project has at most {settings.CYCLADES_MAX_SECURITY_RULES} rules.")
        rule = SecurityRule.objects.create(group=group, description=wish.description, **values)
        record(caller, "security_group.rule.add", GROUP, group.pk, rule=rule.uuid)
    return rule


def remove_rule(caller: Caller, uuid: str) -> None:
    rule = get_rule(caller, uuid)
    with atomic():
        groups_changed([rule.group_id], caller)
        rule.delete()
        record(caller, "security_group.rule.remove", GROUP, rule.group_id, rule=uuid)


def _let_out(group: SecurityGroup) -> None:
    for ethertype in ETHERTYPES:
        SecurityRule.objects.create(group=group, direction="egress", ethertype=ethertype)


def _checked(wish: Wish) -> str:
    """The range that the rule is about, in its usual form. Raises BadRequest in Neutron's words."""
    _check_texts(wish.description)
    if wish.direction not in DIRECTIONS:
        raise BadRequest(
            f"Invalid input for direction: '{wish.direction}' is not in {', '.join(DIRECTIONS)}."
        )
    if wish.ethertype not in ETHERTYPES:
        raise BadRequest(
            f"Invalid input for ethertype: '{wish.ethertype}' is not in {', '.join(ETHERTYPES)}."
        )
    _check_protocol(wish)
    _check_ports(wish)
    if wish.remote_cidr and wish.remote_group:
        raise BadRequest("Only remote_ip_prefix or remote_group_id may be provided.")
    if not wish.remote_cidr:
        return ""
    try:
        found = ipaddress.ip_network(wish.remote_cidr, strict=False)
    except ValueError:
        raise BadRequest(f"Invalid input for remote_ip_prefix: '{wish.remote_cidr}' is no range.") from None
    if found.version != ETHERTYPES[wish.ethertype]:
        raise BadRequest(f"Conflicting value ethertype {wish.ethertype} for CIDR {wish.remote_cidr}")
    return str(found)


def _check_protocol(wish: Wish) -> None:
    number = wish.protocol.isascii() and wish.protocol.isdigit() and int(wish.protocol[:4]) <= 255
    if wish.protocol and not number and wish.protocol not in PROTOCOLS:
        raise BadRequest(
            f"Security group rule protocol {wish.protocol} not supported. Only protocol values "
            f"{', '.join(PROTOCOLS)} and integer representations [0 to 255] are supported."
        )
    if wish.ethertype == "IPv4" and (wish.protocol in _ICMP_6 or wish.protocol.startswith("ipv6-")):
        raise BadRequest(f"Invalid ethertype {wish.ethertype} for protocol {wish.protocol}.")


def _check_ports(wish: Wish) -> None:
    low, high = wish.port_min, wish.port_max
    if low is None and high is None:
        return
    if not wish.protocol:
        raise BadRequest("Must also specify protocol if port range is given.")
    for value in (low, high):
        if value is not None and not 0 <= value <= 65535:
            raise BadRequest(f"Invalid value for port {value}")
    if wish.protocol in _ICMP | _ICMP_6:
        _check_icmp(low, high)
    elif wish.protocol not in _WITH_PORTS:
        raise BadRequest(f"Invalid port range for protocol {wish.protocol}, which has no ports.")
    elif 0 in (low, high):
        raise BadRequest("Invalid value for port 0")
    elif low is None or high is None or low > high:
        raise BadRequest("For TCP/UDP protocols, port_range_min must be <= port_range_max")


def _check_icmp(kind: int | None, code: int | None) -> None:
    for field, attribute, value in (("type", "port-range-min", kind), ("code", "port-range-max", code)):
        if value is not None and value > 255:
            raise BadRequest(f"Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255.")
    if kind is None:
        raise BadRequest(
            f"ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing."
        )


def _check_texts(*texts: str) -> None:
    if any(len(text) > 255 for text in texts):
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")
