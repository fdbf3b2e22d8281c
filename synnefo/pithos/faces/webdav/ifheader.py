"""The ``If`` header: lists of lock tokens and ETags, of which one list must hold (RFC 4918, 10.4)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from synnefo.common.faults import BadRequest, PreconditionFailed
from synnefo.pithos.faces.webdav.models import DavLock

_LONGEST = 8192
_PART = re.compile(
    r"\s*(?:<(?P<uri>[^>]*)>|\[(?P<etag>[^\]]*)\]|(?P<open>\()|(?P<close>\))|(?P<no>Not\b))", re.I
)


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A state that a resource has (or with ``no`` has not): the lock of a token, or an ETag."""

    no: bool
    token: str = ""
    etag: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Terms that hold together; ``uri`` is the resource that they are about, empty for the request's own."""

    uri: str
    terms: tuple[Term, ...]


#: The ETag of what a URI names (empty: the request's own) and the tokens of its locks.
State = Callable[[str], tuple[str, frozenset[str]]]


def parse(header: str) -> list[Group]:
    """Raises BadRequest."""
    groups, uri, place = list[Group](), "", 0
    terms: list[Term] | None = None
    no = False
    text = header.strip()[:_LONGEST]
    while place < len(text):
        match = _PART.match(text, place)
        if match is None:
            raise BadRequest("The If header makes no sense.")
        place = match.end()
        if match["open"] and terms is None:
            terms = []
        elif match["close"] and terms:
            groups.append(Group(uri, tuple(terms)))
            terms = None
        elif match["no"] and terms is not None and not no:
            no = True
            continue
        elif match["uri"] is not None and terms is None:
            uri = match["uri"]
        elif match["uri"] is not None and terms is not None:
            terms.append(Term(no, token=match["uri"]))
        elif match["etag"] is not None and terms is not None:
            terms.append(Term(no, etag=match["etag"].strip()))
        else:
            raise BadRequest("The If header makes no sense.")
        no = False
    if terms is not None or (text and not groups):
        raise BadRequest("The If header makes no sense.")
    return groups


def tokens(groups: list[Group]) -> frozenset[str]:
    """The tokens of our locks that it shows, whatever holds."""
    found = (DavLock.token_of(term.token) for group in groups for term in group.terms)
    return frozenset(found) - {""}


def check(groups: list[Group], state: State) -> None:
    """Raises PreconditionFailed if there are groups and none holds."""
    if groups and not any(_holds(group, state) for group in groups):
        raise PreconditionFailed("The If header does not hold.")


def _holds(group: Group, state: State) -> bool:
    etag, held = state(group.uri)
    for term in group.terms:
        there = DavLock.token_of(term.token) in held if term.token else term.etag.removeprefix("W/") == etag
        if there == term.no:
            return False
    return True
