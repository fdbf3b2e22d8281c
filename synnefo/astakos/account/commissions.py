"""Commissions over HTTP, for services with a token. A component sees and settles its own only."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from pydantic import BaseModel, Field, StrictBool, StrictInt, ValidationError

from synnefo.astakos.plain import service_token
from synnefo.astakos.quotas import clients, rules
from synnefo.astakos.quotas.models import Commission
from synnefo.common.accounts import Provision
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.plain import answer, empty, json_object, parsed
from synnefo.common.units import INFINITE

Serial = Annotated[StrictInt, Field(ge=-INFINITE, le=INFINITE)]
Name = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]

_LONGEST_SHOWN = 1000


class ProvisionPart(BaseModel):
    holder: Name
    source: Name | None
    resource: Name
    quantity: Annotated[StrictInt, Field(ge=-INFINITE, le=INFINITE)]


class NewCommission(BaseModel):
    provisions: Annotated[list[Any], Field(max_length=1000)]
    name: Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")] = ""
    force: StrictBool = False
    auto_accept: StrictBool = False


class Decisions(BaseModel):
    accept: Annotated[list[Serial], Field(max_length=10_000)] = []
    reject: Annotated[list[Serial], Field(max_length=10_000)] = []


def create(request: HttpRequest) -> HttpResponse:
    """POST commissions. Raises OverLimit, ItemNotFound with the refusing provision in ``data``."""
    client = _client(request)
    given = parsed(NewCommission, json_object(request))
    provisions = [_provision(part) for part in given.provisions]
    try:
        serial = rules.issue(
            provisions, client=client, name=given.name, force=given.force, auto_accept=given.auto_accept
        )
    except ItemNotFound as fault:
        raise ItemNotFound(_no_holding(fault), data=fault.data) from fault
    return answer({"serial": serial}, 201)


def pending(request: HttpRequest) -> HttpResponse:
    """GET commissions: serials that wait; ``issued_before`` leaves younger ones out."""
    client = _client(request)
    text = request.GET.get("issued_before")
    return answer(rules.pending(client, issued_before=_moment(text) if text is not None else None))


def show(request: HttpRequest, serial: int) -> HttpResponse:
    """GET commissions/<serial>"""
    client = _client(request)
    row = Commission.objects.filter(client=client, serial=_serial(serial)).first()
    if row is None:
        return empty(404)
    provisions = row.provisions.order_by("pk").values("holder", "source", "resource", "quantity")
    return answer(
        {
            "serial": row.serial,
            "name": row.name,
            "issue_time": row.issued.isoformat(),
            "provisions": [{**part, "source": part["source"] or None} for part in provisions],
        }
    )


def decide(request: HttpRequest, serial: int) -> HttpResponse:
    """POST commissions/<serial>/action: ``{"accept": ""}`` or ``{"reject": ""}``."""
    client = _client(request)
    wanted = {"accept", "reject"} & set(json_object(request))
    if len(wanted) != 1:
        raise BadRequest("Specify either 'accept' or 'reject' action.")
    number = [_serial(serial)]
    accept, reject = (number, []) if wanted == {"accept"} else ([], number)
    return empty(404 if rules.resolve(accept, reject, client=client).missing else 200)


def decide_many(request: HttpRequest) -> HttpResponse:
    """POST commissions/action: each serial is settled or named with the reason why not."""
    client = _client(request)
    given = parsed(Decisions, json_object(request))
    accept, reject = set(given.accept), set(given.reject)
    both = accept & reject
    done = rules.resolve(sorted(accept - both), sorted(reject - both), client=client)
    failed = [
        [serial, _failure("badRequest", 400, f"cannot both accept and reject serial {serial}")]
        for serial in sorted(both)
    ]
    failed += [
        [serial, _failure("itemNotFound", 404, f"serial {serial} does not exist")]
        for serial in sorted(done.missing)
    ]
    return answer({"accepted": done.accepted, "rejected": done.rejected, "failed": failed})


def _provision(part: Any) -> Provision:
    try:
        found = ProvisionPart.model_validate(part)
    except ValidationError as error:
        raise BadRequest(f"Malformed provision {_as_ever(part)[:_LONGEST_SHOWN]}") from error
    return Provision(found.holder, found.source, found.resource, found.quantity)


def _no_holding(fault: ItemNotFound) -> str:
    missing = (fault.data or {})["provision"]
    key = ", ".join(_as_ever(missing[name]) for name in ("holder", "source", "resource"))
    return f"There is no such holding ({key})"


def _as_ever(value: Any) -> str:
    """A value as Python 2 wrote it, for those who look into messages."""
    if isinstance(value, str):
        return f"u{value!a}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_ever, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_as_ever(key)}: {_as_ever(item)}' for key, item in value.items())}}}"
    return repr(value)


def _client(request: HttpRequest) -> str:
    return clients.of_component(service_token(request))


def _failure(name: str, code: int, message: str) -> dict[str, Any]:
    return {name: {"code": code, "message": message}}


def _serial(number: int) -> int:
    """One that is too large to be a serial is one that nobody has."""
    return number if number <= INFINITE else 0


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest("issued_before: not a moment in ISO form with its offset")
    return moment
