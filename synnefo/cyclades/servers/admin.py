"""Everybody's servers on the administrators' dashboard: found, looked at, stopped, started by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from synnefo.admin.site import administrator, site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import events, lines, mono, state
from synnefo.common.accounts import accounts
from synnefo.common.caller import system_caller
from synnefo.common.faults import Fault
from synnefo.common.templatetags.console import ago, lasted
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.listing import STATES
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.shown import size_of, state_of
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.shown import operation_shown
from synnefo.engine import rules as engine

_OPERATIONS = 20
#: Everybody is called by his name here, the reader himself, too.
_NOBODY = system_caller()


class ServerState(StateFilter):
    states = STATES


@admin.register(Server, site=site)
class Servers(Table):
    icon = "dns"
    states = STATES
    list_display = ("name", "shown_state", "owner", "addresses", "size", "backend", "age")
    list_display_links = ("name",)
    list_filter = (ServerState, "backend")
    search_fields = ("name",)
    search_help_text = "Name, number, uuid, address or owner"
    ordering = ("-created",)
    acts = (
        Act(
            "stop", "Stop", "stop_circle",
            "The guest is asked to power off. CPU and RAM are charged no more; its owner can start it again.",
            "is stopping", lambda caller, row, reason: rules.stop(caller, row.uuid),
            lambda row: _can(row, Action.STOP), is_danger=True,
        ),
        Act(
            "start", "Start", "play_circle",
            "It is powered on, and its owner is charged for CPU and RAM again.",
            "is starting", lambda caller, row, reason: rules.start(caller, row.uuid),
            lambda row: _can(row, Action.START),
        ),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return rules.with_cards(rules.servers_for(administrator(request))).select_related("flavor", "backend")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By all that names a server, and by its owner's e-mail or uuid."""
        words = search_term.strip().replace("\x00", "")
        if not words:
            return queryset, False
        wanted = Q(name__icontains=words) | Q(uuid=words) | Q(userid=words)
        wanted |= Q(userid__in=accounts().users_like(words))
        if words.isascii() and words.isdigit() and len(words) < 19:
            wanted |= Q(pk=int(words))
        by_address = Q(ports__addresses__address__startswith=words) | Q(
            ports__floating_ips__address__startswith=words
        )
        wanted |= Q(pk__in=Server.objects.filter(by_address).values("pk"))
        return queryset.filter(wanted), False

    def complete(self, rows: Iterable[Server]) -> None:
        """Names of owners and projects, by one question for all."""
        found = list(rows)
        names = accounts().names({uuid for row in found for uuid in (row.userid, row.project)})
        for row in found:
            row.owner_name = names.get(row.userid, row.userid)  # type: ignore[attr-defined]
            row.project_name = names.get(row.project, row.project)  # type: ignore[attr-defined]

    @admin.display(description="State", ordering="operstate")
    def shown_state(self, row: Server) -> SafeString:
        return _state(row)

    @admin.display(description="Owner")
    def owner(self, row: Any) -> str:
        return str(row.owner_name)

    @admin.display(description="Addresses")
    def addresses(self, row: Server) -> SafeString:
        return lines(_addresses(row))

    @admin.display(description="Size", ordering="flavor__cpu")
    def size(self, row: Server) -> str:
        return size_of(row.flavor)

    @admin.display(description="Age", ordering="created")
    def age(self, row: Server) -> str:
        return ago(row.created)

    def facts(self, row: Any) -> Mapping[str, object]:
        image = Image.objects.filter(uuid=row.image).values_list("name", flat=True).first()
        facts: dict[str, object] = {
            "State": _state(row),
            "Owner": row.owner_name,
            "Project": row.project_name,
            "Shared to its project": "yes" if row.shared_to_project else "no",
            "Size": f"{size_of(row.flavor)} ({row.flavor.name})",
            "Image": image or "removed since",
            "SSH key": row.key_name or "none",
            "Backend": row.backend or "none yet",
            "Number": row.pk,
            "Name on the backend": mono(row.engine_name),
            "Uuid": mono(row.uuid),
            "Created": ago(row.created),
        }
        if row.fault:
            facts["Last fault"] = row.fault
        return facts

    def parts(self, row: Server) -> Sequence[Part]:
        return (_cards(row), _operations(row), events(Server.TARGET, row.pk))


def _can(row: Server, action: Action) -> bool:
    try:
        require(row, action, is_admin=True)
    except Fault:
        return False
    return True


def _state(row: Server) -> SafeString:
    found = state_of(row)
    return state(found.word, found.colour)


def _addresses(row: Server) -> list[str]:
    return [
        ip.address for port in row.ports.all() for ip in (*port.floating_ips.all(), *port.addresses.all())
    ]


def _cards(row: Server) -> Part:
    told = [
        (
            str(port.network),
            mono(port.mac),
            lines(mono(ip.address) for ip in port.addresses.all()),
            lines(mono(ip.address) for ip in port.floating_ips.all()),
        )
        for port in row.ports.all()
    ]
    return Part("Network cards", ("Network", "MAC", "Fixed", "Floating"), told, "It is on no network.")


def _operations(row: Server) -> Part:
    history = list(engine.history_of(Server.TARGET, row.pk)[:_OPERATIONS])
    names = accounts().names({one.actor for one in history if one.actor})
    shown = [operation_shown(one, _NOBODY, names) for one in history]
    told = [
        (
            one.title,
            state(one.state.word, one.state.colour),
            one.who,
            ago(one.began),
            lasted(one.elapsed),
            one.error or one.step,
            mono(one.request_id),
        )
        for one in shown
    ]
    heads = ("What", "State", "Who", "Began", "Took", "Error or step", "Request id")
    return Part("Operations", heads, told, "Nothing yet.")
