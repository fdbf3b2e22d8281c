"""What pages are told of the object store: where it is, for the scripts that up- and download."""

from __future__ import annotations

from django.http import HttpRequest

from synnefo.common.http.addresses import objects_url


def context(request: HttpRequest) -> dict[str, object]:
    """``pithos_origin`` (``http://host:port``): scripts call it with ``X-Auth-Token``, never with cookies."""
    return {"pithos_origin": lambda: objects_url(request)}
