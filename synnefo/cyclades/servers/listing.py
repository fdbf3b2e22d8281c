"""The list of servers: how it is sorted, filtered and searched."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from synnefo.common.listing import Listing
from synnefo.cyclades.servers.models import Server, ServerTag
from synnefo.cyclades.servers.tags import OWNERS

STATES = {
    "running": Q(operstate=Server.Oper.STARTED, task=""),
    "stopped": Q(operstate=Server.Oper.STOPPED, task=""),
    "changing": ~Q(task=""),
    "error": Q(operstate=Server.Oper.ERROR, task=""),
}


def _find(rows: QuerySet[Server], words: str) -> QuerySet[Server]:
    """By name, uuid, tag, or the beginning of an address."""
    by_address = Q(ports__addresses__address__startswith=words) | Q(
        ports__floating_ips__address__startswith=words
    )
    with_address = Server.objects.filter(by_address).values("pk")
    tagged = ServerTag.objects.filter(namespace=OWNERS, tag__iexact=words).values("server")
    known = Q(name__icontains=words) | Q(uuid=words) | Q(pk__in=tagged)
    return rows.filter(known | Q(pk__in=with_address))


SERVERS = Listing(
    path="/ui/servers/",
    noun="server",
    columns={
        "name": ("Name", ("name", "id")),
        "state": ("State", ("operstate", "task", "name", "id")),
        "size": ("Size", ("flavor__cpu", "flavor__ram", "flavor__disk", "name", "id")),
        "created": ("Age", ("created", "id")),
    },
    usual="-created",
    find=_find,
    states=STATES,
)
