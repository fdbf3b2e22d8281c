"""``X-Object-Sharing: read=u1,u2; write=u3,owner:group`` and what else is told of sharing, in and out."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.pithos.faces.pithos import headers
from synnefo.pithos.namespace import sharing
from synnefo.pithos.namespace.access import SIGNED_IN, Right
from synnefo.pithos.namespace.changes import Also
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.sharing import Shares

HEADER = "X-Object-Sharing"
#: How rights are called that others' objects give.
RIGHTS = {Right.READ: "read", Right.WRITE: "write"}


def wish(request: HttpRequest, caller: Caller, path: Path) -> Also | None:
    """To share the object as the request says; None if it says nothing. Raises BadRequest, Forbidden."""
    text = headers.header(request, HEADER)
    return None if text is None else sharing.wish(caller, path, parsed(text))


def describe(response: HttpResponseBase, caller: Caller, path: Path, version: Version) -> None:
    """How what is there now is shared."""
    shown = sharing.shown(caller, path, version)
    if shown is None:
        return
    response[HEADER] = headers.encoded(text_of(shown.shares))
    if shown.folder:
        response["X-Object-Shared-By"] = headers.encoded(shown.folder)
    if shown.allowed is not None:
        response["X-Object-Allowed-To"] = RIGHTS[shown.allowed]


def parsed(text: str) -> Shares:
    """Who is named in both lists may write. Nothing at all ends the sharing. Raises BadRequest."""
    bare = text.replace("~", "").replace(" ", "").lower()
    if len(bare) > headers.MAX_VALUE:
        raise BadRequest(f"Header {HEADER} is too large.")
    found: dict[str, bool] = {}
    for part in bare.split(";") if bare else []:
        kind, equals, names = part.partition("=")
        users = set(names.split(",")) - {""}
        if kind not in ("read", "write") or not equals:
            raise BadRequest(f"Bad {HEADER} header value: missing prefix")
        if not users:
            raise BadRequest(f"Bad {HEADER} header value: invalid length")
        for user in {SIGNED_IN} if SIGNED_IN in users else users:
            found[user] = found.get(user, False) or kind == "write"
    return found


def text_of(shares: Shares) -> str:
    parts = []
    for kind, write in (("read", False), ("write", True)):
        if users := [who for who, may_write in shares.items() if may_write is write]:
            parts.append(f"{kind}={','.join(users)}")
    return "; ".join(parts)
