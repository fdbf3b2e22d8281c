"""POST of a form to a bucket: an object out of a browser, by what somebody has signed before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.pithos.faces.s3 import forms, kit, objects, places, tagging
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.faces.s3.signature import ALGORITHM, UNSIGNED, Claim

#: Fields that mean what headers of their name mean, besides ``x-amz-...``.
_HEADERS = ("cache-control", "content-disposition", "content-encoding", "content-type", "expires")
_LONGEST_S = 7 * 24 * 3600


class _File:
    """A form's file as the body of a PUT."""

    def __init__(self, file: UploadedFile) -> None:
        self.trailers: dict[str, str] = {}
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        yield from self._file.chunks()


def post(asked: Asked) -> HttpResponseBase:
    gate = _Gate(asked)
    fields, file = forms.read(asked.request, gate.let_in)
    if (file.size or 0) < gate.least_bytes:
        raise S3Error("EntityTooSmall", ProposedSize=str(file.size), MinSizeAllowed=str(gate.least_bytes))
    path = f"{asked.request.path_info.rstrip('/')}/{fields['key']}"
    place = places.of(asked.request.META.get("HTTP_HOST", ""), path)
    _put_headers(asked.request, fields)
    account = place.account or gate.caller.project
    signed = dataclasses.replace(asked, caller=gate.caller, account=account, key=place.key)
    done = objects.written(signed, _File(file))
    told = {"Bucket": asked.bucket, "Key": signed.key, "ETag": done["ETag"]}
    location = f"{asked.request.build_absolute_uri(asked.request.path).rstrip('/')}/{signed.key}"
    response = forms.answer(fields, told) or kit.answer("PostResponse", {"Location": location, **told}, 201)
    for name in ("ETag", "x-amz-version-id"):
        if name in done:
            response[name] = done[name]
    return response


class _Gate:
    """Who has signed a form: known before its file comes, so that nobody else's is taken."""

    def __init__(self, asked: Asked) -> None:
        self.caller = asked.caller
        self.least_bytes = 0
        self._asked = asked

    def let_in(self, fields: Mapping[str, str]) -> int:
        """The most bytes that the file may have. Raises S3Error."""
        if "policy" not in fields:
            raise S3Error("AccessDenied")
        request, claim = self._asked.request, _claim(fields)
        try:
            identity, key = kit.identified(request, claim)
        except ValueError:
            raise S3Error("InvalidArgument", "The x-amz-date field is malformed.") from None
        forms.require_signed(fields, key)
        kit.require_allowed(request, identity)
        self.least_bytes, most_bytes = forms.require_allowed(fields, self._asked.bucket)
        self.caller = kit.caller_of(request, identity)
        return most_bytes


def _claim(fields: Mapping[str, str]) -> Claim:
    """Who has signed the policy, as he says. Raises S3Error."""
    if fields.get("x-amz-algorithm") != ALGORITHM:
        raise S3Error("InvalidArgument", f"X-Amz-Algorithm only supports {ALGORITHM}")
    access, *scope = fields.get("x-amz-credential", "").rsplit("/", 4)
    moment = fields.get("x-amz-date", "")
    if len(scope) != 4 or scope[2:] != ["s3", "aws4_request"] or scope[0] != moment[:8]:
        raise S3Error("InvalidArgument", "The x-amz-credential field is malformed.")
    return Claim(
        access, moment, scope[0], scope[1], scope[2], headers=(), payload=UNSIGNED,
        signature=fields.get("x-amz-signature", ""), expires_s=_LONGEST_S,
    )  # fmt: skip


def _put_headers(request: HttpRequest, fields: Mapping[str, str]) -> None:
    """What fields say of the object, where a PUT has it."""
    for name in [name for name in request.META if name.startswith("HTTP_X_AMZ_")]:
        del request.META[name]
    said = {name: text for name, text in fields.items() if name in _HEADERS or name.startswith("x-amz-")}
    if "acl" in fields:
        said["x-amz-acl"] = fields["acl"]
    request.META["CONTENT_TYPE"] = said.pop("content-type", "")
    for name, text in said.items():
        request.META[f"HTTP_{name.upper().replace('-', '_')}"] = text.encode().decode("latin-1")
    if "tagging" in fields:
        request.META["HTTP_X_AMZ_TAGGING"] = tagging.as_text(fields["tagging"].encode())
