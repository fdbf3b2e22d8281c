"""Signature version 4 of a request, in the header ``Authorization`` or in the query. No I/O.

What is signed is built anew of what came in: the path and the query decoded and encoded again in the one way
that is canonical, so that it does not matter how a client escapes them.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from synnefo.pithos.faces.s3.errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = f"STREAMING-{ALGORITHM}-PAYLOAD"
STREAMING_TRAILER = f"{STREAMING}-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
NO_CONTENT = hashlib.sha256(b"").hexdigest()

ALLOWED_SKEW = datetime.timedelta(minutes=15)
_LONGEST_S = 7 * 24 * 3600
_MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_KINDS = (UNSIGNED, STREAMING, STREAMING_TRAILER, STREAMING_UNSIGNED_TRAILER)
#: Headers that are not in ``HTTP_...``.
_OWN_NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_QUERY_FIELDS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")

Query = Sequence[tuple[bytes, bytes]]


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its signature. ``moment`` is as it was written, ``20260102T030405Z``.

    ``expires_s`` is None for one in the header; ``payload`` is the SHA-256 of the body, or how it comes.
    """

    access: str
    moment: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    payload: str
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse_query(text: str) -> Query:
    """Names and values of a query, in bytes. A plus is a space, as in forms."""
    pairs = [part.partition("=") for part in text.replace("+", " ").split("&") if part]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]


def claimed(meta: Mapping[str, Any], query: Mapping[str, str]) -> Claim | None:
    """The signature that a request brings, None if it brings none. Raises S3Error."""
    authorization = meta.get("HTTP_AUTHORIZATION", "")
    in_query = "X-Amz-Algorithm" in query or "X-Amz-Signature" in query
    if authorization and in_query:
        raise S3Error("InvalidArgument", "Only one auth mechanism allowed")
    if "HTTP_X_AMZ_SECURITY_TOKEN" in meta or "X-Amz-Security-Token" in query:
        raise S3Error("InvalidToken")
    if in_query:
        return _of_query(meta, query)
    if authorization:
        return _of_header(meta, authorization)
    if "Signature" in query and "AWSAccessKeyId" in query:
        raise S3Error("InvalidRequest", f"Please use {ALGORITHM}.")
    return None


def require_fresh(claim: Claim, now: datetime.datetime) -> None:
    """Raises S3Error if the request is not of now, or its time is over."""
    made = _parsed(claim.moment)
    told = {"ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if claim.expires_s is None:
        if abs(now - made) > ALLOWED_SKEW:
            limit = str(int(ALLOWED_SKEW.total_seconds() * 1000))
            raise S3Error(
                "RequestTimeTooSkewed",
                RequestTime=claim.moment,
                MaxAllowedSkewMilliseconds=limit,
                **told,
            )
        return
    if made - now > ALLOWED_SKEW:
        raise S3Error("AccessDenied", "Request is not yet valid", **told)
    end = made + datetime.timedelta(seconds=claim.expires_s)
    if end < now:
        raise S3Error(
            "AccessDenied", "Request has expired", Expires=end.strftime("%Y-%m-%dT%H:%M:%SZ"), **told
        )


def require_signed_headers(claim: Claim, meta: Mapping[str, Any]) -> None:
    """All that means something to S3 must be signed. Raises S3Error."""
    given = {name[5:].replace("_", "-").lower() for name in meta if name.startswith("HTTP_X_AMZ_")}
    if unsigned := sorted(given - set(claim.headers)):
        message = "There were headers present in the request which were not signed"
        raise S3Error("AccessDenied", message, HeadersNotSigned=", ".join(unsigned))


def require_right(
    claim: Claim, key: bytes, *, method: str, path: str, query: Query, meta: Mapping[str, Any]
) -> None:
    """Raises S3Error (SignatureDoesNotMatch)."""
    request = canonical(claim, method=method, path=path, query=query, meta=meta)
    text = to_sign(claim, request)
    if not hmac.compare_digest(sign(key, text.encode()), claim.signature):
        told = {"AWSAccessKeyId": claim.access, "StringToSign": text, "SignatureProvided": claim.signature}
        raise S3Error("SignatureDoesNotMatch", CanonicalRequest=request.decode(errors="replace"), **told)


def canonical(claim: Claim, *, method: str, path: str, query: Query, meta: Mapping[str, Any]) -> bytes:
    """The canonical request. ``path`` is decoded; a query's own signature is left out of it."""
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query)
    parts = (
        method,
        quote(path),
        "&".join(f"{name}={value}" for name, value in pairs if name != "X-Amz-Signature"),
        "".join(f"{name}:{_value(name, meta)}\n" for name in claim.headers),
        ";".join(claim.headers),
        claim.payload,
    )
    return "\n".join(parts).encode("latin-1", errors="replace")


def to_sign(claim: Claim, request: bytes) -> str:
    return "\n".join((ALGORITHM, claim.moment, claim.scope, hashlib.sha256(request).hexdigest()))


def sign(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()


def _value(name: str, meta: Mapping[str, Any]) -> str:
    key = _OWN_NAMES.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
    return " ".join(str(meta.get(key, "")).split())


def _of_header(meta: Mapping[str, Any], text: str) -> Claim:
    algorithm, _, rest = text.strip().partition(" ")
    if algorithm != ALGORITHM:
        message = f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
        raise S3Error("InvalidRequest", message)
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if not {"Credential", "SignedHeaders", "Signature"} <= fields.keys():
        raise S3Error("AuthorizationHeaderMalformed")
    payload = meta.get("HTTP_X_AMZ_CONTENT_SHA256", "")
    if not payload:
        raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    return _claim("AuthorizationHeaderMalformed", fields, _moment_of(meta), payload)


def _of_query(meta: Mapping[str, Any], query: Mapping[str, str]) -> Claim:
    code = "AuthorizationQueryParametersError"
    fields = {name: query.get(f"X-Amz-{name}", "") for name in _QUERY_FIELDS}
    if not all(fields.values()):
        raise S3Error(
            code, f"Query-string authentication requires {', '.join(fields)} as X-Amz-... parameters"
        )
    if fields["Algorithm"] != ALGORITHM:
        raise S3Error(code, f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    try:
        _parsed(fields["Date"])
    except ValueError:
        message = "X-Amz-Date must be in the ISO8601 Long Format yyyyMMdd'T'HHmmss'Z'"
        raise S3Error(code, message) from None
    expires = fields["Expires"]
    if not (expires.isascii() and expires.isdigit()):
        raise S3Error(code, "X-Amz-Expires should be a number")
    if len(expires) > 9 or int(expires) > _LONGEST_S:
        raise S3Error(code, "X-Amz-Expires must be less than a week (in seconds); that is 604800")
    payload = meta.get("HTTP_X_AMZ_CONTENT_SHA256") or query.get("X-Amz-Content-Sha256") or UNSIGNED
    return _claim(code, fields, fields["Date"], payload, int(expires))


def _claim(
    code: str, fields: Mapping[str, str], moment: str, payload: str, expires_s: int | None = None
) -> Claim:
    parts = fields["Credential"].rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        raise S3Error(
            code, "The Credential is malformed; expecting <key>/YYYYMMDD/REGION/SERVICE/aws4_request."
        )
    access, date, region, service, end = parts
    if (service, end) != ("s3", "aws4_request"):
        raise S3Error(code, "The Credential is for another service, or in another form: s3/aws4_request.")
    if date != moment[:8]:
        raise S3Error(code, "Invalid credential date. This date is not the same as X-Amz-Date.")
    headers = tuple(name.lower() for name in fields["SignedHeaders"].split(";") if name)
    if "host" not in headers:
        raise S3Error("AccessDenied", "The header host must be signed.")
    if payload not in _KINDS and not _HEX_DIGEST.fullmatch(payload):
        kinds = ", ".join(_KINDS)
        raise S3Error("InvalidArgument", f"x-amz-content-sha256 must be {kinds}, or a valid sha256 value.")
    return Claim(access, moment, date, region, service, headers, fields["Signature"], payload, expires_s)


def _moment_of(meta: Mapping[str, Any]) -> str:
    """When a request was signed: ``x-amz-date``, else ``Date``. Raises S3Error."""
    text = meta.get("HTTP_X_AMZ_DATE") or meta.get("HTTP_DATE", "")
    try:
        if _MOMENT.fullmatch(text):
            _parsed(text)
            return str(text)
        return parsedate_to_datetime(text).astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, TypeError, OverflowError):
        message = "AWS authentication requires a valid Date or x-amz-date header"
        raise S3Error("AccessDenied", message) from None


def _parsed(moment: str) -> datetime.datetime:
    """Raises ValueError."""
    if not _MOMENT.fullmatch(moment):
        raise ValueError(f"{moment!r} is no moment")
    return datetime.datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
