"""Lists of containers and objects: which part of them is wanted, and as text, JSON or XML."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.faults import NotAcceptable, PreconditionFailed
from synnefo.pithos.faces import rows
from synnefo.pithos.faces.swift import kit

_TYPES = {"plain": "text/plain", "json": "application/json", "xml": "application/xml"}
JSON, TEXT = _TYPES["json"], _TYPES["plain"]
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
    """The list; as text its names (or ``subdir``)."""
    if kind == JSON:
        return as_json(json.dumps(item) for item in items)
    if kind == TEXT:
        return as_text(item.get("subdir") or item["name"] for item in items)
    return as_xml(kind, root, name, child, items)


def as_json(items: Iterable[str]) -> HttpResponse:
    """Of items in JSON."""
    return HttpResponse(rows.json_list(items), content_type=_full(JSON))


def as_text(names: Iterable[str]) -> HttpResponse:
    """Nothing at all is 204."""
    lines = "".join(f"{name}\n" for name in names)
    return HttpResponse(lines, status=200 if lines else 204, content_type=_full(TEXT))


def as_xml(kind: str, root: str, name: str, child: str, items: Iterable[Item]) -> HttpResponse:
    """``kind`` is which of the types of XML."""
    top = ElementTree.Element(root, name=name)
    text = rows.xml_list(top, (_subdir(item) or rows.xml_row(child, item) for item in items))
    return HttpResponse(text, content_type=_full(kind))


def moment(when: datetime.datetime) -> str:
    """UTC without saying so, with microseconds."""
    return when.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _full(kind: str) -> str:
    return f"{kind}; charset=utf-8"


def _subdir(item: Item) -> str:
    """What several names begin with, in XML; of all else nothing."""
    if "subdir" not in item:
        return ""
    element = ElementTree.Element("subdir", name=item["subdir"])
    ElementTree.SubElement(element, "name").text = item["subdir"]
    return ElementTree.tostring(element, encoding="unicode")
