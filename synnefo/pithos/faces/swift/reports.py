"""Answers that tell of many objects at once, as text, JSON or XML: what was made or deleted, and what not.

The status of the answer is always 200 (or 202 where it is sent bit by bit); what became of it stands in it.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from synnefo.common.faults import Fault
from synnefo.common.http.facade import as_fault
from synnefo.pithos.faces.swift import slo

_OFFERED = ("text/plain", "application/json", "application/xml", "text/xml")
#: What Swift says of a status.
_REASONS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    422: "Unable to process the contained instructions",
}
#: So often a space tells a waiting client that work goes on.
BEAT_S = 10.0


@dataclasses.dataclass
class Report:
    """``numbers`` are told in this order; ``errors`` are names (percent-encoded) with their status."""

    numbers: dict[str, int] = dataclasses.field(default_factory=dict)
    errors: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    status: str = "200 OK"
    body: str = ""
    more: dict[str, str] = dataclasses.field(default_factory=dict)

    def rendered(self, kind: str, root: str) -> bytes:
        if kind == "application/json":
            told = {**dict(self._told()), "Errors": [list(error) for error in self.errors]}
            return json.dumps(told).encode()
        if kind.endswith("xml"):
            return self._xml(root).encode()
        lines = [f"{name}: {value}\n" for name, value in self._told()]
        errors = [f"{name}, {status}\n" for name, status in self.errors]
        return "".join([*lines, "Errors:\n", *errors]).encode()

    def _told(self) -> list[tuple[str, object]]:
        told = ("Response Body", self.body), ("Response Status", self.status)
        return [*self.numbers.items(), *self.more.items(), *told]

    def _xml(self, root: str) -> str:
        told = "".join(
            f"<{tag}>{escape(str(value))}</{tag}>"
            for name, value in self._told()
            for tag in (name.lower().replace(" ", "_"),)
        )
        errors = "".join(
            f"<object><name>{escape(name)}</name><status>{escape(status)}</status></object>"
            for name, status in self.errors
        )
        return f"<{root}>{told}<errors>{errors}</errors></{root}>"


def kind_of(request: HttpRequest) -> str:
    return request.get_preferred_type(list(_OFFERED)) or "text/plain"


def status_of(fault: Fault) -> str:
    return f"{fault.status} {fault.title}"


def streamed(
    request: HttpRequest,
    root: str,
    work: Callable[[Report], Iterator[None]],
    *,
    status: int = 200,
    beats: bool = False,
) -> StreamingHttpResponse:
    """What some work (which yields after each step) fills a report with; spaces tell that it goes on.

    A fault ends the work and becomes the report's status.
    """
    kind, report = kind_of(request), Report()

    def pieces() -> Iterator[bytes]:
        beaten, begun = time.monotonic(), beats
        if beats:
            yield b" "
        try:
            for _ in work(report):
                if time.monotonic() - beaten > BEAT_S:
                    beaten, begun = time.monotonic(), True
                    yield b" "
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            fault = as_fault(error)
            report.status, report.body = status_of(fault), fault.message
        yield (b"\r\n\r\n" if begun else b"") + report.rendered(kind, root)

    return StreamingHttpResponse(pieces(), status=status, content_type=kind)


def beating(request: HttpRequest, work: Callable[[], HttpResponse]) -> StreamingHttpResponse:
    """202 at once, and what became of the work when it is done."""

    def whole(report: Report) -> Iterator[None]:
        try:
            response = work()
            report.status = f"{response.status_code} {response.reason_phrase}"
            report.more = {"Etag": response["ETag"], "Last Modified": response["Last-Modified"]}
        except slo.Refused as refused:
            report.errors = list(refused.problems)
            _fail(report, refused)
        except Fault as fault:
            _fail(report, fault)
        yield

    return streamed(request, "upload", whole, status=202, beats=True)


def _fail(report: Report, fault: Fault) -> None:
    report.status, report.body = (
        status_of(fault),
        f"{fault.title}\n{_REASONS.get(fault.status, fault.message)}",
    )


def refused(request: HttpRequest, why: slo.Refused) -> HttpResponse:
    """400 for a manifest, with what is wrong with its segments."""
    kind = kind_of(request)
    report = Report(errors=list(why.problems))
    if kind == "application/json":
        text = json.dumps({"Errors": [list(error) for error in report.errors]}).encode()
    elif kind.endswith("xml"):
        text = report.rendered(kind, "upload")
    else:
        text = why.message.encode()
    return HttpResponse(text, status=400, content_type=kind)
