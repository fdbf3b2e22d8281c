"""Copies of objects. No content is copied: the copy is of the same blocks."""

from __future__ import annotations

import dataclasses
from urllib.parse import unquote_to_bytes

from django.http import HttpResponse

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.faces import wholes
from synnefo.pithos.faces.s3 import (
    access,
    checksums,
    conditions,
    kit,
    metadata,
    objects,
    places,
    tagging,
    versions,
)
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import numbered, tags
from synnefo.pithos.namespace import objects as rules
from synnefo.pithos.namespace.models import S3, TAGS, Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.uploads import facts

_HEADER = "x-amz-copy-source"


def copy(asked: Asked) -> HttpResponse:
    """PUT with ``x-amz-copy-source``."""
    metadata.refuse_promises(asked)
    fresh, retagged, granted = _replaces(asked), tagging.directive(asked), access.granted(asked)
    given = metadata.given(asked) if fresh else {}
    source = source_of(asked)
    if _is_itself(asked, source) and not (fresh or retagged or granted):
        message = (
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes."
        )
        raise S3Error("InvalidRequest", message)
    tagged = tagging.in_header(asked) if retagged else tags.of(source)
    known = {**facts.of(source), **checksums.of_copy(asked, source.content)}
    check = conditions.of_write(asked)
    seen = rules.look(asked.caller, asked.path, check)
    made = rules.write(
        asked.caller, asked.path, source.content, check=check, seen=seen,
        content_type=objects.type_of(asked) if fresh else source.content_type,
        attributes=given if fresh else source.own_attributes,
        more={S3: facts.about(source.content, known), TAGS: tags.attributes(tagged)},
        also=access.wish(asked, granted),
    )  # fmt: skip
    numbered.forget_replaced(seen.container, asked.key)
    told = {"LastModified": made.modified, "ETag": f'"{conditions.etag(made)}"'}
    response = kit.answer("CopyObjectResult", {**told, **checksums.elements(facts.of(made))})
    versions.stamp(response, made, seen.container)
    for name, value in versions.told(source, source.object.container).items():
        response[name.replace("x-amz-", "x-amz-copy-source-")] = value
    return response


def source_of(asked: Asked) -> Version:
    """What is copied, which is as the request says. Raises S3Error, faults."""
    place, version = _place(asked)
    there = dataclasses.replace(
        asked, account=place.account or asked.caller.project, bucket=place.bucket, key=place.key,
        query={"versionId": version} if version else {},
    )  # fmt: skip
    if asked.header("x-amz-source-expected-bucket-owner") not in ("", there.account):
        raise S3Error("AccessDenied")
    try:
        found = versions.found(there)
    except ItemNotFound as fault:
        raise kit.missing(there, fault) from None
    except S3Error as error:  # what is said in headers would be of another object
        raise S3Error("InvalidRequest" if error.code == "MethodNotAllowed" else error.code) from None
    conditions.check_source(asked, found)
    wholes.require_available(found)
    return found


def _place(asked: Asked) -> tuple[places.Place, str]:
    """``/<bucket>/<key>?versionId=<id>``, percent-encoded, maybe behind an account. Raises S3Error."""
    text, _, version = asked.header(_HEADER).partition("?versionId=")
    try:
        path = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidArgument", ArgumentName=_HEADER, ArgumentValue=text) from None
    place = places.of("", "/" + path.removeprefix("/"))
    if not place.bucket or not place.key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise S3Error("InvalidArgument", message, ArgumentName=_HEADER, ArgumentValue=text)
    return place, version


def _replaces(asked: Asked) -> bool:
    text = asked.header("x-amz-metadata-directive") or "COPY"
    if text not in ("COPY", "REPLACE"):
        raise S3Error("InvalidArgument", "Unknown metadata directive.")
    return text == "REPLACE"


def _is_itself(asked: Asked, source: Version) -> bool:
    container = source.object.container
    here = Path(container.account.name, container.name, source.object.name)
    return here == asked.path and source.state == Version.State.CURRENT
