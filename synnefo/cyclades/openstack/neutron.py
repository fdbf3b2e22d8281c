"""What the routes of network v2.0 share: filters, order, pages, ``fields``, owners, many things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Fault, Forbidden, Unauthorized
from synnefo.common.http.paging import page_size
from synnefo.cyclades.openstack import kit

M = TypeVar("M", bound=Model)
B = TypeVar("B", bound=BaseModel)
View = Callable[[M], dict[str, Any]]
Views = Callable[[Sequence[M]], list[dict[str, Any]]]

#: What every collection is sorted by: key to column.
_SORTED = {"id": "uuid", "name": "name", "created_at": "created", "updated_at": "updated"}
_USUAL = (("created", True), ("id", True))


class Selection(BaseModel):
    """``fields``: the keys that are wanted, all of them if none is named."""

    fields: list[kit.Text] = Field(default_factory=list)

    def of(self, view: dict[str, Any]) -> dict[str, Any]:
        kept = set(self.fields)
        return {key: value for key, value in view.items() if key in kept} if kept else view


class Listing(kit.Listing, Selection):
    """Filters that every collection has; each may be given several times, which means any of them.

    Pages begin after ``marker``, or with ``page_reverse`` end before it.
    """

    id: list[kit.Text] | None = None
    name: list[kit.Text] | None = None
    description: list[kit.Text] | None = None
    tenant_id: list[kit.Text] | None = None
    project_id: list[kit.Text] | None = None
    sort_key: list[kit.Text] = Field(default_factory=list)
    sort_dir: list[kit.Text] = Field(default_factory=list)
    page_reverse: bool = False


class NewInProject(kit.Body):
    """A new thing belongs to the token's project; a body may say so, an administrator's name another one."""

    tenant_id: kit.Text | None = None
    project_id: kit.Text | None = None

    def maker(self, caller: Caller) -> Caller:
        """Who makes it: the caller, or in place of the project that is named an administrator.

        Raises Forbidden for another project of anybody else, BadRequest for one that there is not, or two.
        """
        named = {kit.wanted_id(text) for text in (self.tenant_id, self.project_id) if text is not None}
        if not named - {caller.project}:
            return caller
        if caller.scope is not Scope.CLOUD:
            raise Forbidden("What is made belongs to the project of the token.")
        if len(named) > 1:
            raise BadRequest("Invalid input: tenant_id and project_id must be the same.")
        project = named.pop()
        if project in caller.projects:
            return caller.in_project(project)
        if not accounts().names([project]):
            raise BadRequest(f"Invalid input for project_id: there is no project {project}.")
        return caller.in_place_of(_owner(project), project)


def check_project(maker: Caller, caller: Caller, project: str) -> None:
    """Refuse a part of something that a body says to be of another project than the whole. BadRequest."""
    if maker is not caller and maker.project != project:
        raise BadRequest(f"Invalid input for project_id: it is of project {project}, as all that it has.")


def caller_of(request: HttpRequest) -> Caller:
    """Who asks for things by id, or makes some: administrators reach those of all projects."""
    return kit.caller_of(request).over_all()


def lister(request: HttpRequest, filters: Listing) -> Caller:
    """Who lists: administrators what other projects have, too, where they filter by project."""
    caller = kit.caller_of(request)
    return caller if filters.tenant_id is None and filters.project_id is None else caller.over_all()


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
    request: HttpRequest,
    collection: str,
    rows: QuerySet[M],
    filters: Listing,
    views: Views[M],
    **sorted_by: str,
) -> HttpResponse:
    """One page of a collection, sorted by keys of ``sorted_by`` or those of all. Raises BadRequest."""
    found, more = _page(rows, filters, {**_SORTED, **sorted_by})
    body: dict[str, Any] = {collection: [filters.of(view) for view in views(found)]}
    links = []
    if found and (more if not filters.page_reverse else filters.marker):
        links.append(_link(request, collection, "next", found[-1], reverse=False))
    if found and (filters.marker if not filters.page_reverse else more):
        links.append(_link(request, collection, "previous", found[0], reverse=True))
    if (links and filters.limit is not None) or more:
        body[f"{collection}_links"] = links
    return kit.answer(body)


def each(view: View[M]) -> Views[M]:
    """Views of rows that need nothing of each other."""
    return lambda rows: [view(row) for row in rows]


def created(
    one: B | None, many: Sequence[B] | None, name: str, make: Callable[[B], Any], view: View[Any],
    unmake: Callable[[Any], object],
) -> HttpResponse:  # fmt: skip
    """The answer to a body with one thing or several, of which all are made or none. Raises BadRequest."""
    if (one is None) == (many is None):
        raise BadRequest(f"Invalid input: the body has either '{name}' or '{name}s'.")
    if one is not None:
        return kit.answer({name: view(make(one))}, 201)
    made: list[Any] = []
    try:
        for wanted in many or ():
            made.append(make(wanted))
    except Fault:
        for thing in reversed(made):
            unmake(thing)
        raise
    return kit.answer({f"{name}s": [view(thing) for thing in made]}, 201)


def _owner(project: str) -> str:
    """The user whose own project it is; empty for a project of several."""
    try:
        return accounts().identity_of_user(project).user
    except Unauthorized:
        return ""


def _page(rows: QuerySet[M], filters: Listing, columns: Mapping[str, str]) -> tuple[list[M], bool]:
    """The rows of a page and whether there are more beyond it."""
    size = page_size(filters.limit)
    if size == 0:
        return [], False
    order = _order(filters, columns)
    if filters.page_reverse:
        order = [(column, not descending) for column, descending in order]
    if filters.marker:
        last = rows.filter(uuid=kit.wanted_id(filters.marker)).first()
        if last is None:
            raise BadRequest(f"Invalid input for operation: marker [{filters.marker}] not found.")
        rows = rows.filter(_after(last, order))
    found = list(rows.order_by(*(f"-{column}" if down else column for column, down in order))[: size + 1])
    page, more = found[:size], len(found) > size
    return (page[::-1] if filters.page_reverse else page), more


def _order(filters: Listing, columns: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Columns and whether they descend; the last one tells all rows apart. Raises BadRequest."""
    if not filters.sort_key:
        return list(_USUAL)
    directions = filters.sort_dir or ["asc"] * len(filters.sort_key)
    if len(directions) != len(filters.sort_key) or not set(directions) <= {"asc", "desc"}:
        raise BadRequest("Invalid input for operation: each sort_key needs a sort_dir, asc or desc.")
    found: dict[str, bool] = {}
    for key, direction in zip(filters.sort_key, directions, strict=True):
        if key not in columns:
            raise BadRequest(f"Invalid input for operation: '{key}' is an invalid attribute for sort key.")
        found.setdefault(columns[key], direction == "desc")
    return [*found.items(), ("id", False)]


def _after(last: Model, order: Iterable[tuple[str, bool]]) -> Q:
    """Rows that come after this one in the order."""
    same, found = Q(), Q(pk__in=())
    for column, descending in order:
        value = _value(last, column)
        found |= same & Q(**{f"{column}__{'lt' if descending else 'gt'}": value})
        same &= Q(**{column: value})
    return found


def _value(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name)
    return row


def _link(
    request: HttpRequest, collection: str, relation: str, row: Model, *, reverse: bool
) -> dict[str, str]:
    query = request.GET.copy()
    query["marker"] = row.uuid  # type: ignore[attr-defined]
    query.pop("page_reverse", None)
    if reverse:
        query["page_reverse"] = "True"
    url = kit.address(request, f"network/v2.0/{collection}")
    return {"rel": relation, "href": f"{url}?{query.urlencode()}"}
