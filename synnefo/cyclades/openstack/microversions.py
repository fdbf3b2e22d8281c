"""Compute's microversions 2.1 to 2.37: which one a request speaks, and what tells so in answers.

A client names one in a header, or ``latest``; who names none is spoken to in 2.1. Only the number after the
dot is passed about here. What a later one changes is asked where it matters: ``spoken(request) >= 19``.
"""

from __future__ import annotations

import re

from django.http import HttpRequest

from synnefo.common.faults import BadRequest, ItemNotFound, NotAcceptable

LEAST, MOST = 1, 37
HEADER, OLD_HEADER = "OpenStack-API-Version", "X-OpenStack-Nova-API-Version"
_SERVICE = "compute"
_FORM = re.compile(r"([1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


def negotiate(request: HttpRequest) -> None:
    """Settle which one the request speaks. Raises BadRequest (no version), NotAcceptable (not spoken)."""
    minor = _wanted(request)
    request.microversion = minor  # type: ignore[attr-defined]
    request.answer_headers |= {  # type: ignore[attr-defined]
        HEADER: f"{_SERVICE} 2.{minor}",
        OLD_HEADER: f"2.{minor}",
    }
    request.answers_vary_by = (HEADER, OLD_HEADER)  # type: ignore[attr-defined]


def spoken(request: HttpRequest) -> int:
    """The number after the dot."""
    found: int = request.microversion  # type: ignore[attr-defined]
    return found


def only_since(request: HttpRequest, minor: int, **given: object) -> None:
    """Refuse what a body says that only later ones know. Raises BadRequest."""
    for name, value in given.items():
        if value is not None and spoken(request) < minor:
            raise BadRequest(f"Additional properties are not allowed: {name} is of 2.{minor}.")


def need(request: HttpRequest, *, first: int = LEAST, last: int = MOST) -> None:
    """A route that some of them do not have is not there for these. Raises ItemNotFound."""
    if not first <= spoken(request) <= last:
        raise ItemNotFound("The resource could not be found.")


def _wanted(request: HttpRequest) -> int:
    text = _named(request)
    if text == "latest":
        return MOST
    form = _FORM.fullmatch(text or f"2.{LEAST}")
    if form is None:
        raise BadRequest(
            f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
        )
    major, minor = map(int, form.groups())
    if major != 2 or not LEAST <= minor <= MOST:
        raise NotAcceptable(
            f"Version {text} is not supported by the API. Minimum is 2.{LEAST} and maximum is 2.{MOST}."
        )
    return minor


def _named(request: HttpRequest) -> str:
    """What the newer header says of this service, otherwise what the older one says."""
    newer: str = request.META.get("HTTP_OPENSTACK_API_VERSION", "")
    for part in newer.split(","):
        service, _, version = part.strip().partition(" ")
        if service.lower() in (_SERVICE, "nova"):
            return version.strip()
    older: str = request.META.get("HTTP_X_OPENSTACK_NOVA_API_VERSION", "")
    return older.strip()
