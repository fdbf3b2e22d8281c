"""Long lists as JSON and XML, row by row: a dict or an element for each would cost many times its text.

The texts are those that ``json.dumps`` and ``ElementTree.tostring`` make of the same lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii
from xml.etree import ElementTree
from xml.sax.saxutils import escape

#: A text as JSON says it.
quoted = encode_basestring_ascii


def json_list(rows: Iterable[str]) -> bytes:
    """Of rows in JSON."""
    found = list(rows) or [""]
    found[0] = "[" + found[0]  # the whole is long: to make it once costs less than to add to it
    found[-1] += "]"
    return ", ".join(found).encode()


def xml_list(root: ElementTree.Element, rows: Iterable[str]) -> bytes:
    """The document whose root has rows in XML in it."""
    text, inside = ElementTree.tostring(root, encoding="unicode"), "".join(rows)
    if inside:
        text = f"{text.removesuffix(' />')}>{inside}</{root.tag}>"
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{text}".encode()


def xml_row(tag: str, fields: Mapping[str, object]) -> str:
    """An element with one in it for each field; nothing stands for None."""
    inside = "".join(_field(name, value) for name, value in fields.items())
    return f"<{tag}>{inside}</{tag}>"


def _field(name: str, value: object) -> str:
    text = "" if value is None else escape(str(value))
    return f"<{name}>{text}</{name}>" if text else f"<{name} />"
