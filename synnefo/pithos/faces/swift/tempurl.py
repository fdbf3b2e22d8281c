"""Links and forms that are signed by a key of an account or container instead of carrying a token.

Who knows the key lets others do one thing to one path (or below a prefix) until a time. The request is the
account's own then; with a container's key it reaches that container alone.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import http_date

from synnefo.common.faults import BadRequest, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.pithos.faces.swift import kit
from synnefo.pithos.namespace import accounts, names
from synnefo.pithos.namespace.models import Account, Container

METHODS = ("DELETE", "GET", "HEAD", "POST", "PUT")
DIGESTS = {40: "sha1", 64: "sha256", 128: "sha512"}
_KEPT = ("temp_url_sig", "temp_url_expires", "temp_url_prefix", "filename", "inline")
_PARAMETERS = ("temp_url_sig", "temp_url_expires")
#: Who may put one object must not make it stand for others.
_FORBIDDEN = ("HTTP_X_OBJECT_MANIFEST", "HTTP_X_SYMLINK_TARGET", "HTTP_X_COPY_FROM")


class Invalid(Unauthorized):
    """A signature that is none, or none any more."""

    def __init__(self, message: str = "Temp URL invalid") -> None:
        super().__init__(message)


def admit(request: HttpRequest, account: str, container: str, name: str) -> None:
    """Let a request be the account's own if it is signed. Raises Unauthorized, BadRequest."""
    if request.method == "OPTIONS" or not any(key in request.GET for key in _PARAMETERS):
        return
    signature, ends = _signature(request), _ends(request)
    if not name.strip("/") or request.method not in METHODS:
        raise Invalid
    prefix, allowed = request.GET.get("temp_url_prefix"), request.GET.get("temp_url_ip_range", "")
    if prefix is not None and not name.startswith(prefix):
        raise Invalid
    if allowed and not _comes_from(request, allowed):
        raise Invalid
    methods = ("HEAD", "GET", "POST", "PUT") if request.method == "HEAD" else (request.method,)
    mark, rest = ("", name) if prefix is None else ("prefix:", prefix)
    signed_places = places(request, f"{kit.PREFIX}{account}/{container}/{rest}")
    ip = f"ip={allowed}\n" if allowed else ""
    signed = [f"{ip}{method}\n{ends}\n{mark}{place}" for method in methods for place in signed_places]
    only = _container_of_key(account, container, signed, signature)
    if request.method in ("PUT", "POST") and any(name in request.META for name in _FORBIDDEN):
        raise BadRequest("What is put by a signed link cannot stand for other objects.")
    kept = request.GET.copy()
    for key in request.GET:
        if key not in _KEPT:
            del kept[key]
    request.GET = kept  # type: ignore[assignment] # what is not signed does nothing
    act(request, account, only)


def act(request: HttpRequest, account: str, only: str) -> None:
    """From now on the request is the account's own. Raises Unauthorized."""
    request_id = getattr(request, "id", "")
    caller = accounts.on_behalf(account, request_id=request_id, address=client_address(request))
    kit.act_as(request, caller, only)


def dress(request: HttpRequest, response: HttpResponseBase, name: str) -> None:
    """Say of what a signed link gives under which name browsers save it, and how long they may keep it."""
    if not kit.is_signed(request) or request.method not in ("GET", "HEAD") or response.status_code >= 300:
        return
    filename = kit.parameter(request, "filename")
    if "inline" in request.GET:
        response["Content-Disposition"] = _disposition("inline", filename) if filename else "inline"
    elif filename or "Content-Disposition" not in response:
        shown = filename or name.rstrip("/").rpartition("/")[2]
        response["Content-Disposition"] = _disposition("attachment", shown)
    response["Expires"] = http_date(_ends(request))


def check(account: str, container: str, signed: Sequence[str], signature: str) -> str:
    """The container alone that a form's signature is good for (by its key), else nothing.

    ``signed`` is what may have been signed. Raises Unauthorized if no key has made it.
    """
    return _container_of_key(account, container, signed, _decoded(signature))


def _container_of_key(
    account: str, container: str, signed: Sequence[str], signature: tuple[str, bytes]
) -> str:
    digest, wanted = signature
    for only, key in _keys(account, container):
        for text in signed:
            if hmac.compare_digest(hmac.digest(key.encode(), text.encode(), digest), wanted):
                return only
    raise Invalid


def _keys(account: str, container: str) -> Iterator[tuple[str, str]]:
    """Keys, each with the container that it is limited to."""
    for attributes in Account.objects.filter(name=account).values_list("attributes", flat=True):
        yield from (("", key) for key in _of(attributes))
    rows = Container.objects.filter(account__name=account, name=container)
    for attributes in rows.values_list("attributes", flat=True):
        yield from ((container, key) for key in _of(attributes))


def _of(attributes: Mapping[str, str]) -> list[str]:
    return [attributes[name] for name in names.SECRET if attributes.get(name)]


def _signature(request: HttpRequest) -> tuple[str, bytes]:
    return _decoded(request.GET.get("temp_url_sig", ""))


def _decoded(text: str) -> tuple[str, bytes]:
    """The digest's name, and the digest: in hex, or ``<name>:<base64>``. Raises Invalid."""
    name, colon, rest = text.partition(":")
    try:
        if not colon:
            return DIGESTS[len(text)], bytes.fromhex(text)
        found = base64.b64decode(rest.replace("-", "+").replace("_", "/") + "==="[: -len(rest) % 4])
    except (KeyError, ValueError, binascii.Error):
        raise Invalid from None
    if name not in DIGESTS.values():
        raise Invalid
    return name, found


def _ends(request: HttpRequest) -> int:
    """When it ends, in seconds since the epoch. Raises Invalid if that is over."""
    ends = moment(request.GET.get("temp_url_expires", ""))
    if ends < timezone.now().timestamp():
        raise Invalid
    return ends


def moment(text: str) -> int:
    """Seconds since the epoch, or a date as ISO 8601 writes it. Raises Invalid."""
    if text.isascii() and text.isdigit() and len(text) < 13:
        return int(text)
    for shape in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            found = datetime.datetime.strptime(text, shape)
        except ValueError:
            continue
        return int(found.replace(tzinfo=datetime.UTC).timestamp())
    raise Invalid


def _comes_from(request: HttpRequest, text: str) -> bool:
    try:
        return ipaddress.ip_address(client_address(request)) in ipaddress.ip_network(text)
    except ValueError:
        return False


def places(request: HttpRequest, place: str) -> list[str]:
    """The path as clients may have signed it: as Swift itself has it, or as it is here."""
    before, _, _ = request.path.partition("/v1/")
    return [f"/v1/{place}", f"{before}/v1/{place}"]


def _disposition(kind: str, filename: str) -> str:
    plain = quote(filename, safe=" /")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename)}"
