"""The signatures that EC2's and S3's clients make of a request, as Keystone is shown them. No I/O."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from synnefo.common.faults import Unauthorized

_ALLOWED_SKEW = datetime.timedelta(minutes=15)
_WRONG = "The access key or the signature is wrong."
_S3_SERVICES = frozenset({"s3", "iam", "sts"})


def of_string(text: bytes, secret: str) -> str:
    """The signature of a string to sign: version 4 if it says so, else S3's version 2 (HMAC-SHA1, base64)."""
    if not text.startswith(b"AWS4"):
        return base64.b64encode(hmac.digest(secret.encode(), text, "sha1")).decode()
    parts = text.decode(errors="replace").split("\n")
    scope = parts[2].split("/") if len(parts) == 4 else []
    right = parts[0] == "AWS4-HMAC-SHA256" and len(scope) == 4 and scope[3] == "aws4_request"
    if not right or scope[2] not in _S3_SERVICES:
        raise Unauthorized(_WRONG)
    return hmac.digest(derived_key(secret, *scope[:3]), text, "sha256").hex()


def of_query(
    secret: str, *, verb: str, host: str, path: str, params: Mapping[str, str], body_hash: str,
    headers: Mapping[str, str],
) -> str:  # fmt: skip
    """The signature of a request to EC2: version 2 (``params`` name it), or 4 (the header Authorization)."""
    version = params.get("SignatureVersion")
    if version == "2":
        text = f"{verb}\n{host}\n{path}\n{_canonical(params, without='Signature')}"
        name = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}.get(params.get("SignatureMethod", "HmacSHA256"))
        if name is None:
            raise Unauthorized(_WRONG)
        return base64.b64encode(hmac.digest(secret.encode(), text.encode(), name)).decode()
    found = {key.lower(): value for key, value in headers.items()}
    said = _authorization(found.get("authorization", ""), params)
    scope = said["credential"].split("/")[1:]
    if len(scope) != 4 or scope[3] != "aws4_request":
        raise Unauthorized(_WRONG)
    date = params.get("X-Amz-Date") or found.get("x-amz-date", "")
    names = said["headers"].split(";")
    canonical = "\n".join(
        (
            verb.upper(),
            path,
            _canonical(params, without="X-Amz-Signature") if verb.upper() != "POST" else "",
            "".join(f"{name}:{host if name == 'host' else found.get(name, '').strip()}\n" for name in names),
            said["headers"],
            body_hash,
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", date, "/".join(scope), digest))
    return hmac.digest(derived_key(secret, *scope[:3]), text.encode(), "sha256").hex()


def require_fresh(text: str, now: datetime.datetime) -> None:
    """Raises Unauthorized for a moment (``20260102T030405Z``, or ISO) that is too far from now."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise Unauthorized(_WRONG) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    if abs(now - moment) > _ALLOWED_SKEW:
        raise Unauthorized("The signed request is too old, or of the future.")


def derived_key(secret: str, date: str, region: str, service: str) -> bytes:
    """What signs the requests of a day (``20260102``) to a service in a region, in version 4."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical(params: Mapping[str, str], *, without: str) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in params.items()
        if name != without
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _authorization(header: str, params: Mapping[str, str]) -> dict[str, str]:
    """``credential`` and ``headers`` of a version 4 signature, from the header or the query."""
    if "X-Amz-Credential" in params:
        return {
            "credential": params["X-Amz-Credential"],
            "headers": params.get("X-Amz-SignedHeaders", "host"),
        }
    parts = dict(part.strip().split("=", 1) for part in header.partition(" ")[2].split(",") if "=" in part)
    if not {"Credential", "SignedHeaders"} <= parts.keys():
        raise Unauthorized(_WRONG)
    return {"credential": parts["Credential"], "headers": parts["SignedHeaders"]}
