"""What the OpenStack routes of all nouns share: bodies, ids, addresses, pages, answers. No decisions."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, ValidationError

from synnefo.common.caller import Caller, system_caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.http.paging import page
from synnefo.common.ids import parse_uuid

M = TypeVar("M", bound=Model)
B = TypeVar("B", bound=BaseModel)
R = TypeVar("R")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL characters are not allowed")
    if not text.isascii():
        text.encode()  # half a surrogate pair, which JSON can carry, raises a ValueError
    return text


#: Text that every database can keep.
Text = Annotated[str, AfterValidator(_storable)]


#: The ways in which OpenStack's clients say yes and no.
Flag = bool | Literal["True", "true", "1", "False", "false", "0"]


def is_true(flag: Flag) -> bool:
    return str(flag).lower() in ("true", "1")


def said(flag: Flag | None) -> bool | None:
    """What a body says of a thing, None where it says nothing."""
    return None if flag is None else is_true(flag)


class Body(BaseModel):
    """A part of a request's body: unknown keys and wrong types are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Listing(BaseModel):
    """What every list takes in its query; unknown parameters are passed over."""

    limit: NonNegativeInt | None = None
    marker: Text | None = None


class Window(BaseModel):
    """What lists without markers take in their query."""

    limit: NonNegativeInt = 1000
    offset: NonNegativeInt = 0

    @property
    def part(self) -> slice:
        return slice(self.offset, self.offset + min(self.limit, settings.SYNNEFO_MAX_PAGE))


def caller_of(request: HttpRequest) -> Caller:
    """Who asks, as authentication found him."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


def everyone(caller: Caller) -> Caller:
    """An administrator, seeing what belongs to all projects. Raises Forbidden for anybody else."""
    if not caller.is_admin or caller.confined:
        raise Forbidden("Only administrators list what belongs to other projects.")
    everywhere = system_caller(caller.name)
    return dataclasses.replace(everywhere, request_id=caller.request_id, address=caller.address)


def known_id(text: str, what: str) -> str:
    """The uuid in a path, with or without dashes. Raises ItemNotFound: clients try names there first."""
    found = parse_uuid(text)
    if found is None:
        raise ItemNotFound(f"{what} {text} could not be found.")
    return found


def wanted_id(text: str) -> str:
    """A uuid in a body or a filter, in canonical form; what is none is looked for as it is (in vain)."""
    return parse_uuid(text) or text


def parsed(model: type[B], value: object) -> B:
    """A part of a body as a model. Raises BadRequest naming the first thing that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{place}: {first['msg']}" if place else first["msg"]) from error


def wanted_ids(texts: Iterable[str]) -> list[str]:
    return [wanted_id(text) for text in texts]


def only(name: str, value: object, *allowed: object) -> None:
    """Refuse a value that this cloud does not offer. Raises BadRequest."""
    if value is not None and value not in allowed:
        offered = ", ".join(map(str, allowed)) or "none"
        raise BadRequest(f"Invalid input for {name}: this cloud supports only {offered}.")


def origin(request: HttpRequest) -> str:
    """The cloud's address as the caller reaches it, without a slash at the end. Raises BadRequest."""
    public: str = settings.SYNNEFO_PUBLIC_URL
    if public:
        return public.rstrip("/")
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        raise BadRequest("The Host header is no host name.") from None


def address(request: HttpRequest, path: str) -> str:
    """The absolute URL of ``compute/v2.1/...`` and its like."""
    base: str = settings.CYCLADES_BASE_PATH.strip("/")
    return "/".join(filter(None, (origin(request), base, "openstack", path)))


def page_of(rows: QuerySet[M], listing: Listing, *, newest_first: bool = True) -> tuple[list[M], bool]:
    """One page and whether more follow. Raises BadRequest for a marker that is not in the list."""
    marker = wanted_id(listing.marker) if listing.marker else None
    return page(rows, limit=listing.limit, marker=marker, newest_first=newest_first)


def part_of(rows: Sequence[R], listing: Listing, key: Callable[[R], str]) -> tuple[list[R], bool]:
    """The same of a short list that is in memory; ``key`` gives what markers are. Raises BadRequest."""
    keys = [key(row) for row in rows]
    if listing.marker is not None and listing.marker not in keys:
        raise BadRequest(f"marker [{listing.marker}] not found")
    start = 0 if listing.marker is None else keys.index(listing.marker) + 1
    end = start + min(listing.limit or settings.SYNNEFO_MAX_PAGE, settings.SYNNEFO_MAX_PAGE)
    return list(rows[start:end]), end < len(rows)


def next_page(request: HttpRequest, url: str, marker: str) -> str:
    """Where the list goes on after ``marker``, with the same filters."""
    query = request.GET.copy()
    query["marker"] = marker
    return f"{url}?{query.urlencode()}"


def answer(body: Mapping[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type="application/json")


def empty(status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


def stamp(moment: datetime.datetime) -> str:
    """``2026-01-31T12:00:00Z``"""
    return f"{moment.isoformat()[:19]}Z"


def fine_stamp(moment: datetime.datetime | None) -> str | None:
    """``2026-01-31T12:00:00.000000``, in UTC without saying so: what Nova uses in some places."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="microseconds")
