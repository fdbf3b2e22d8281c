"""When objects are to end: ``X-Delete-At`` and ``X-Delete-After``."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping

from django.http import HttpRequest
from django.utils import timezone

from synnefo.common.faults import BadRequest, PreconditionFailed
from synnefo.pithos.faces.swift.kit import Headers
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check

#: What Swift takes for the end of time: in the year 2286.
_LAST = 9_999_999_999


def asked(request: HttpRequest) -> datetime.datetime | None:
    """When the object that a request writes is to end. Raises BadRequest."""
    return _end(request.META.get("HTTP_X_DELETE_AFTER", ""), request.META.get("HTTP_X_DELETE_AT", ""))


def of_form(fields: Mapping[str, str]) -> datetime.datetime | None:
    """The same for the fields of a form."""
    return _end(fields.get("x_delete_after", ""), fields.get("x_delete_at", ""))


def _end(after: str, at: str) -> datetime.datetime | None:
    now = timezone.now().timestamp()
    if after:
        seconds = _whole(after, "X-Delete-After")
        if seconds < 0:
            raise BadRequest("X-Delete-After in past")
        return _moment(math.floor(now) + seconds)
    if at:
        seconds = _whole(at, "X-Delete-At")
        if seconds < now:
            raise BadRequest("X-Delete-At in past")
        return _moment(seconds)
    return None


def check_end(request: HttpRequest, check: Check) -> Check:
    """With ``X-If-Delete-At`` only what ends at that second may be deleted. Raises BadRequest."""
    text = request.META.get("HTTP_X_IF_DELETE_AT", "")
    if not text:
        return check
    seconds = _whole(text, "X-If-Delete-At")

    def holds(version: Version | None) -> None:
        check(version)
        if version is not None and (version.expires is None or version.expires.timestamp() != seconds):
            raise PreconditionFailed("X-If-Delete-At and X-Delete-At do not match")

    return holds


def put(response: Headers, version: Version) -> None:
    if version.expires is not None:
        response["X-Delete-At"] = str(math.floor(version.expires.timestamp()))


def _whole(text: str, name: str) -> int:
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if not (digits.isascii() and digits.isdigit()):
        raise BadRequest(f"Non-integer {name}")
    return int(sign + digits[:18])


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(min(seconds, _LAST), datetime.UTC)
