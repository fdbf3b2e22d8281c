"""All that the port of S3 answers: operations by what a path names, by method and by a word of the query.

This is a URL map of its own, for processes that serve nothing else (``SYNNEFO_WEB_SERVES``). What tells that
they serve stands below ``/-/``, which can be no bucket's name.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path

from synnefo.common.http import health
from synnefo.pithos.faces.s3 import (
    access,
    buckets,
    copying,
    cors,
    deletion,
    kit,
    listing,
    multipart,
    objects,
    parts,
    posting,
    service,
    tagging,
    versions,
)
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked, View

#: Operations by method and by the word of the query that asks for them.
Operations = Mapping[tuple[str, str], View]


def _put(asked: Asked) -> HttpResponseBase:
    """An object out of the body, or of another object."""
    return copying.copy(asked) if asked.header("x-amz-copy-source") else objects.put(asked)


SERVICE: Operations = {("GET", ""): service.list_buckets}
BUCKET: Operations = {
    ("PUT", ""): buckets.create,
    ("HEAD", ""): buckets.head,
    ("DELETE", ""): buckets.delete,
    ("GET", ""): listing.objects,
    ("POST", "delete"): deletion.delete_many,
    ("POST", ""): posting.post,
    ("GET", "location"): buckets.location,
    ("GET", "versions"): listing.all_versions,
    ("GET", "versioning"): versions.get_versioning,
    ("PUT", "versioning"): versions.put_versioning,
    ("GET", "uploads"): parts.uploads,
    ("GET", "acl"): access.get_bucket,
    ("PUT", "acl"): access.put_bucket,
    ("GET", "policyStatus"): access.get_bucket_policy_status,
    ("GET", "cors"): cors.get,
    ("PUT", "cors"): cors.put,
    ("DELETE", "cors"): cors.delete,
    ("GET", "tagging"): tagging.get_bucket,
    ("PUT", "tagging"): tagging.put_bucket,
    ("DELETE", "tagging"): tagging.delete_bucket,
    **{key: view for word in buckets.CONFIGURATIONS for key, view in buckets.configured(word).items()},
}
OBJECT: Operations = {
    ("GET", ""): objects.get,
    ("HEAD", ""): objects.get,
    ("PUT", ""): _put,
    ("DELETE", ""): deletion.delete,
    ("GET", "acl"): access.get_object,
    ("PUT", "acl"): access.put_object,
    ("GET", "tagging"): tagging.get_object,
    ("PUT", "tagging"): tagging.put_object,
    ("DELETE", "tagging"): tagging.delete_object,
    ("GET", "attributes"): parts.attributes,
    ("POST", "uploads"): multipart.begin,
    ("GET", "uploadId"): parts.of_upload,
    ("PUT", "uploadId"): multipart.put,
    ("POST", "uploadId"): multipart.complete,
    ("DELETE", "uploadId"): multipart.abort,
}

#: Words that ask for an operation, whether there is one here or not.
_WORDS = frozenset(
    (
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
        "inventory", "legal-hold", "lifecycle", "location", "logging", "metadataTable", "metrics",
        "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock",
        "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session",
        "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website",
    )
)  # fmt: skip


def choose(asked: Asked) -> View:
    """Raises S3Error (MethodNotAllowed, NotImplemented)."""
    if asked.method == "OPTIONS":
        return lambda asked: cors.preflight(asked.request, asked.account, asked.bucket)
    operations = OBJECT if asked.key else BUCKET if asked.bucket else SERVICE
    word = next((name for name in asked.query if name in _WORDS), "")
    found = operations.get((asked.method, word))
    if found is not None:
        return found
    if word and not any(word == known for _, known in operations):
        raise S3Error("NotImplemented")
    allowed = sorted({method for method, known in operations if known == word})
    about = {"Method": asked.method, "ResourceType": "OBJECT" if asked.key else "BUCKET"}
    raise S3Error("MethodNotAllowed", headers={"Allow": ", ".join(allowed)}, **about)


urlpatterns: list[URLPattern] = [
    path("-/healthz", health.healthz),
    path("-/readyz", health.readyz),
    re_path(r"^(?P<path>[\s\S]*)$", kit.front(choose, cors.allow)),
]
