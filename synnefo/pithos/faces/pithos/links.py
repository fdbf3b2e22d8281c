"""``X-Object-Public``: the address of an object's public link, and the wish to have one or none."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.addresses import objects_url
from synnefo.pithos.faces.pithos import headers
from synnefo.pithos.namespace import access, publishing
from synnefo.pithos.namespace.changes import Also
from synnefo.pithos.namespace.models import PublicLink, Version
from synnefo.pithos.namespace.objects import Path

HEADER = "X-Object-Public"
_WISHES = {"true": True, "false": False, "": False}


def address(request: HttpRequest, link: PublicLink) -> str:
    """Where browsers find what is published."""
    base: str = settings.PITHOS_BASE_PATH.strip("/")
    return "/".join(filter(None, (objects_url(request), base, "public", link.url)))


def wish(request: HttpRequest, caller: Caller, path: Path) -> Also | None:
    """To give the object a link or none; None if nothing is said, or what is the case already.

    Clients send back what they were told, so the link's own address is no news.
    Raises BadRequest, Forbidden, ItemNotFound (the container).
    """
    text = headers.header(request, HEADER)
    if text is None:
        return None
    wanted = _WISHES.get(text.replace("~", "").strip().lower())
    if wanted is None:
        if not _is_own(caller, path, text):
            raise BadRequest(f"{HEADER} is true or false.")
        return None
    return publishing.wish(caller, path) if wanted else publishing.wish_none(caller, path)


def describe(
    request: HttpRequest, response: HttpResponseBase, caller: Caller, path: Path, version: Version
) -> None:
    """The address, for people of the account, of what is there now."""
    link: PublicLink | None = getattr(version.object, "link", None)
    if link is not None and path.account in access.names_of(caller) and not publishing.has_ended(link):
        response[HEADER] = address(request, link)


def _is_own(caller: Caller, path: Path, text: str) -> bool:
    try:
        link = publishing.link_of(caller, path)
    except ItemNotFound:
        return False
    return link is not None and text.rstrip("/").endswith(f"/public/{link.url}")
