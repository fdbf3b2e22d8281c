"""Plain views with the manners of Synnefo 0.21, whose order of checks and odd shapes old clients rely on.

``route`` makes a Django view of one function a method; what it raises is answered as a fault in JSON, or
in XML where the client asked for that. Whose request it is, is the services' business.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar
from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from pydantic import BaseModel, ValidationError

from synnefo.common.faults import BadRequest, Fault, NotAllowed, Unauthorized
from synnefo.common.http.facade import as_fault
from synnefo.common.http.rendering import synnefo

#: What Astakos says of a token that it does not know.
UNKNOWN = "Invalid X-Auth-Token"
XMLNS = "http://docs.openstack.org/identity/api/v2.0"

View = Callable[..., HttpResponseBase]
M = TypeVar("M", bound=BaseModel)


def route(**views: View) -> View:
    """A Django view: ``route(GET=show, POST=change)``."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            chosen = views.get(request.method or "")
            if chosen is None:
                raise NotAllowed("Method not allowed")
            response = chosen(request, **arguments)
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            response = _fault(request, as_fault(error))
        if response.status_code == NotAllowed.status:
            response["Allow"] = ", ".join(sorted(views))
        return _of_this_moment(response)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def unknown(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Paths that are none are bad requests here, not missing things."""
    return _of_this_moment(_fault(request, BadRequest("API endpoint not found")))


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def _of_this_moment(response: HttpResponseBase) -> HttpResponseBase:
    """Made for one client, and not to be kept."""
    response["Last-Modified"] = http_date()
    response["Vary"] = "X-Auth-Token"
    response["Cache-Control"] = "no-cache, no-store, must-revalidate, max-age=0"
    return response


def answer(body: object, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=status, content_type="application/json; charset=UTF-8")


def empty(status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, content_type="application/json; charset=UTF-8")


def answer_xml(root: ElementTree.Element, status: int = 200) -> HttpResponse:
    root.set("xmlns", XMLNS)
    root.set("xmlns:SNF", "urn:synnefo")
    text = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return HttpResponse(text, status=status, content_type="application/xml; charset=UTF-8")


def wants_xml(request: HttpRequest) -> bool:
    """By ``?format=``, else by the path's suffix, else by ``Accept``."""
    if "format" in request.GET:
        return request.GET["format"] == "xml"
    suffix = request.path.rpartition(".")[2]
    if suffix in ("json", "xml"):
        return suffix == "xml"
    first = request.headers.get("Accept", "").split(",")[0].partition(";")[0].strip()
    return first in ("application/xml", "text/xml")


def json_object(request: HttpRequest, *, any_type: bool = False) -> dict[str, Any]:
    """The JSON object in the body. Raises BadRequest."""
    content_type = request.headers.get("Content-Type", "")
    if not any_type and not content_type:
        raise BadRequest("Missing Content-Type header field")
    if not any_type and not content_type.startswith("application/json"):
        raise BadRequest(f"Unsupported Content-type: '{content_type}'")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("Could not decode request body as JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("Request body should be a JSON object.")
    return body


def relayed(fault: Unauthorized) -> Unauthorized:
    """What is wrong with a token, as 0.21's services passed on what the accounts' service said."""
    message = "Invalid token" if fault.message == UNKNOWN else fault.message
    said = {fault.name: {"message": message, "code": fault.status, "details": ""}}
    found = Unauthorized("UNAUTHORIZED", details=json.dumps(said))
    found.name = "fault"
    return found


def parsed(model: type[M], body: dict[str, Any]) -> M:
    """The body as a model. Raises BadRequest naming the first field that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{place}: {first['msg']}" if place else first["msg"]) from error


def _fault(request: HttpRequest, fault: Fault) -> HttpResponse:
    if not wants_xml(request):
        return answer(synnefo(fault), fault.status)
    root = ElementTree.Element(fault.name, code=str(fault.status))
    ElementTree.SubElement(root, "message").text = fault.message
    ElementTree.SubElement(root, "details").text = fault.details
    return answer_xml(root, fault.status)
