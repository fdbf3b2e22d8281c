"""Public links, ``public/<link>``: for whoever knows the address. Who does not learns nothing more than 404.

A link with a password wants it by HTTP Basic (any name), or asks browsers for it on a page; a browser that
knew it gets a cookie for this link alone. What comes is never shown as a page of this cloud.
"""

from __future__ import annotations

import base64
import binascii
import contextlib

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from synnefo.common import attempts
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope, anonymous_caller
from synnefo.common.faults import (
    Conflict,
    Fault,
    ItemNotFound,
    RangeNotSatisfiable,
    TooManyRequests,
    Unauthorized,
)
from synnefo.common.http.context import client_address
from synnefo.pithos.faces import conditions, wholes
from synnefo.pithos.faces.pithos import content, kit
from synnefo.pithos.faces.pithos.content import Shown
from synnefo.pithos.faces.pithos.strangers import on_unsafe_domain
from synnefo.pithos.namespace import publishing
from synnefo.pithos.namespace.manifests import MANIFEST
from synnefo.pithos.namespace.models import PublicLink, Version

_ACTION = "public-link"
_COOKIE = "pithos_public"
_LIFETIME_S = 3600
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"


@on_unsafe_domain
def public(request: HttpRequest, link: str) -> HttpResponseBase:
    """What is published there; a form that is posted brings the password."""
    if request.method == "POST":
        return _unlock(request, link)
    return _read(request, link=link)


def _head(request: HttpRequest, link: str) -> HttpResponseBase:
    found = _open(request, link)
    if isinstance(found, HttpResponse):
        return found
    response = HttpResponse(content_type=found.content_type)
    content.describe(response, found)
    response["Content-Length"] = str(found.content.size_bytes)
    return response


def _get(request: HttpRequest, link: str) -> HttpResponseBase:
    found = _open(request, link)
    if isinstance(found, HttpResponse):
        return found
    conditions.check_read(request, found.version, found.etag)
    conditions.check_dates(request, found.version.modified)
    try:
        response = content.sent(request, found)
    except RangeNotSatisfiable:
        raise
    except Fault as fault:
        raise ItemNotFound from fault
    content.describe(response, found)
    return response


_read = kit.route(GET=_get, HEAD=_head)


def _open(request: HttpRequest, link: str) -> Shown | HttpResponse:
    """What is published, or the question for the password. Raises ItemNotFound, TooManyRequests."""
    found = publishing.find(link)
    if found.password and not _is_unlocked(request, found):
        return _question(request, 401)
    version = publishing.published(found)
    path = found.object
    try:
        return content.shown(_reader(version), path.container.account.name, path.name, version)
    except Conflict as fault:
        raise ItemNotFound("Object does not exist") from fault


def _reader(version: Version) -> Caller:
    """A manifest stands for what its last writer may read: nobody publishes more than that."""
    if MANIFEST in version.own_attributes or wholes.kind_of(version) is not None:
        with contextlib.suppress(Fault):
            return accounts().identity_of_user(version.modified_by).caller(Scope.OWNER)
    return anonymous_caller()


def _is_unlocked(request: HttpRequest, link: PublicLink) -> bool:
    """Raises TooManyRequests."""
    with contextlib.suppress(signing.BadSignature):
        cookie = request.COOKIES.get(_COOKIE, "")
        if signing.loads(cookie, salt=_COOKIE, max_age=_LIFETIME_S) == _key_of(link):
            return True
    password = _basic(request)
    return password is not None and _fits(request, link, password)


def _fits(request: HttpRequest, link: PublicLink, password: str) -> bool:
    address = client_address(request)
    attempts.check(_ACTION, link.url, address)
    if publishing.password_fits(link, password):
        return True
    attempts.note_failure(_ACTION, link.url, address)
    return False


def _unlock(request: HttpRequest, link: str) -> HttpResponseBase:
    """The password by the form: back to the link with a cookie, or the question again."""
    try:
        found = publishing.find(link)
        if not found.password:
            return _read(request, link=link)  # 405
        if not _fits(request, found, request.POST.get("password", "")):
            return _question(request, 401, wrong=True)
    except TooManyRequests as fault:
        return _question(request, fault.status, message=fault.message)
    except Fault as fault:
        return kit.render_fault(request, fault)
    response = HttpResponseRedirect(request.get_full_path(), status=303)
    response.set_cookie(
        _COOKIE, signing.dumps(_key_of(found), salt=_COOKIE), max_age=_LIFETIME_S, path=request.path,
        httponly=True, samesite="Lax", secure=request.is_secure(),
    )  # fmt: skip
    return response


def _key_of(link: PublicLink) -> str:
    """What the cookie holds; with another password it is another."""
    return f"{link.pk}:{salted_hmac(_COOKIE, link.password).hexdigest()}"


def _question(request: HttpRequest, status: int, *, wrong: bool = False, message: str = "") -> HttpResponse:
    """The page with the form, for browsers; for programs what HTTP Basic says."""
    told = message or ("That is not the password." if wrong else "")
    if "text/html" in request.META.get("HTTP_ACCEPT", ""):
        response = render(request, "pithos/public_password.html", {"told": told}, status=status)
        response["Content-Security-Policy"] = _PAGE_POLICY
    else:
        response = HttpResponse(
            f"{told or 'This link has a password.'}\n", status=status, content_type="text/plain"
        )
        if status == Unauthorized.status:
            response["WWW-Authenticate"] = 'Basic realm="public link", charset="UTF-8"'
    response["Cache-Control"] = "no-store"
    return response


def _basic(request: HttpRequest) -> str | None:
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
