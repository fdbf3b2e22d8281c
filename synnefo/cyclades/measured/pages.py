"""The page of a server's graphs, which the server's own page shows, too."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import ServiceUnavailable
from synnefo.common.pages import page
from synnefo.common.units import MIB
from synnefo.cyclades.measured import charts, rules
from synnefo.cyclades.measured.charts import Chart, Span, chart
from synnefo.cyclades.measured.rules import Use
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server

#: The times that one can look at: in the address, in words, how long, how its moments are written.
_SPANS = {
    "hour": ("Hour", datetime.timedelta(hours=1), "%H:%M"),
    "day": ("Day", datetime.timedelta(days=1), "%H:%M"),
    "week": ("Week", datetime.timedelta(days=7), "%a %d %b"),
    "month": ("Month", datetime.timedelta(days=31), "%d %b"),
}
_PLACES, _ROWS = 180, 12
_COLUMNS = ("cpu_percent", "ram_bytes", "received", "sent", "read", "written")


@page
def graphs(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    wanted = request.GET.get("span", "")
    key = wanted if wanted in _SPANS else "hour"
    _, length, form = _SPANS[key]
    trouble = ""
    try:
        server, uses = rules.use_of(caller, uuid, length)
    except ServiceUnavailable as fault:
        server, uses, trouble = servers.get(caller, uuid), [], fault.message
    end = timezone.localtime()
    context = {
        "server": server,
        "spans": [(name, words) for name, (words, _, _) in _SPANS.items()],
        "span": key,
        "trouble": trouble,
        "charts": _charts(server, rules.summed(uses, _PLACES), Span(end - length, end, form)) if uses else [],
        "rows": [_row(use, form) for use in reversed(rules.summed(uses, _ROWS))],
        "size": {"width": charts.WIDTH, "height": charts.HEIGHT, "left": charts.LEFT, "right": charts.RIGHT},
        "refresh_s": 30 if key == "hour" else 300,
    }
    return render(request, "cyclades/server_graphs.html", context)


def _charts(server: Server, uses: Sequence[Use], span: Span) -> list[Chart]:
    def line(name: str, column: str) -> tuple[str, list[charts.Point]]:
        return name, [(use.end, getattr(use, column)) for use in uses]

    size = server.flavor.ram * MIB
    top = float(size) if all(use.ram_bytes <= size for use in uses) else None
    return [
        chart("cpu", "CPU", span, [line("Used", "cpu_percent")], unit="%"),
        chart("ram", "Memory", span, [line("Held", "ram_bytes")], unit="bytes", top=top),
        chart(
            "net", "Network", span, [line("Received", "received"), line("Sent", "sent")], unit="bytes/s",
        ),
        chart("disk", "Disk", span, [line("Read", "read"), line("Written", "written")], unit="bytes/s"),
    ]  # fmt: skip


def _row(use: Use, form: str) -> list[str]:
    units = {"cpu_percent": "%", "ram_bytes": "bytes"}
    long = form if form == "%H:%M" else "%d %b %H:%M"
    told = [charts.amount(getattr(use, column), units.get(column, "bytes/s")) for column in _COLUMNS]
    return [timezone.localtime(use.end).strftime(long), *told]


urlpatterns: list[URLPattern | URLResolver] = [
    path("servers/<slug:uuid>/graphs/", graphs, name="server-graphs"),
]
