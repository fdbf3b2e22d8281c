"""The one exception family of Synnefo.

Rules raise these; ``common.http.rendering`` turns them into the shape of the facade that was called.
A fault's ``message`` is meant for the caller; what only an operator may see belongs into the log.
"""

from __future__ import annotations

from typing import Any


class Fault(Exception):
    """An error with a kind that clients know. ``data`` is for machines (quota refusals carry it)."""

    status = 500
    name = "internalServerError"
    title = "Internal Server Error"

    def __init__(self, message: str = "", *, details: str = "", data: dict[str, Any] | None = None) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.details = details
        self.data = data


class BadRequest(Fault):
    status, name, title = 400, "badRequest", "Bad Request"


class Unauthorized(Fault):
    status, name, title = 401, "unauthorized", "Unauthorized"


class Forbidden(Fault):
    """The caller sees the object but may not do this to it."""

    status, name, title = 403, "forbidden", "Forbidden"


class ItemNotFound(Fault):
    """Absent, or not visible to the caller: he cannot tell which."""

    status, name, title = 404, "itemNotFound", "Not Found"


class FeatureNotEnabled(ItemNotFound):
    name = "featureNotEnabled"


class NotAllowed(Fault):
    status, name, title = 405, "notAllowed", "Method Not Allowed"


class NotAcceptable(Fault):
    status, name, title = 406, "notAcceptable", "Not Acceptable"


class Conflict(Fault):
    status, name, title = 409, "conflict", "Conflict"


class BuildInProgress(Conflict):
    name = "buildInProgress"


class WrongState(Conflict):
    """What the object is, or is doing, does not allow it."""


class LengthRequired(Fault):
    status, name, title = 411, "lengthRequired", "Length Required"


class PreconditionFailed(Fault):
    status, name, title = 412, "preconditionFailed", "Precondition Failed"


class OverLimit(Fault):
    """Quota does not allow it; ``data`` carries the quotaholder's refusal where it was one."""

    status, name, title = 413, "overLimit", "Request Entity Too Large"


class RequestTooLarge(Fault):
    status, name, title = 413, "requestEntityTooLarge", "Request Entity Too Large"


class UnsupportedMediaType(Fault):
    status, name, title = 415, "badMediaType", "Unsupported Media Type"


class RangeNotSatisfiable(Fault):
    status, name, title = 416, "rangeNotSatisfiable", "Range Not Satisfiable"


class UnprocessableEntity(Fault):
    status, name, title = 422, "unprocessableEntity", "Unprocessable Entity"


class Locked(Fault):
    """Somebody has locked it, and the request does not show the lock's token."""

    status, name, title = 423, "locked", "Locked"


class TooManyRequests(Fault):
    status, name, title = 429, "tooManyRequests", "Too Many Requests"


class NotImplementedFault(Fault):
    status, name, title = 501, "notImplemented", "Not Implemented"


class BadGateway(Fault):
    """Another server, which the request leads to, is not reached or is none of ours."""

    status, name, title = 502, "badGateway", "Bad Gateway"


class ServiceUnavailable(Fault):
    status, name, title = 503, "serviceUnavailable", "Service Unavailable"


class InsufficientStorage(Fault):
    status, name, title = 507, "insufficientStorage", "Insufficient Storage"


def fault_family() -> dict[str, type[Fault]]:
    """Every fault by class name, for the documentation and its test."""
    found: dict[str, type[Fault]] = {}
    queue: list[type[Fault]] = [Fault]
    while queue:
        kind = queue.pop()
        found[kind.__name__] = kind
        queue.extend(kind.__subclasses__())
    return found
