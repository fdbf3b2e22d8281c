"""Headers and parameters whose wish is not fulfilled here, and which must not be passed over in silence."""

from __future__ import annotations

from django.http import HttpRequest

from synnefo.common.faults import NotImplementedFault

_OF_OBJECTS = {
    "HTTP_X_OBJECT_MANIFEST": "Objects cannot be put together from parts.",
    "HTTP_X_SYMLINK_TARGET": "Objects cannot be links to others.",
    "HTTP_X_DELETE_AT": "Objects cannot expire.",
    "HTTP_X_DELETE_AFTER": "Objects cannot expire.",
}
_OF_CONTAINERS = {
    "HTTP_X_CONTAINER_READ": "Containers cannot be shared by access lists.",
    "HTTP_X_CONTAINER_WRITE": "Containers cannot be shared by access lists.",
    "HTTP_X_CONTAINER_SYNC_TO": "Containers cannot be synchronized.",
    "HTTP_X_VERSIONS_LOCATION": "Old versions are kept in their own container only.",
    "HTTP_X_HISTORY_LOCATION": "Old versions are kept in their own container only.",
    "HTTP_X_VERSIONS_ENABLED": "Old versions are kept by the container's policy.",
}
_OF_ACCOUNTS = {"HTTP_X_ACCOUNT_ACCESS_CONTROL": "Accounts cannot be shared by access lists."}


def in_object(request: HttpRequest) -> None:
    """Raises NotImplementedFault."""
    _refuse(request, _OF_OBJECTS)
    if request.META.get("HTTP_TRANSFER_ENCODING", "").strip().lower() not in ("", "chunked", "identity"):
        raise NotImplementedFault("Bodies come as they are, or in chunks.")
    if request.GET.get("multipart-manifest") == "put":
        raise NotImplementedFault("Objects cannot be put together from parts.")


def in_container(request: HttpRequest) -> None:
    """Raises NotImplementedFault."""
    _refuse(request, _OF_CONTAINERS)


def in_account(request: HttpRequest) -> None:
    """Raises NotImplementedFault."""
    _refuse(request, _OF_ACCOUNTS)


def _refuse(request: HttpRequest, refusals: dict[str, str]) -> None:
    for name, why in refusals.items():
        if request.META.get(name, "").strip():
            raise NotImplementedFault(why)
