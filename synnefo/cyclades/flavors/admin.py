"""Flavors on the administrators' dashboard: looked at, closed, hidden and retired by the rules.

New ones are made in the console, by OpenStack's API or by command; these two say who may use a hidden one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils.safestring import SafeString

from synnefo.admin.site import site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import events, mono, state
from synnefo.common.accounts import accounts
from synnefo.common.templatetags.console import ago
from synnefo.common.units import GIB, MIB, show_amount
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor

_STATES = {
    "offered": Q(deleted=False, allow_create=True),
    "closed": Q(deleted=False, allow_create=False),
    "retired": Q(deleted=True),
}
_COLOURS = {"offered": "green", "closed": "yellow", "retired": "grey"}


class FlavorState(StateFilter):
    states = _STATES


@admin.register(Flavor, site=site)
class Flavors(Table):
    icon = "memory"
    states = _STATES
    list_display = (
        "shown_name",
        "shown_state",
        "cpus",
        "shown_ram",
        "shown_disk",
        "kind",
        "users",
        "shown_servers",
    )
    list_display_links = ("shown_name",)
    list_filter = (FlavorState, "public")
    search_fields = ("label",)
    search_help_text = "Name or id"
    ordering = ("cpu", "ram")
    acts = (
        Act(
            "close", "Close", "block",
            "No more servers are made with it, or resized to it. Those that have it keep it.",
            "is closed", lambda caller, row, reason: rules.modify(caller, row.pk, allow_create=False),
            lambda row: not row.deleted and row.allow_create,
        ),
        Act(
            "open", "Open", "check", "Servers can be made with it again.",
            "is offered", lambda caller, row, reason: rules.modify(caller, row.pk, allow_create=True),
            lambda row: not row.deleted and not row.allow_create,
        ),
        Act(
            "hide", "Hide", "visibility_off",
            "Only the projects that it was granted to see it. Servers that have it keep it.",
            "is hidden", lambda caller, row, reason: rules.modify(caller, row.pk, public=False),
            lambda row: not row.deleted and row.public,
        ),
        Act(
            "show", "Show", "visibility", "Everybody sees it, and makes servers with it.",
            "is shown to everybody", lambda caller, row, reason: rules.modify(caller, row.pk, public=True),
            lambda row: not row.deleted and not row.public,
        ),
        Act(
            "retire", "Retire", "delete",
            "Nobody sees it any more. Servers that have it keep it.",
            "is retired", lambda caller, row, reason: rules.modify(caller, row.pk, deleted=True),
            lambda row: not row.deleted, is_danger=True,
        ),
        Act(
            "restore", "Bring back", "undo", "It is offered as before.",
            "is back", lambda caller, row, reason: rules.modify(caller, row.pk, deleted=False),
            lambda row: row.deleted,
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        there = Count("servers", filter=Q(servers__deleted=False))
        return Flavor.objects.select_related("volume_type").annotate(servers_there=there)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the name, also one that is made of the sizes, and by its ids."""
        words = search_term.strip().replace("\x00", "")
        if not words:
            return queryset, False
        parts = [
            part
            for letter, column in (("C", "cpu"), ("R", "ram"), ("D", "disk"))
            for part in (Value(letter), Cast(column, CharField()))
        ]
        named = queryset.annotate(
            sizes=Concat(*parts, "volume_type__disk_template", output_field=CharField())
        )
        by_name = Q(label__icontains=words) | Q(label="", sizes__icontains=words)
        return named.filter(by_name | Q(uuid=words) | Q(ref=words)), False

    @admin.display(description="Name", ordering="label")
    def shown_name(self, row: Flavor) -> str:
        return row.name

    @admin.display(description="State")
    def shown_state(self, row: Flavor) -> SafeString:
        word = "retired" if row.deleted else "offered" if row.allow_create else "closed"
        return state(word.capitalize(), _COLOURS[word])

    @admin.display(description="CPUs", ordering="cpu")
    def cpus(self, row: Flavor) -> int:
        return row.cpu

    @admin.display(description="RAM", ordering="ram")
    def shown_ram(self, row: Flavor) -> str:
        return show_amount(row.ram * MIB, "bytes")

    @admin.display(description="Disk", ordering="disk")
    def shown_disk(self, row: Flavor) -> str:
        return show_amount(row.disk * GIB, "bytes")

    @admin.display(description="Kind of disk", ordering="volume_type__name")
    def kind(self, row: Flavor) -> str:
        return row.volume_type.name

    @admin.display(description="For whom", ordering="public")
    def users(self, row: Flavor) -> str:
        return "everybody" if row.public else "some projects"

    @admin.display(description="Servers", ordering="servers_there")
    def shown_servers(self, row: Any) -> int:
        return int(row.servers_there)

    def facts(self, row: Any) -> Mapping[str, object]:
        facts: dict[str, object] = {
            "State": self.shown_state(row),
            "For whom": self.users(row),
            "CPUs": row.cpu,
            "RAM": self.shown_ram(row),
            "Disk": self.shown_disk(row),
            "Kind of disk": self.kind(row),
            "Servers that have it": row.servers_there,
            "Number": row.pk,
            "Id": mono(row.openstack_id),
            "Created": ago(row.created),
        }
        more = {f"Disk for {what}": f"{size_gib} GB" for what, size_gib in row.more_disks_gib.items()}
        return {**facts, **more, **({"Description": row.description} if row.description else {})}

    def parts(self, row: Flavor) -> Sequence[Part]:
        return (_projects(row), _specs(row), events("flavor", row.pk))


def _projects(row: Flavor) -> Part:
    granted = sorted(row.access.values_list("project", flat=True))
    names = accounts().names(granted)
    told = [(names.get(project, "unknown"), mono(project)) for project in granted]
    return Part("Projects that it was granted to", ("Project", "Uuid"), told, "It was granted to none.")


def _specs(row: Flavor) -> Part:
    told = [(mono(key), value) for key, value in rules.specs_of(row).items()]
    return Part("Extra specs", ("Key", "Value"), told, "Nothing more is said of it.")
