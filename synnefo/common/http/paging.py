"""Pages by marker, as OpenStack's lists have them: ``limit`` rows after the one named by ``marker``."""

from __future__ import annotations

from typing import TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet

from synnefo.common.faults import BadRequest

M = TypeVar("M", bound=Model)


def page(
    rows: QuerySet[M], *, limit: int | None, marker: str | None, newest_first: bool = True
) -> tuple[list[M], bool]:
    """Rows of one page and whether more follow, ordered by (created, id).

    Raises BadRequest for a bad limit, or for a marker that is not among the rows.
    """
    size = page_size(limit)
    if size == 0:
        return [], False
    order = ("-created", "-id") if newest_first else ("created", "id")
    if marker:
        last = rows.filter(uuid=marker).select_related(None).only("id", "created").first()
        if last is None:
            raise BadRequest(f"marker [{marker}] not found")
        rows = rows.filter(_after(last, newest_first))
    found = list(rows.order_by(*order)[: size + 1])
    return found[:size], len(found) > size


def page_size(limit: int | None) -> int:
    """The size of a page: what was asked for, within the setting's maximum."""
    if limit is not None and limit < 0:
        raise BadRequest("limit must not be negative")
    maximum: int = settings.SYNNEFO_MAX_PAGE
    return maximum if limit is None else min(limit, maximum)


def _after(last: Model, newest_first: bool) -> Q:
    created, key = last.created, last.pk  # type: ignore[attr-defined]
    if newest_first:
        return Q(created__lt=created) | Q(created=created, id__lt=key)
    return Q(created__gt=created) | Q(created=created, id__gt=key)
