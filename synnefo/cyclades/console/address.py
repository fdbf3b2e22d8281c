"""Where the console proxy listens, and how pages and browsers find it. Settings and text only."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from django.conf import settings

from synnefo.common.conf import ConfigurationError

#: The path of the websocket; the rest of the proxy is ``/healthz``.
PATH = "/vnc"
#: The path of the websocket for classic VNC clients, which bring a password instead of a ticket.
CLASSIC_PATH = "/"


def listen_address() -> tuple[str, int]:
    """Host and port that the proxy binds; beside the web process unless the setting says otherwise."""
    own: str = settings.CYCLADES_CONSOLE_LISTEN
    if own:
        return _host_and_port("CYCLADES_CONSOLE_LISTEN", own)
    host, port = _host_and_port("SYNNEFO_LISTEN", settings.SYNNEFO_LISTEN)
    return host, port + 1


def classic_address() -> tuple[str, int]:
    """Host and port that the proxy binds for classic VNC clients."""
    own: str = settings.CYCLADES_CONSOLE_VNC_LISTEN
    if own:
        return _host_and_port("CYCLADES_CONSOLE_VNC_LISTEN", own)
    host, port = _host_and_port("SYNNEFO_LISTEN", settings.SYNNEFO_LISTEN)
    return host, port + 4


def websocket_url(page_host: str, *, secure: bool) -> str:
    """The websocket as a browser reaches it, for a page that it got from ``page_host`` (with port).

    Behind a front proxy ``CYCLADES_CONSOLE_URL`` says it; else it is the page's host at the proxy's port.
    """
    fixed: str = settings.CYCLADES_CONSOLE_URL
    if fixed:
        return fixed
    name = urlsplit(f"//{page_host}").hostname or ""
    host = f"[{name}]" if ":" in name else name
    return f"{'wss' if secure else 'ws'}://{host}:{listen_address()[1]}{PATH}"


def page_url(base: str, ticket: str, *, server: str, name: str) -> str:
    """The console page that uses a ticket. It stands in the fragment, which browsers send to nobody."""
    parts = {"ticket": ticket, "server": server, "name": name}
    fragment = "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items())
    return f"{base.rstrip('/')}/ui/console/#{fragment}"


def public_base() -> str:
    """The address of the cloud where no request tells it."""
    public: str = settings.SYNNEFO_PUBLIC_URL
    if public:
        return public
    host, port = _host_and_port("SYNNEFO_LISTEN", settings.SYNNEFO_LISTEN)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _host_and_port(name: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"{name}: {text!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)
