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
    return _at_port_of(request, settings.PITHOS_LISTEN)


def accounts_url(request: HttpRequest) -> str:
    """Where browsers find Astakos, without a slash at the end; also for processes that do not serve it."""
    if "astakos" not in settings.SYNNEFO_SERVICES:
        elsewhere: str = settings.ASTAKOS_SEAM_URL
        return elsewhere.partition("/account/")[0]
    origin = base_url(request)
    if not settings.SYNNEFO_PUBLIC_URL and "pages" not in settings.SYNNEFO_WEB_SERVES:
        origin = _at_port_of(request, settings.SYNNEFO_LISTEN)
    return "/".join(filter(None, (origin, settings.ASTAKOS_BASE_PATH.strip("/"))))


def s3_url(request: HttpRequest) -> str:
    """The origin of the object store for clients of S3; empty where there is none."""
    public: str = settings.PITHOS_S3_PUBLIC_URL
    if public or not settings.PITHOS_S3_LISTEN:
        return public.rstrip("/")
    return _at_port_of(request, settings.PITHOS_S3_LISTEN)


def objects_path() -> str:
    """What all paths of the object store begin with: ``/pithos/object-store``."""
    base: str = settings.PITHOS_BASE_PATH.strip("/")
    return f"/{base}/object-store" if base else "/object-store"


def shown_paths() -> tuple[str, str]:
    """What paths begin with that show objects to browsers without a token: public links and views."""
    base = objects_path().removesuffix("object-store")
    return f"{base}public/", f"{base}ui/view/"


def dav_path() -> str:
    """What all paths of the object store's WebDAV face begin with: ``/pithos/dav``."""
    return objects_path().removesuffix("object-store") + _DAV


def swift_paths() -> tuple[str, ...]:
    """What paths begin with where Swift has its own, which some of its clients take for granted."""
    return "/v1/AUTH_", "/auth/v1.0", "/info", "/healthcheck"


def service_of(request: HttpRequest) -> str:
    """The type of the service whose path was asked for: the first part below its base, past ``openstack``."""
    bases = {settings.ASTAKOS_BASE_PATH, settings.CYCLADES_BASE_PATH, settings.PITHOS_BASE_PATH}
    prefixes = [f"/{base.strip('/')}/".replace("//", "/") for base in bases]
    for prefix in sorted(prefixes, key=len, reverse=True):
        if request.path.startswith(prefix):
            parts = [part for part in request.path[len(prefix) :].split("/") if part != "openstack"]
            first = parts[0] if parts else ""
            return "object-store" if first == _DAV else first
    return "object-store" if request.path.startswith(swift_paths()) else ""


def _at_port_of(request: HttpRequest, listen: str) -> str:
    """The origin of other processes on the host that the client has come to."""
    name = urlsplit(f"//{request.get_host()}").hostname or ""
    host = f"[{name}]" if ":" in name else name
    return f"{request.scheme}://{host}:{listen.rpartition(':')[2]}"
