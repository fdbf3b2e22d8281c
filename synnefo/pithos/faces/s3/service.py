"""The account: ``/`` lists its buckets."""

from __future__ import annotations

from django.http import HttpResponse

from synnefo.pithos.faces.s3 import kit
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.faces.s3.listing import owner_of, read_token, token_of
from synnefo.pithos.faces.s3.places import can_be_bucket
from synnefo.pithos.namespace import containers

_MOST = 10_000


def list_buckets(asked: Asked) -> HttpResponse:
    """Containers that S3 has no name for are left out."""
    if not asked.account:
        raise S3Error("AccessDenied")
    most, token = kit.number(asked, "max-buckets", _MOST, _MOST), asked.query.get("continuation-token", "")
    if most < 1:
        raise S3Error("InvalidArgument", ArgumentName="max-buckets", ArgumentValue="0")
    rows = containers.containers_for(asked.caller, asked.account)
    prefix = asked.query.get("prefix", "")
    if token:
        rows = rows.filter(name__gt=read_token(token))
    if prefix:
        rows = rows.filter(name__startswith=prefix)
    found = []
    for name, created in rows.values_list("name", "created").iterator():
        if can_be_bucket(name):
            found.append({"Name": name, "CreationDate": created})
        if len(found) > most:
            break
    more, page = len(found) > most, found[:most]
    told = {
        "Owner": owner_of(asked.account), "Buckets": {"Bucket": page},
        "ContinuationToken": token_of(str(page[-1]["Name"])) if more else None, "Prefix": prefix or None,
    }  # fmt: skip
    return kit.answer("ListAllMyBucketsResult", told)
