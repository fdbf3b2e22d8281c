"""The list of servers as its address asks for it: search, state, order, page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import QueryDict

from synnefo.common.caller import Caller
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server

ROWS = 50
_ORDERS = {
    "name": ("name", "id"),
    "state": ("operstate", "task", "name", "id"),
    "size": ("flavor__cpu", "flavor__ram", "flavor__disk", "name", "id"),
    "created": ("created", "id"),
}
_DEFAULT_ORDER = "-created"
_IN_STATE: Mapping[str, Q] = {
    "running": Q(operstate=Server.Oper.STARTED, task=""),
    "stopped": Q(operstate=Server.Oper.STOPPED, task=""),
    "changing": ~Q(task=""),
    "error": Q(operstate=Server.Oper.ERROR, task=""),
}


@dataclasses.dataclass(frozen=True)
class Wish:
    """What an address asks for; whatever it cannot mean is passed over."""

    search: str
    state: str
    order: str
    page: str

    @classmethod
    def of(cls, query: QueryDict) -> Wish:
        order = query.get("sort", "")
        return cls(
            search=query.get("q", "").strip().replace("\x00", "")[:100],
            state=query.get("state", "") if query.get("state", "") in _IN_STATE else "",
            order=order if order.removeprefix("-") in _ORDERS else _DEFAULT_ORDER,
            page=query.get("page", "1"),
        )

    @property
    def narrows(self) -> bool:
        return bool(self.search or self.state)

    def address(self, **changes: str) -> str:
        """The query string of this list with something changed; defaults are left out."""
        query = QueryDict(mutable=True)
        asked = {"q": self.search, "state": self.state, "sort": self.order, "page": self.page, **changes}
        usual = {"q": "", "state": "", "sort": _DEFAULT_ORDER, "page": "1"}
        for name, value in asked.items():
            if value != usual[name]:
                query[name] = value
        return f"?{query.urlencode()}" if query else "?"


@dataclasses.dataclass(frozen=True)
class Column:
    """A heading that sorts; ``direction`` is ascending, descending or none."""

    title: str
    direction: str
    address: str


def columns(wish: Wish) -> dict[str, Column]:
    titles = {"name": "Name", "state": "State", "size": "Size", "created": "Created"}
    found = {}
    for key, title in titles.items():
        descending, ascending = wish.order == f"-{key}", wish.order == key
        direction = "descending" if descending else "ascending" if ascending else "none"
        first = "-created" if key == "created" else key
        turned = key if descending else f"-{key}" if ascending else first
        found[key] = Column(title, direction, wish.address(sort=turned, page="1"))
    return found


def page_of(caller: Caller, wish: Wish) -> Page[Server]:
    rows = _matching(rules.with_cards(rules.servers_for(caller)), wish)
    descending = wish.order.startswith("-")
    order = [f"-{name}" if descending else name for name in _ORDERS[wish.order.removeprefix("-")]]
    return Paginator(rows.order_by(*order), ROWS).get_page(wish.page)


def _matching(rows: QuerySet[Server], wish: Wish) -> QuerySet[Server]:
    if wish.state:
        rows = rows.filter(_IN_STATE[wish.state])
    if wish.search:
        by_address = Q(ports__addresses__address__startswith=wish.search) | Q(
            ports__floating_ips__address__startswith=wish.search
        )
        with_address = Server.objects.filter(by_address).values("pk")
        rows = rows.filter(Q(name__icontains=wish.search) | Q(uuid=wish.search) | Q(pk__in=with_address))
    return rows
