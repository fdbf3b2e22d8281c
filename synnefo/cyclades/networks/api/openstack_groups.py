"""Security groups and their rules in network v2.0."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.caller import Caller
from synnefo.cyclades.networks import groups
from synnefo.cyclades.networks.models import SecurityGroup, SecurityRule
from synnefo.cyclades.openstack import kit, neutron

router = Router()

_RULE_COLUMNS = {
    "tenant_id": "group__project",
    "project_id": "group__project",
    "description": "description",
    "security_group_id": "group__uuid",
    "remote_group_id": "remote_group__uuid",
    "direction": "direction",
    "ethertype": "ethertype",
    "protocol": "protocol",
    "remote_ip_prefix": "remote_cidr",
    "port_range_min": "port_min",
    "port_range_max": "port_max",
}


class GroupFilters(neutron.Listing):
    stateful: bool | None = None
    shared: bool | None = None


class NewGroup(neutron.NewInProject):
    name: kit.Text
    description: kit.Text = ""
    stateful: kit.Flag = True


class NewGroupBody(kit.Body):
    security_group: NewGroup | None = None
    security_groups: list[NewGroup] | None = Field(None, min_length=1, max_length=20)


class GroupChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None


class GroupChangesBody(kit.Body):
    security_group: GroupChanges


class RuleFilters(neutron.Listing):
    name: None = None
    security_group_id: list[kit.Text] | None = None
    remote_group_id: list[kit.Text] | None = None
    direction: list[kit.Text] | None = None
    ethertype: list[kit.Text] | None = None
    protocol: list[kit.Text] | None = None
    remote_ip_prefix: list[kit.Text] | None = None
    port_range_min: list[int] | None = None
    port_range_max: list[int] | None = None


class NewRule(neutron.NewInProject):
    security_group_id: kit.Text
    direction: kit.Text
    ethertype: kit.Text = "IPv4"
    protocol: kit.Text | int | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: kit.Text | None = None
    remote_group_id: kit.Text | None = None
    description: kit.Text | None = None

    def wish(self) -> groups.Wish:
        protocol = "" if self.protocol is None else str(self.protocol).lower()
        remote = self.remote_group_id
        return groups.Wish(
            direction=self.direction.lower(),
            ethertype={"ipv4": "IPv4", "ipv6": "IPv6"}.get(self.ethertype.lower(), self.ethertype),
            protocol="" if protocol == "any" else protocol,
            port_min=self.port_range_min,
            port_max=self.port_range_max,
            remote_cidr=self.remote_ip_prefix or "",
            remote_group="" if not remote else kit.known_id(remote, "Security group"),
            description=self.description or "",
        )


class NewRuleBody(kit.Body):
    security_group_rule: NewRule | None = None
    security_group_rules: list[NewRule] | None = Field(None, min_length=1, max_length=100)


@router.get("/security-groups")
def list_groups(request: HttpRequest, filters: Query[GroupFilters]) -> HttpResponse:
    caller = neutron.lister(request, filters)
    groups.default_of(caller)
    rows = neutron.matching(
        _with_rules(groups.groups_for(caller)), filters, name="name", description="description"
    )
    if filters.stateful is False or filters.shared is True:
        rows = rows.none()
    return neutron.listed(request, "security_groups", rows, filters, neutron.each(group_view))


@router.post("/security-groups")
def create_group(request: HttpRequest, body: NewGroupBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewGroup) -> SecurityGroup:
        return groups.create(
            wanted.maker(caller),
            name=wanted.name,
            description=wanted.description,
            stateful=kit.is_true(wanted.stateful),
        )

    def unmake(group: SecurityGroup) -> None:
        groups.delete(caller, group.uuid)

    one, many = body.security_group, body.security_groups
    return neutron.created(one, many, "security_group", make, group_view, unmake)


@router.get("/security-groups/{group_id}")
def show_group(request: HttpRequest, group_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    return kit.answer(
        {"security_group": selection.of(group_view(_group(neutron.caller_of(request), group_id)))}
    )


@router.put("/security-groups/{group_id}")
def update_group(request: HttpRequest, group_id: str, body: GroupChangesBody) -> HttpResponse:
    caller, wanted = neutron.caller_of(request), body.security_group
    changed = groups.update(
        caller, kit.known_id(group_id, "Security group"), name=wanted.name, description=wanted.description
    )
    return kit.answer({"security_group": group_view(changed)})


@router.delete("/security-groups/{group_id}")
def delete_group(request: HttpRequest, group_id: str) -> HttpResponse:
    groups.delete(neutron.caller_of(request), kit.known_id(group_id, "Security group"))
    return kit.empty(204)


@router.get("/security-group-rules")
def list_rules(request: HttpRequest, filters: Query[RuleFilters]) -> HttpResponse:
    caller = neutron.lister(request, filters)
    groups.default_of(caller)
    rows = neutron.matching(groups.rules_for(caller), filters, **_RULE_COLUMNS)
    sorted_by = {"direction": "direction", "ethertype": "ethertype", "protocol": "protocol", "name": "id"}
    return neutron.listed(
        request, "security_group_rules", rows, filters, neutron.each(rule_view), **sorted_by
    )


@router.post("/security-group-rules")
def create_rule(request: HttpRequest, body: NewRuleBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewRule) -> SecurityRule:
        maker, group = wanted.maker(caller), kit.known_id(wanted.security_group_id, "Security group")
        neutron.check_project(maker, caller, groups.get(caller, group).project)
        return groups.add_rule(maker, group, wanted.wish())

    def unmake(rule: SecurityRule) -> None:
        groups.remove_rule(caller, rule.uuid)

    one, many = body.security_group_rule, body.security_group_rules
    return neutron.created(one, many, "security_group_rule", make, rule_view, unmake)


@router.get("/security-group-rules/{rule_id}")
def show_rule(request: HttpRequest, rule_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = groups.get_rule(neutron.caller_of(request), kit.known_id(rule_id, "Security group rule"))
    return kit.answer({"security_group_rule": selection.of(rule_view(found))})


@router.delete("/security-group-rules/{rule_id}")
def delete_rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    groups.remove_rule(neutron.caller_of(request), kit.known_id(rule_id, "Security group rule"))
    return kit.empty(204)


def group_view(group: SecurityGroup) -> dict[str, Any]:
    """A group as Neutron shows it; its rules should be prefetched in lists."""
    return {
        "id": group.uuid,
        "name": group.name,
        "description": group.description,
        "tenant_id": group.project,
        "project_id": group.project,
        "stateful": group.stateful,
        "shared": False,
        "security_group_rules": [rule_view(rule) for rule in group.rules.all()],
        "tags": [],
        "created_at": kit.stamp(group.created),
        "updated_at": kit.stamp(group.updated),
    }


def rule_view(rule: SecurityRule) -> dict[str, Any]:
    remote = rule.remote_group
    return {
        "id": rule.uuid,
        "tenant_id": rule.group.project,
        "project_id": rule.group.project,
        "security_group_id": rule.group.uuid,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol or None,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
        "remote_ip_prefix": rule.remote_cidr or None,
        "remote_group_id": None if remote is None else remote.uuid,
        "remote_address_group_id": None,
        "description": rule.description,
        "created_at": kit.stamp(rule.created),
        "updated_at": kit.stamp(rule.updated),
    }


def _group(caller: Caller, group_id: str) -> SecurityGroup:
    return groups.get(caller, kit.known_id(group_id, "Security group"))


def _with_rules(rows: QuerySet[SecurityGroup]) -> QuerySet[SecurityGroup]:
    rules = SecurityRule.objects.select_related("group", "remote_group").order_by("pk")
    return rows.prefetch_related(Prefetch("rules", queryset=rules))
