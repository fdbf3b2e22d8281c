"""What all operations share: who asks and for what, bodies, errors as XML, headers of every answer."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from synnefo.common.accounts import Identity, accounts
from synnefo.common.caller import Caller, Scope, anonymous_caller
from synnefo.common.faults import ItemNotFound, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import as_fault
from synnefo.common.http.streams import is_chunked
from synnefo.pithos.faces.s3 import errors, places, signature, xml
from synnefo.pithos.faces.s3.chunked import Payload
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.signature import Claim
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.names import Path

XML = "application/xml"
#: What bodies that are XML may have.
MOST_XML_BYTES = 2 * 1024 * 1024


class Watching(Protocol):
    """What takes checksums of a body on its way, and says at its end whether they are right."""

    def watch(self, pieces: Iterable[bytes]) -> Iterable[bytes]: ...

    def verified(self, trailers: Mapping[str, str]) -> object: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A request that is understood: who asks, and for which bucket and key. ``claim`` is None for nobody.

    ``account`` is whose bucket it is; of who signed, unless the request says another one.
    """

    request: HttpRequest
    caller: Caller
    account: str
    bucket: str
    key: str
    query: Mapping[str, str]
    claim: Claim | None
    signing_key: bytes = b""

    @property
    def method(self) -> str:
        return self.request.method or ""

    @property
    def path(self) -> Path:
        return Path(self.account, self.bucket, self.key)

    @property
    def version(self) -> str:
        """The version that is asked for; empty for what is there now."""
        return self.query.get("versionId", "")

    def header(self, name: str) -> str:
        """``x-amz-acl``, or another; empty without one. Text in UTF-8, which servers hand over by bytes."""
        key = name.upper().replace("-", "_")
        value: str = self.request.META.get(f"HTTP_{key}") or self.request.META.get(key) or ""
        return text_of(value)

    def payload(self) -> Payload:
        """The content that comes with the request; what it promises is checked when all of it was read."""
        return Payload(self.request, self.claim, self.signing_key)

    def body(self, most_bytes: int = MOST_XML_BYTES, watch: Watching | None = None) -> bytes:
        """A short body whole, checked against Content-MD5 and what ``watch`` knows of it. Raises S3Error."""
        if not self.request.META.get("CONTENT_LENGTH") and not is_chunked(self.request):
            return b""
        found, payload = bytearray(), self.payload()
        for piece in watch.watch(payload) if watch else payload:
            found += piece
            if len(found) > most_bytes:
                raise S3Error("MalformedXML")
        if watch:
            watch.verified(payload.trailers)
        check_md5(self, hashlib.md5(found, usedforsecurity=False).hexdigest())
        return bytes(found)


View = Callable[[Asked], HttpResponseBase]
Choose = Callable[[Asked], View]
Finish = Callable[[Asked, HttpResponseBase], None]


def front(choose: Choose, finish: Finish) -> Callable[..., HttpResponseBase]:
    """The Django view of all requests: who asks is found out, a view is chosen and answers.

    ``finish`` sees every answer to a request that was understood.
    """

    def view(request: HttpRequest, path: str = "") -> HttpResponseBase:
        asked = None
        try:
            asked = understood(request)
            response = choose(asked)(asked)
        except Exception as error:  # what is not a fault is logged and hidden from the client
            response = failed(request, refusal(asked, error))
        if asked is not None:
            finish(asked, response)
        return _stamped(request, response)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def understood(request: HttpRequest) -> Asked:
    """Raises S3Error, and faults of those who know the credentials."""
    pairs = signature.parse_query(request.META.get("QUERY_STRING", ""))
    try:
        query = {name.decode(): value.decode() for name, value in reversed(pairs)}
    except UnicodeDecodeError:
        raise S3Error("InvalidURI") from None
    if any("\x00" in text for text in query.values()):
        raise S3Error("InvalidArgument")
    place = places.of(request.META.get("HTTP_HOST", ""), request.path_info)
    # A preflight asks for a request that is signed, but is not signed itself.
    claim = signature.claimed(request.META, query) if request.method != "OPTIONS" else None
    if claim is None:
        caller = anonymous_caller(request_id=_id_of(request), address=client_address(request))
        return Asked(request, caller, place.account, place.bucket, place.key, query, None)
    identity, key = identified(request, claim)
    signature.require_right(
        claim, key, method=request.method or "", path=request.path_info, query=pairs, meta=request.META
    )
    signature.require_signed_headers(claim, request.META)
    require_allowed(request, identity)
    caller = caller_of(request, identity)
    account = place.account or caller.project
    if request.META.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", account) != account:
        raise S3Error("AccessDenied")
    return Asked(request, caller, account, place.bucket, place.key, query, claim, key)


def identified(request: HttpRequest, claim: Claim) -> tuple[Identity, bytes]:
    """Whose key made a signature, and what it signs with. Raises S3Error."""
    signature.require_fresh(claim, timezone.now())
    address = client_address(request)
    try:
        return accounts().signing_key(claim.access, claim.date, claim.region, claim.service, address=address)
    except Unauthorized:
        raise S3Error("InvalidAccessKeyId", AWSAccessKeyId=claim.access) from None


def caller_of(request: HttpRequest, identity: Identity) -> Caller:
    return identity.caller(Scope.PROJECT, request_id=_id_of(request), address=client_address(request))


def require_allowed(request: HttpRequest, identity: Identity) -> None:
    """What a key that may read only does not do, nor one that nobody can ask about now. Raises S3Error."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if identity.read_only:
        raise S3Error("AccessDenied", "This access key may only read.")
    if identity.remembered:
        raise S3Error("ServiceUnavailable", "Accounts cannot be reached: nothing can be changed.")


def text_of(value: str) -> str:
    """A header's value as text. Raises S3Error if it is not UTF-8."""
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeError:
        raise S3Error("InvalidArgument", "Headers must be UTF-8.") from None


def number(asked: Asked, name: str, usual: int, most: int) -> int:
    """A parameter that is a number from 0 on; what is more than the most is that. Raises S3Error."""
    text = asked.query.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 11):
        about = {"ArgumentName": name, "ArgumentValue": text}
        raise S3Error("InvalidArgument", f"Provided {name} not an integer or within integer range", **about)
    return min(int(text), most)


def check_md5(asked: Asked, md5: str) -> None:
    """What came must be what Content-MD5 says. Raises S3Error (InvalidDigest, BadDigest)."""
    said = asked.request.META.get("HTTP_CONTENT_MD5")
    if said is None:
        return
    try:
        digest = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        raise S3Error("InvalidDigest") from None
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise S3Error("InvalidDigest")
    if digest.hex() != md5:
        raise S3Error("BadDigest", ExpectedDigest=digest.hex(), CalculatedDigest=md5)


def answer(root: str, content: Mapping[str, Any] | str, status: int = 200) -> HttpResponse:
    return HttpResponse(xml.document(root, content), status=status, content_type=XML)


def empty(status: int = 200) -> HttpResponse:
    response = HttpResponse(status=status)
    del response["Content-Type"]
    return response


def failed(request: HttpRequest, error: S3Error) -> HttpResponse:
    """The error as XML; answers to HEAD, and that nothing has changed, are without a body."""
    if request.method == "HEAD" or error.status == 304:
        response = empty(error.status)
    else:
        told = {"Code": error.code, "Message": error.message, **error.about, "Resource": request.path_info}
        told |= {"RequestId": request_id(request), "HostId": host_id(request)}
        response = HttpResponse(xml.error(told), status=error.status, content_type=XML)
    for name, value in error.headers.items():
        response[name] = value
    return response


def request_id(request: HttpRequest) -> str:
    """Sixteen digits; ``host_id`` is all of the id that is in the log."""
    return _id_of(request).removeprefix("req-").replace("-", "").upper()[:16]


def host_id(request: HttpRequest) -> str:
    return base64.b64encode(_id_of(request).encode()).decode()


def _id_of(request: HttpRequest) -> str:
    found: str = getattr(request, "id", "")
    return found


def refusal(asked: Asked | None, error: Exception) -> S3Error:
    """What an error is in S3's words."""
    if isinstance(error, S3Error):
        return error
    if isinstance(error, ItemNotFound):
        return missing(asked, error)
    return errors.of_fault(as_fault(error))


def missing(asked: Asked | None, fault: ItemNotFound) -> S3Error:
    if asked is None:
        return errors.of_fault(fault)
    has_bucket = Container.objects.filter(account__name=asked.account, name=asked.bucket).exists()
    return errors.missing(fault, has_bucket=has_bucket, key=asked.key, version=asked.version)


def _stamped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code >= 400 and request.method in ("PUT", "POST"):
        # What was not read of the body must not be taken for the next request of the connection.
        response["Connection"] = "close"
    response["x-amz-request-id"] = request_id(request)
    response["x-amz-id-2"] = host_id(request)
    told = "Content-Length" in response or response.status_code in (204, 304)
    if isinstance(response, HttpResponse) and not told:
        response["Content-Length"] = str(len(response.content))
    return response
