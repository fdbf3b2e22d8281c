"""XML in and out: bodies of requests, and the texts that answers are put together from.

Answers are written as text, since lists are long: what comes from outside is escaped where it is put in.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from synnefo.common.faults import BadRequest

DAV = "{DAV:}"
HEADER = '<?xml version="1.0" encoding="utf-8"?>\n'
CONTENT_TYPE = 'application/xml; charset="utf-8"'


def parsed(body: bytes, root: str) -> ElementTree.Element:
    """A body whose outermost element is ``D:<root>``. Raises BadRequest."""
    try:
        found: ElementTree.Element = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadRequest("The body is not the XML that it should be.") from error
    if found.tag != DAV + root:
        raise BadRequest(f"The body is no {root} of DAV.")
    return found


def empty(name: str) -> str:
    """A property without a value; names are in Clark's notation."""
    if name.startswith(DAV):
        return f"<D:{name[len(DAV) :]}/>"
    space, local = split(name)
    return f"<{local} xmlns={quoteattr(space)}/>"


def filled(name: str, inner: str) -> str:
    """A property around what is XML already."""
    if name.startswith(DAV):
        local = name[len(DAV) :]
        return f"<D:{local}>{inner}</D:{local}>"
    space, local = split(name)
    return f"<{local} xmlns={quoteattr(space)}>{inner}</{local}>"


def split(name: str) -> tuple[str, str]:
    """Namespace and name."""
    space, brace, local = name.removeprefix("{").rpartition("}")
    return (space, local) if brace else ("", name)


def text(value: str) -> str:
    """Escaped, without the characters that XML cannot say."""
    return escape("".join(character for character in value if character in "\t\n\r" or character >= " "))
