"""Headers and parameters whose wish is not fulfilled here, and which must not be passed over in silence."""

from __future__ import annotations

from django.http import HttpRequest

from synnefo.common.faults import NotImplementedFault

_OF_CONTAINERS = {
    "HTTP_X_CONTAINER_SYNC_TO": "Containers cannot be synchronized.",
}


def in_object(request: HttpRequest) -> None:
    """Raises NotImplementedFault."""
    if request.META.get("HTTP_TRANSFER_ENCODING", "").strip().lower() not in ("", "chunked", "identity"):
        raise NotImplementedFault("Bodies come as they are, or in chunks.")


def in_container(request: HttpRequest) -> None:
    """Raises NotImplementedFault."""
    _refuse(request, _OF_CONTAINERS)


def _refuse(request: HttpRequest, refusals: dict[str, str]) -> None:
    for name, why in refusals.items():
        if request.META.get(name, "").strip():
            raise NotImplementedFault(why)
