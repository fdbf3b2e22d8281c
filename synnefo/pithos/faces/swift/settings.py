"""What containers are told by headers and keep for this face: access lists, where old versions go, quotas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, PreconditionFailed
from synnefo.pithos.faces.swift import kit, metadata, versions
from synnefo.pithos.namespace import acl, names, options
from synnefo.pithos.namespace.models import Container

ACL, STACK = "acl", "stack"
_LISTS = {"read": "X-Container-Read", "write": "X-Container-Write"}
#: What happens where old versions go: deleting brings the last back, or is told there as well.
_STACKS = {"stack": "X-Versions-Location", "history": "X-History-Location"}


def asked(request: HttpRequest) -> dict[str, Any]:
    """The options that a request sets, None for those it removes. Raises BadRequest."""
    found: dict[str, Any] = {}
    lists = {key: _said(request, name) for key, name in _LISTS.items()}
    given = {key: text for key, text in lists.items() if text is not None}
    if given:
        found[ACL] = {key: acl.cleaned(text, write=key == "write") for key, text in given.items()}
    places = {mode: _said(request, name) for mode, name in _STACKS.items()}
    told = {mode: text for mode, text in places.items() if text is not None}
    if len([text for text in told.values() if text]) > 1:
        raise BadRequest("Only one of X-Versions-Location or X-History-Location may be specified")
    if told:
        found[STACK] = next(({"mode": mode, "in": _place(text)} for mode, text in told.items() if text), None)
    return found


def check(request: HttpRequest) -> None:
    """Raises BadRequest for metadata that means something here and makes no sense."""
    for name in ("BYTES", "COUNT"):
        text = request.META.get(f"HTTP_X_CONTAINER_META_QUOTA_{name}", "")
        if text and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise BadRequest(f"Invalid {name.lower()} quota.")
    if versions.asked(request) is not None and asked(request).get(STACK):
        raise BadRequest("Cannot set both X-Versions-Enabled and X-Versions-Location.")


def keep(request: HttpRequest, caller: Caller, account: str, name: str) -> None:
    """Carry out what a request says about the container, if he may say so. Raises Forbidden, ItemNotFound."""
    if not kit.owns(request, caller, account):
        return
    for option, value in asked(request).items():
        if option == ACL:
            old = options.get(caller, account, name, ACL) or {}
            value = {key: text for key, text in {**old, **value}.items() if text} or None
        options.put(caller, account, name, option, value)
    on = versions.asked(request)
    if on is not None:
        versions.switch(caller, account, name, on=on)


def put(request: HttpRequest, response: HttpResponseBase, caller: Caller, row: Container) -> None:
    """What of it is told: access lists and keys to people of the account alone."""
    mine = kit.owns(request, caller, row.account.name)
    attributes: Mapping[str, str] = row.attributes
    if mine:
        for key, text in row.options.get(ACL, {}).items():
            response[_LISTS[key]] = metadata.sendable(text)
    else:
        attributes = names.without_secrets(attributes)
    if stack := row.options.get(STACK):
        response[_STACKS[stack["mode"]]] = quote(stack["in"])
    if state := versions.state(row):
        response["X-Versions-Enabled"] = state
    metadata.put(response, "Container", attributes)


def without_secrets(
    request: HttpRequest, caller: Caller, account: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Metadata that he may set: keys are people's of the account alone."""
    return dict(given) if kit.owns(request, caller, account) else names.without_secrets(given)


def _said(request: HttpRequest, name: str) -> str | None:
    """A header's text; empty if the setting is to go, None if nothing is said about it."""
    key = name.upper().replace("-", "_")
    if f"HTTP_{key}" in request.META:
        return kit.text_of(request.META[f"HTTP_{key}"])
    if f"HTTP_{key.replace('X_', 'X_REMOVE_', 1)}" in request.META:
        return ""
    return None


def _place(text: str) -> str:
    try:
        name = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        name = ""
    if not name or "/" in name:
        raise PreconditionFailed("Container name cannot contain slashes")
    return name
