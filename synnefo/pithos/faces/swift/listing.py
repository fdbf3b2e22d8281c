"""Lists of containers and objects: which part of them is wanted, and as text, JSON or XML."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.faults import NotAcceptable, PreconditionFailed
from synnefo.pithos.faces.swift import kit

_TYPES = {"plain": "text/plain", "json": "application/json", "xml": "application/xml"}
JSON = _TYPES["json"]
_OFFERED = ("text/plain", "application/json", "application/xml", "text/xml")
_TRUE = ("true", "1", "yes", "on", "t", "y")

Item = Mapping[str, Any]


def kind_of(request: HttpRequest) -> str:
    """The type of the answer: by ``?format=``, else by ``Accept``. Raises NotAcceptable."""
    asked = kit.parameter(request, "format").lower()
    if asked:
        return _TYPES.get(asked, _TYPES["plain"])
    accepted = request.get_preferred_type(list(_OFFERED))
    if accepted is None:
        raise NotAcceptable(f"Lists come as {', '.join(_OFFERED)}.")
    return accepted


def limit_of(request: HttpRequest) -> int:
    """Raises PreconditionFailed if more is asked for than is ever given."""
    most: int = settings.PITHOS_API_LIST_LIMIT
    text = kit.parameter(request, "limit")
    if not (text.isascii() and text.isdigit()):
        return most
    if len(text) > 18 or int(text) > most:
        raise PreconditionFailed(f"Maximum limit is {most}")
    return int(text)


def reversed_of(request: HttpRequest) -> bool:
    return kit.parameter(request, "reverse").lower() in _TRUE


def border(request: HttpRequest, name: str, *, upper: bool = False) -> str:
    """A name that the list ends before or begins behind. Clients put a NUL behind one to mean the next."""
    head, nul, _ = kit.parameter(request, name).partition("\x00")
    return head + "\x01" if nul and upper else head


def answer(kind: str, root: str, name: str, child: str, items: Sequence[Item]) -> HttpResponse:
    """The list; as text its names (or ``subdir``), and nothing at all is 204."""
    full = f"{kind}; charset=utf-8"
    if kind == _TYPES["json"]:
        return HttpResponse(json.dumps(items), content_type=full)
    if kind != _TYPES["plain"]:
        return HttpResponse(_xml(root, name, child, items), content_type=full)
    lines = "".join(f"{item.get('subdir') or item['name']}\n" for item in items)
    return HttpResponse(lines, status=200 if lines else 204, content_type=full)


def moment(when: datetime.datetime) -> str:
    """UTC without saying so, with microseconds."""
    return when.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _xml(root: str, name: str, child: str, items: Sequence[Item]) -> bytes:
    top = ElementTree.Element(root, name=name)
    for item in items:
        if "subdir" in item:
            element = ElementTree.SubElement(top, "subdir", name=item["subdir"])
            ElementTree.SubElement(element, "name").text = item["subdir"]
            continue
        element = ElementTree.SubElement(top, child)
        for key, value in item.items():
            ElementTree.SubElement(element, key).text = str(value)
    text: bytes = ElementTree.tostring(top, encoding="UTF-8", xml_declaration=True)
    return text
