"""Forms that browsers post: their fields, and what a policy that somebody has signed allows."""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils import timezone

from synnefo.pithos.faces.s3.errors import S3Error

_MOST_POLICY_BYTES = 20 * 1024
_MOST_FIELD = 20 * 1024
#: Fields that no condition must name.
_FREE = ("policy", "x-amz-signature")

Fields = Mapping[str, str]
LetIn = Callable[[Fields], int]


class _Gate(FileUploadHandler):
    """Lets a form's file in when the fields before it are looked at, and no more of it than is allowed."""

    def __init__(self, request: HttpRequest, let_in: LetIn) -> None:
        super().__init__(request)
        self.fields: dict[str, str] = {}
        self.parser = MultiPartParser(
            request.META, request, [self, TemporaryFileUploadHandler(request)], request.encoding or "utf-8"
        )
        self._let_in = let_in
        self._most_bytes = 0

    def new_file(self, *arguments: Any, **more: Any) -> None:
        super().new_file(*arguments, **more)
        if self.fields or self.field_name != "file":
            raise S3Error("InvalidArgument", "POST requires exactly one file upload per request.")
        self.fields = _fields(self.parser._post.items(), self.file_name or "")  # type: ignore[attr-defined]
        self._most_bytes = self._let_in(self.fields)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > self._most_bytes:
            raise S3Error("EntityTooLarge", MaxSizeAllowed=str(self._most_bytes))
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has it."""


def read(request: HttpRequest, let_in: LetIn) -> tuple[dict[str, str], UploadedFile]:
    """The form's fields, names in small letters, and its file, which comes last. Raises S3Error.

    ``let_in`` is asked before the file is taken, and says how many bytes it may have at most.
    """
    if request.content_type != "multipart/form-data":
        raise S3Error("PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data")
    try:
        gate = _Gate(request, let_in)
        _, files = gate.parser.parse()
    except (MultiPartParserError, DjangoBadRequest, OSError):
        raise S3Error("MalformedPOSTRequest") from None
    file = files.get("file")
    if not isinstance(file, UploadedFile):
        raise S3Error("InvalidArgument", "POST requires exactly one file upload per request.")
    return gate.fields, file


def _fields(given: Iterable[tuple[str, object]], file_name: str) -> dict[str, str]:
    found = {name.lower(): str(text) for name, text in given}
    if any(len(text) > _MOST_FIELD for text in found.values()):
        raise S3Error("MaxPostPreDataLengthExceededError")
    if not found.get("key"):
        raise S3Error("InvalidArgument", "Bucket POST must contain a field named 'key'.")
    found["key"] = found["key"].replace("${filename}", file_name)
    return found


def require_signed(fields: Fields, signing_key: bytes) -> None:
    """Raises S3Error."""
    expected = hmac.digest(signing_key, fields["policy"].encode(), "sha256").hex()
    if not hmac.compare_digest(expected, fields.get("x-amz-signature", "")):
        raise S3Error("SignatureDoesNotMatch")


def require_allowed(fields: Fields, bucket: str) -> tuple[int, int]:
    """Whether the policy of a form is in force, and holds; how long the file may be. Raises S3Error."""
    policy = _policy(fields["policy"])
    if _moment(policy.get("expiration")) <= timezone.now():
        raise S3Error("AccessDenied", "Invalid according to Policy: Policy expired.")
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Missing conditions.")
    values, named = {**fields, "bucket": bucket}, set(_FREE)
    least, most = 0, settings.PITHOS_MAX_UPLOAD_BYTES
    for condition in conditions:
        kind, name, value = _condition(condition)
        if kind == "content-length-range":
            least, most = max(least, _number(name)), min(most, _number(value))
            continue
        named.add(name)
        found = values.get(name, "")
        if not (found.startswith(value) if kind == "starts-with" else found == value):
            raise S3Error(
                "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {condition}"
            )
    if extra := sorted(name for name in values if name not in named and not name.startswith("x-ignore-")):
        raise S3Error("AccessDenied", f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")
    return least, most


def answer(fields: Fields, told: Mapping[str, str]) -> HttpResponse | None:
    """Where the form wants the browser to go, or the status that it wants; None for an answer with XML."""
    target = fields.get("success_action_redirect") or fields.get("redirect")
    if target:
        parts = urlsplit(target)
        if parts.scheme in ("http", "https") and parts.netloc:
            query = urlencode({name.lower(): text for name, text in told.items()})
            together = f"{parts.query}&{query}" if parts.query else query
            response = HttpResponse(status=303)
            response["Location"] = urlunsplit(parts._replace(query=together))
            return response
    status = fields.get("success_action_status", "204")
    if status == "201":
        return None
    return HttpResponse(status=200 if status == "200" else 204)


def _policy(text: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(text, validate=True)
        found = json.loads(raw) if len(raw) <= _MOST_POLICY_BYTES else None
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.")
    return found


def _moment(value: object) -> datetime.datetime:
    if not isinstance(value, str):
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Policy missing expiration.")
    try:
        found = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid 'expiration' value.") from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _condition(condition: object) -> tuple[str, Any, Any]:
    """Its kind, the field that it is about (in small letters) and the value. Raises S3Error."""
    if isinstance(condition, dict) and len(condition) == 1:
        ((name, value),) = condition.items()
        found = ["eq", f"${name}", value]
    elif isinstance(condition, list) and len(condition) == 3:
        found = condition
    else:
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid condition.")
    kind, name, value = found
    kind = kind.lower() if isinstance(kind, str) else ""
    if kind == "content-length-range":
        return kind, name, value
    is_field = isinstance(name, str) and name.startswith("$") and isinstance(value, str)
    if kind not in ("eq", "starts-with") or not is_field:
        raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid condition.")
    return kind, name[1:].lower(), value.replace("\\$", "$")


def _number(value: object) -> int:
    text = str(value)
    if isinstance(value, (int, str)) and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise S3Error("InvalidPolicyDocument", "Invalid Policy: Invalid 'content-length-range' value.")
