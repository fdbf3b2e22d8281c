"""Lists as their address asks for them: search, filter, order, page. Knows no noun; pages declare theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

M = TypeVar("M", bound=Model)

ROWS = 50


@dataclasses.dataclass(frozen=True)
class Wish:
    """What an address asks for; ``usual`` is the order of an address that asks for none."""

    search: str
    state: str
    order: str
    page: str
    usual: str

    @property
    def narrows(self) -> bool:
        return bool(self.search or self.state)

    def address(self, **changes: str) -> str:
        """The query string of this list with something changed; defaults are left out."""
        query = QueryDict(mutable=True)
        asked = {"q": self.search, "state": self.state, "sort": self.order, "page": self.page, **changes}
        usual = {"q": "", "state": "", "sort": self.usual, "page": "1"}
        for name, value in asked.items():
            if value != usual[name]:
                query[name] = value
        return f"?{query.urlencode()}" if query else "?"


@dataclasses.dataclass(frozen=True)
class Heading:
    """A heading that sorts; ``direction`` is ascending, descending or none."""

    title: str
    direction: str
    address: str


@dataclasses.dataclass(frozen=True)
class Listing(Generic[M]):
    """A list at ``path``. ``columns`` are those that sort: title and fields; ``usual`` is the usual order.

    ``states`` are the filters by name, ``find`` narrows the rows to what is searched for.
    """

    path: str
    noun: str
    columns: Mapping[str, tuple[str, tuple[str, ...]]]
    usual: str
    find: Callable[[QuerySet[M], str], QuerySet[M]]
    states: Mapping[str, Q] = dataclasses.field(default_factory=dict)

    def wish(self, query: QueryDict) -> Wish:
        """What the address asks for; whatever it cannot mean is passed over."""
        order, state = query.get("sort", ""), query.get("state", "")
        return Wish(
            search=query.get("q", "").strip().replace("\x00", "")[:100],
            state=state if state in self.states else "",
            order=order if order.removeprefix("-") in self.columns else self.usual,
            page=query.get("page", "1"),
            usual=self.usual,
        )

    def page(self, rows: QuerySet[M], wish: Wish) -> Page[M]:
        if wish.state:
            rows = rows.filter(self.states[wish.state])
        if wish.search:
            rows = self.find(rows, wish.search)
        sign = "-" if wish.order.startswith("-") else ""
        fields = self.columns[wish.order.removeprefix("-")][1]
        return Paginator(rows.order_by(*(sign + name for name in fields)), ROWS).get_page(wish.page)

    def context(self, rows: QuerySet[M], query: QueryDict) -> dict[str, Any]:
        """What ``parts/list.html`` shows of rows that the caller may see."""
        wish = self.wish(query)
        found = self.page(rows, wish)
        here = self.path + wish.address().removesuffix("?")
        return {
            "listing": self,
            "wish": wish,
            "page": found,
            "headings": {key: self._heading(key, wish) for key in self.columns},
            "empty": not wish.narrows and not found.paginator.count,
            "here": here,
            "and_back": "&" + urlencode({"next": here}),
            "earlier": wish.address(page=str(found.number - 1)) if found.has_previous() else "",
            "later": wish.address(page=str(found.number + 1)) if found.has_next() else "",
            "filters": [(name, wish.address(state=name, page="1")) for name in ("", *self.states)],
        }

    def _heading(self, key: str, wish: Wish) -> Heading:
        descending, ascending = wish.order == f"-{key}", wish.order == key
        direction = "descending" if descending else "ascending" if ascending else "none"
        first = self.usual if key == self.usual.removeprefix("-") else key
        turned = key if descending else f"-{key}" if ascending else first
        return Heading(self.columns[key][0], direction, wish.address(sort=turned, page="1"))
