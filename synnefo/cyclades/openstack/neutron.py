"""What the routes of network v2.0 share: filters, ``fields``, pages, and whose a new thing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.cyclades.openstack import kit

M = TypeVar("M", bound=Model)
View = Callable[[M], dict[str, Any]]


class Selection(BaseModel):
    """``fields``: the keys that are wanted, all of them if none is named."""

    fields: list[kit.Text] = Field(default_factory=list)

    def of(self, view: dict[str, Any]) -> dict[str, Any]:
        kept = set(self.fields)
        return {key: value for key, value in view.items() if key in kept} if kept else view


class Listing(kit.Listing, Selection):
    """Filters that every collection has; each may be given several times, which means any of them."""

    id: list[kit.Text] | None = None
    name: list[kit.Text] | None = None
    description: list[kit.Text] | None = None
    tenant_id: list[kit.Text] | None = None
    project_id: list[kit.Text] | None = None


class NewInProject(kit.Body):
    """A new thing belongs to the token's project; a body may say so."""

    tenant_id: kit.Text | None = None
    project_id: kit.Text | None = None

    def check_project(self, caller: Caller) -> None:
        """Raises Forbidden if another project is named."""
        named = {kit.wanted_id(text) for text in (self.tenant_id, self.project_id) if text is not None}
        if named - {caller.project}:
            raise Forbidden("What is made belongs to the project of the token.")


def matching(rows: QuerySet[M], filters: Listing, **columns: str) -> QuerySet[M]:
    """Rows that pass the filters; ``columns`` say where a filter's value stands if not under its own name.

    A column that ends in ``uuid`` or ``project`` is compared with uuids in any spelling.
    """
    for name, column in {"tenant_id": "project", "project_id": "project", "id": "uuid", **columns}.items():
        values = getattr(filters, name)
        if values is not None:
            known = kit.wanted_ids(values) if column.endswith(("uuid", "project")) else values
            rows = rows.filter(**{f"{column}__in": known})
    return rows


def listed(
    request: HttpRequest, collection: str, rows: QuerySet[M], filters: Listing, view: View[M]
) -> HttpResponse:
    """One page of a collection."""
    found, more = kit.page_of(rows, filters)
    body: dict[str, Any] = {collection: [filters.of(view(row)) for row in found]}
    if more:
        url = kit.address(request, f"network/v2.0/{collection}")
        last: str = found[-1].uuid  # type: ignore[attr-defined]
        body[f"{collection}_links"] = [{"rel": "next", "href": kit.next_page(request, url, last)}]
    return kit.answer(body)
