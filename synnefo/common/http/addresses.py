"""Where clients find this cloud and its object store. Settings and what the request says, nothing else.

Behind a front proxy ``SYNNEFO_PUBLIC_URL`` and ``PITHOS_PUBLIC_URL`` say it; else a client that got here
gets there by the same name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

_DAV = "dav"


def base_url(request: HttpRequest) -> str:
    """The address of this cloud as the client may use it, without a slash at the end."""
    public: str = settings.SYNNEFO_PUBLIC_URL
    return (public or f"{request.scheme}://{request.get_host()}").rstrip("/")


def objects_url(request: HttpRequest) -> str:
    """The origin (``http://host:port``) of the object store; browsers call it with the token in a header.

    Another port of the same host where processes of their own serve objects (``PITHOS_LISTEN``), unless a
    front proxy hides that.
    """
    public: str = settings.PITHOS_PUBLIC_URL or settings.SYNNEFO_PUBLIC_URL
    if public:
        return public.rstrip("/")
    if not settings.PITHOS_LISTEN:
        return base_url(request)
    name = urlsplit(f"//{request.get_host()}").hostname or ""
    host = f"[{name}]" if ":" in name else name
    return f"{request.scheme}://{host}:{settings.PITHOS_LISTEN.rpartition(':')[2]}"


def objects_path() -> str:
    """What all paths of the object store begin with: ``/pithos/object-store``."""
    base: str = settings.PITHOS_BASE_PATH.strip("/")
    return f"/{base}/object-store" if base else "/object-store"


def dav_path() -> str:
    """What all paths of the object store's WebDAV face begin with: ``/pithos/dav``."""
    return objects_path().removesuffix("object-store") + _DAV


def service_of(request: HttpRequest) -> str:
    """The type of the service whose path was asked for: the first part below its base, past ``openstack``."""
    bases = {settings.ASTAKOS_BASE_PATH, settings.CYCLADES_BASE_PATH, settings.PITHOS_BASE_PATH}
    prefixes = [f"/{base.strip('/')}/".replace("//", "/") for base in bases]
    for prefix in sorted(prefixes, key=len, reverse=True):
        if request.path.startswith(prefix):
            parts = [part for part in request.path[len(prefix) :].split("/") if part != "openstack"]
            first = parts[0] if parts else ""
            return "object-store" if first == _DAV else first
    return ""
