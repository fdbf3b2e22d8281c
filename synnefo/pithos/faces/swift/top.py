"""Beside the accounts: ``info`` tells what this store can do, ``auth/v1.0`` signs in by user and token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from synnefo.common.accounts import Identity
from synnefo.common.faults import Unauthorized
from synnefo.common.http.addresses import objects_url
from synnefo.common.http.facade import identity_of
from synnefo.pithos.faces.swift import bulk, kit, links, metadata, reports, slo, tempurl
from synnefo.pithos.namespace import manifests, names


def info(request: HttpRequest) -> HttpResponse:
    """GET info: the limits. What is not named is not there."""
    most: int = settings.PITHOS_API_LIST_LIMIT
    limits = {
        "policies": [{"name": kit.POLICY, "default": True, "aliases": kit.POLICY}],
        "max_header_size": 8192,
        "max_account_name_length": names.MAX_CONTAINER,
        "max_file_size": settings.PITHOS_MAX_UPLOAD_BYTES,
        "max_meta_name_length": metadata.MAX_NAME,
        "max_meta_value_length": metadata.MAX_VALUE,
        "max_meta_count": settings.PITHOS_RESOURCE_MAX_METADATA,
        "max_meta_overall_size": metadata.MAX_OVERALL,
        "max_container_name_length": names.MAX_CONTAINER,
        "max_object_name_length": names.MAX_OBJECT,
        "account_listing_limit": most,
        "container_listing_limit": most,
    }
    return JsonResponse({"swift": limits, **_features()})


def _features() -> dict[str, Any]:
    """What there is beside objects; clients ask before they use it."""
    tempurl_headers = {
        "incoming_allow_headers": [],
        "incoming_remove_headers": ["x-timestamp"],
        "outgoing_allow_headers": ["x-object-meta-public-*"],
        "outgoing_remove_headers": ["x-object-meta-*"],
    }
    return {
        "bulk_delete": {"max_deletes_per_request": bulk.MOST_DELETES, "max_failed_deletes": bulk.MOST_ERRORS},
        "bulk_upload": {
            "max_containers_per_extraction": bulk.MOST_CONTAINERS,
            "max_failed_extractions": bulk.MOST_ERRORS,
        },
        "container_quotas": {},
        "dlo": {"max_segments": manifests.MOST_PARTS},
        "formpost": {"allowed_digests": sorted(tempurl.DIGESTS.values())},
        "object_versioning": {},
        "slo": {
            "max_manifest_segments": slo.MOST_SEGMENTS,
            "max_manifest_size": slo.MOST_BYTES,
            "min_segment_size": 1,
            "yield_frequency": reports.BEAT_S,
            "allow_async_delete": True,
        },
        "staticweb": {},
        "symlink": {"symloop_max": links.MOST_HOPS, "static_links": True},
        "tempurl": {
            "methods": list(tempurl.METHODS),
            "allowed_digests": sorted(tempurl.DIGESTS.values()),
            **tempurl_headers,
        },
        "tempauth": {"account_acls": True},
        "versioned_writes": {"allowed_flags": ["x-versions-location", "x-history-location"]},
    }


def healthy(request: HttpRequest) -> HttpResponse:
    """GET healthcheck: whether this process answers."""
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


def sign_in(request: HttpRequest) -> HttpResponse:
    """GET auth/v1.0: the key is a token, the user a uuid or an address, or ``<project's uuid>:<user>``.

    Raises Unauthorized.
    """
    user = _header(request, "HTTP_X_AUTH_USER", "HTTP_X_STORAGE_USER")
    key = _header(request, "HTTP_X_AUTH_KEY", "HTTP_X_STORAGE_PASS")
    if not user or not key:
        raise Unauthorized("X-Auth-User and X-Auth-Key say who signs in.")
    request.META["HTTP_X_AUTH_TOKEN"] = key  # who signs in is no stranger
    account = _account(identity_of(request, key), user)
    response = kit.empty(200)
    response["X-Auth-Token"] = response["X-Storage-Token"] = key
    base, _, _ = request.path.partition("/auth/")
    response["X-Storage-Url"] = f"{objects_url(request)}{base}/v1/{kit.PREFIX}{account}"
    return response


def _header(request: HttpRequest, *wanted: str) -> str:
    return next((request.META[name] for name in wanted if request.META.get(name)), "")


def _account(identity: Identity, user: str) -> str:
    """The account that he wants to work in. What he may do there is asked at each request."""
    project, _, name = user.rpartition(":")
    if name.lower() not in (identity.user, identity.user_name.lower()):
        raise Unauthorized("The token is another user's.")
    return project or identity.project or identity.user
