"""Buckets: made, looked at, removed; and what is configured of them in S3, as far as it is here."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse

from synnefo.common.faults import Conflict
from synnefo.pithos.faces.s3 import access, grants, kit, xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked, View
from synnefo.pithos.faces.s3.places import can_be_bucket
from synnefo.pithos.namespace import access as rights
from synnefo.pithos.namespace import containers, numbers, options
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container, Version

#: What there is none of in any bucket, and how clients are told that.
ABSENT = {
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "ownershipControls": "OwnershipControlsNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "website": "NoSuchWebsiteConfiguration",
}
#: What every bucket has one of: that nothing is configured.
EMPTY: dict[str, tuple[str, dict[str, Any]]] = {
    "accelerate": ("AccelerateConfiguration", {}),
    "logging": ("BucketLoggingStatus", {}),
    "notification": ("NotificationConfiguration", {}),
    "requestPayment": ("RequestPaymentConfiguration", {"Payer": "BucketOwner"}),
}
#: Words of the query that ask for these.
CONFIGURATIONS = (*ABSENT, *EMPTY)


def create(asked: Asked) -> HttpResponse:
    if not can_be_bucket(asked.bucket):
        raise S3Error("InvalidBucketName", BucketName=asked.bucket)
    if asked.header("x-amz-bucket-object-lock-enabled").lower() == "true":
        raise S3Error("NotImplemented", Header="x-amz-bucket-object-lock-enabled")
    _check_location(asked)
    lists = access.lists_of(grants.in_headers(asked) or ())
    rights.account(asked.caller, asked.account, right=Right.OWN)
    if Container.objects.filter(account__name=asked.account, name=asked.bucket).exists():
        raise S3Error("BucketAlreadyOwnedByYou", BucketName=asked.bucket)
    policy = {"versioning": Container.Versioning.NONE}
    containers.put(asked.caller, asked.account, asked.bucket, attributes={}, policy=policy)
    if lists:
        options.put(asked.caller, asked.account, asked.bucket, access.OPTION, lists)
    response = kit.empty()
    response["Location"] = f"/{asked.bucket}"
    return response


def head(asked: Asked) -> HttpResponse:
    containers.get(asked.caller, asked.account, asked.bucket)
    response = kit.empty()
    response["x-amz-bucket-region"] = settings.PITHOS_S3_REGION
    return response


def delete(asked: Asked) -> HttpResponse:
    """Old versions are content, too, as S3 sees it, where history was ever kept."""
    container = rights.container(asked.caller, asked.account, asked.bucket, Right.OWN)
    has_past = numbers.was_switched(container)
    if has_past and Version.objects.filter(object__container=container).exists():
        message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        raise S3Error("BucketNotEmpty", message, BucketName=asked.bucket)
    try:
        containers.delete(asked.caller, asked.account, asked.bucket)
    except Conflict:
        raise S3Error("BucketNotEmpty", BucketName=asked.bucket) from None
    return kit.empty(204)


def location(asked: Asked) -> HttpResponse:
    """The first region of all has no name."""
    rights.container(asked.caller, asked.account, asked.bucket, Right.LIST)
    region: str = settings.PITHOS_S3_REGION
    return kit.answer("LocationConstraint", "" if region == "us-east-1" else region)


def configured(word: str) -> dict[tuple[str, str], View]:
    """The operations on a configuration that nothing can be put into."""

    def show(asked: Asked) -> HttpResponse:
        rights.container(asked.caller, asked.account, asked.bucket, Right.LIST)
        if word in EMPTY:
            return kit.answer(*EMPTY[word])
        raise S3Error(ABSENT[word], BucketName=asked.bucket)

    def change(asked: Asked) -> HttpResponse:
        rights.container(asked.caller, asked.account, asked.bucket, Right.OWN)
        raise S3Error("NotImplemented", Header=word)

    def remove(asked: Asked) -> HttpResponse:
        rights.container(asked.caller, asked.account, asked.bucket, Right.OWN)
        return kit.empty(204)

    return {("GET", word): show, ("PUT", word): change, ("DELETE", word): remove}


def _check_location(asked: Asked) -> None:
    body = asked.body()
    if not body.strip():
        return
    said = xml.text(xml.parse(body, "CreateBucketConfiguration"), "LocationConstraint")
    here = {settings.PITHOS_S3_REGION, asked.claim.region if asked.claim else ""}
    if said and said not in here:
        raise S3Error("InvalidLocationConstraint", LocationConstraint=said)
