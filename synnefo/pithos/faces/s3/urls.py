"""All that the port of S3 answers: operations by what a path names, by method and by a word of the query.

This is a URL map of its own, for processes that serve nothing else (``SYNNEFO_WEB_SERVES``). What tells that
they serve stands below ``/-/``, which can be no bucket's name.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import URLPattern, path, re_path

from synnefo.common.http import health
from synnefo.pithos.faces.s3 import kit
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked, View

#: Operations by method and by the word of the query that asks for them.
Operations = Mapping[tuple[str, str], View]

SERVICE: Operations = {}
BUCKET: Operations = {}
OBJECT: Operations = {}

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
    re_path(r"^(?P<path>[\s\S]*)$", kit.front(choose)),
]
