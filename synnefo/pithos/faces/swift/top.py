"""Beside the accounts: ``info`` tells what this store can do, ``auth/v1.0`` signs in by user and token."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from synnefo.common.accounts import Identity
from synnefo.common.faults import Unauthorized
from synnefo.common.http.addresses import objects_path, objects_url
from synnefo.common.http.facade import identity_of
from synnefo.pithos.faces.swift import kit, metadata
from synnefo.pithos.namespace import names


def info(request: HttpRequest) -> HttpResponse:
    """GET info: the limits. What is not named is not there."""
    most: int = settings.PITHOS_API_LIST_LIMIT
    limits = {
        "policies": [{"name": kit.POLICY, "default": True, "aliases": kit.POLICY}],
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
    return JsonResponse({"swift": limits})


def sign_in(request: HttpRequest) -> HttpResponse:
    """GET auth/v1.0: the key is a token, the user a uuid or an address, or ``<project's uuid>:<user>``.

    Raises Unauthorized.
    """
    user = _header(request, "HTTP_X_AUTH_USER", "HTTP_X_STORAGE_USER")
    key = _header(request, "HTTP_X_AUTH_KEY", "HTTP_X_STORAGE_PASS")
    if not user or not key:
        raise Unauthorized("X-Auth-User and X-Auth-Key say who signs in.")
    account = _account(identity_of(request, key), user)
    response = kit.empty(200)
    response["X-Auth-Token"] = response["X-Storage-Token"] = key
    response["X-Storage-Url"] = f"{objects_url(request)}{objects_path()}/swift/v1/{kit.PREFIX}{account}"
    return response


def _header(request: HttpRequest, *wanted: str) -> str:
    return next((request.META[name] for name in wanted if request.META.get(name)), "")


def _account(identity: Identity, user: str) -> str:
    """The account that he wants and that the token reaches."""
    project, _, name = user.rpartition(":")
    if name.lower() not in (identity.user, identity.user_name.lower()):
        raise Unauthorized("The token is another user's.")
    reached = {identity.user, *identity.projects} if identity.project is None else {identity.project}
    account = project or identity.project or identity.user
    if account not in reached:
        raise Unauthorized("The token does not reach this project.")
    return account
