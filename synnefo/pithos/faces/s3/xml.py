"""XML of S3's answers and requests. Nothing that comes in may have a document type, entities or depth."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from synnefo.pithos.faces.s3.errors import S3Error

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]")
_MOST_DEEP = 16


def document(root: str, content: Mapping[str, Any] | str) -> bytes:
    """``{"Name": "b", "Contents": [{"Key": "k"}]}``: lists are repeated elements, None is left out.

    A name may bring attributes with it: ``'Grantee xsi:type="Group"'``. Under the name "" stand pairs of a
    name and its content, where the order of elements counts.
    """
    return (HEAD + _element(f'{root} xmlns="{_NAMESPACE}"', content)).encode()


def error(content: Mapping[str, str]) -> bytes:
    """What no XML may contain is shown as a question mark: every client can read an error."""
    readable = {name: _CONTROLS.sub("?", text) for name, text in content.items()}
    return (HEAD + _element("Error", readable)).encode()


def moment(when: datetime.datetime) -> str:
    utc = when.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse(body: bytes, root: str) -> Element:
    """The root element, names without namespaces. Raises S3Error (MalformedXML)."""
    try:
        found: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as fault:
        raise S3Error("MalformedXML") from fault
    _bare(found, 0)
    if found.tag != root:
        raise S3Error("MalformedXML")
    return found


def text(element: Element, name: str) -> str:
    """What a child says; empty without one."""
    return (element.findtext(name) or "").strip()


def _bare(element: Element, depth: int) -> None:
    if depth > _MOST_DEEP:
        raise S3Error("MalformedXML")
    element.tag = str(element.tag).rpartition("}")[2]
    for child in element:
        _bare(child, depth + 1)


def _element(name: str, content: Any) -> str:
    return f"<{name}>{_inner(content)}</{name.partition(' ')[0]}>"


def _inner(content: Any) -> str:
    if isinstance(content, str):  # as most are
        return _plain(content)
    if isinstance(content, Mapping):
        return "".join(_child(name, value) for name, value in content.items())
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, datetime.datetime):
        return moment(content)
    return _plain(str(content))


def _plain(content: str) -> str:
    plain = escape(content, {'"': "&quot;"})
    return _CONTROLS.sub(lambda found: f"&#x{ord(found[0]):x};", plain)


def _child(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not name:
        return "".join(_child(*one) for one in value)
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    return _element(name, value)
