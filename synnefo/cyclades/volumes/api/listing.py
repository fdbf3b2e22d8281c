"""Lists as Cinder gives them: sorted by one key, from a marker or an offset on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from pydantic import NonNegativeInt

from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.paging import page_size
from synnefo.cyclades.openstack import kit

M = TypeVar("M", bound=Model)


class SortedListing(kit.Listing):
    """``sort`` is ``key`` or ``key:direction``; of several keys the first counts."""

    offset: NonNegativeInt = 0
    sort: kit.Text | None = None
    sort_key: kit.Text | None = None
    sort_dir: kit.Text | None = None
    all_tenants: bool = False


@dataclasses.dataclass(frozen=True)
class Page:
    """Rows, and the query of the next page where this one is full."""

    rows: list[Any]
    next_query: str | None

    def links(self, collection: str, url: str) -> dict[str, Any]:
        """What a body says of the next page."""
        if self.next_query is None:
            return {}
        return {f"{collection}_links": [{"rel": "next", "href": f"{url}?{self.next_query}"}]}


def page_of(
    request: HttpRequest, rows: QuerySet[M], listing: SortedListing, columns: Mapping[str, str]
) -> Page:
    """One page; ``columns`` says what may be sorted by, and where that stands.

    Raises BadRequest (such a key or direction is not known), ItemNotFound (the marker).
    """
    size = page_size(listing.limit)
    column, descending = _order(listing, columns)
    if listing.marker:
        last = rows.filter(uuid=kit.wanted_id(listing.marker)).first()
        if last is None:
            raise ItemNotFound(f"The marker {listing.marker} could not be found.")
        rows = rows.filter(_behind(last, column, descending))
    sign = "-" if descending else ""
    start = listing.offset
    found = list(rows.order_by(f"{sign}{column}", f"{sign}pk")[start : start + size])
    if listing.limit is None or not found or len(found) < size:
        return Page(found, None)
    query = request.GET.copy()
    query.pop("offset", None)
    query["marker"] = found[-1].uuid  # type: ignore[attr-defined]
    return Page(found, query.urlencode())


def _order(listing: SortedListing, columns: Mapping[str, str]) -> tuple[str, bool]:
    first = (listing.sort or "").split(",")[0]
    key, _, direction = first.partition(":")
    key = key or listing.sort_key or "created_at"
    direction = direction or listing.sort_dir or "desc"
    if key not in columns or direction not in ("asc", "desc"):
        raise BadRequest(f"Invalid sort: {key[:50]} {direction[:50]}.")
    return columns[key], direction == "desc"


def _behind(last: Model, column: str, descending: bool) -> Q:
    """Rows that come after one, in that order."""
    value, way = getattr(last, column), "lt" if descending else "gt"
    return Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"pk__{way}": last.pk})
