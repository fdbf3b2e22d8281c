"""Content from an address that somebody else chose, without reaching what only this host reaches.

Only public addresses are talked to, and those that the operator allows. A name is looked up once a hop and
the connection goes to the address that was looked at, so that no second look-up leads elsewhere; every
redirect is looked at like the first address. Proxies that the environment names are not used. Owns nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterator, Sequence

import httpx

from synnefo.common.faults import BadRequest, RequestTooLarge

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 5
_WEB_PORTS = frozenset((80, 443))
_FIRST_FREE_PORT = 1024
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_PIECE = 1024 * 1024
_MOST_CHARACTERS = 2048
#: IPv6 that stands for IPv4, so that the address itself does not tell where it leads.
_TRANSLATED = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0/96"))
)


def check(url: str, allowed: Sequence[str] = ()) -> None:
    """Whether an address may be asked for, as far as that is known before its name is looked up.

    ``allowed`` are networks (CIDR) that may be reached though they are not public. Raises BadRequest.
    """
    parsed = _parsed(url)
    with contextlib.suppress(ValueError):
        _check_address(ipaddress.ip_address(parsed.host.strip("[]")), allowed)


def fetch(url: str, *, most_bytes: int, deadline_s: float, allowed: Sequence[str] = ()) -> Iterator[bytes]:
    """The content, piece by piece, all of it or an error.

    Raises BadRequest (it may not be asked for, or is not to be had), RequestTooLarge.
    """
    until = time.monotonic() + deadline_s
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
        try:
            for _ in range(_MOST_HOPS + 1):
                with _asked(client, _parsed(url), allowed) as response:
                    if response.status_code not in _REDIRECTS:
                        yield from _content(response, most_bytes, until)
                        return
                    url = str(httpx.URL(url).join(response.headers.get("Location", "")))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise BadRequest(f"{url} cannot be had: {error}") from error
    raise BadRequest(f"{url}: there are more than {_MOST_HOPS} redirects.")


def _parsed(url: str) -> httpx.URL:
    """Raises BadRequest for what is no address of the web, or carries a password."""
    if len(url) > _MOST_CHARACTERS or not url.isprintable():
        raise BadRequest("This is no http or https address.")
    try:
        parsed = httpx.URL(url)
        port = parsed.port
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise BadRequest("This is no http or https address.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise BadRequest(f"{url} does not pass filtering: write an http or https address without a password.")
    if port is not None and port not in _WEB_PORTS and port < _FIRST_FREE_PORT:
        raise BadRequest(f"{url} does not pass filtering: port {port} is none of the web's.")
    return parsed


@contextlib.contextmanager
def _asked(client: httpx.Client, url: httpx.URL, allowed: Sequence[str]) -> Iterator[httpx.Response]:
    """The answer of a server at an address of its name that is allowed; certificates are the name's."""
    address = _looked_up(url, allowed)
    literal = f"[{address}]" if address.version == 6 else str(address)
    request = client.build_request(
        "GET",
        url.copy_with(host=literal),
        headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
        extensions={"sni_hostname": url.host},
    )
    response = client.send(request, stream=True)
    try:
        yield response
    finally:
        response.close()


def _looked_up(url: httpx.URL, allowed: Sequence[str]) -> Address:
    """The first address of a name; none of them may be one that is not allowed. Raises BadRequest."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        rows = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadRequest(f"{url.host} is not known: {error}") from error
    found = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
    for address in found:
        _check_address(address, allowed)
    if not found:
        raise BadRequest(f"{url.host} has no address.")
    return found[0]


def _check_address(address: Address, allowed: Sequence[str]) -> None:
    if any(address in ipaddress.ip_network(network, strict=False) for network in allowed):
        return
    hidden = isinstance(address, ipaddress.IPv6Address) and any(address in net for net in _TRANSLATED)
    if hidden or not address.is_global or address.is_multicast or address.is_reserved:
        raise BadRequest(f"{address} does not pass filtering: it is no public address.")


def _content(response: httpx.Response, most_bytes: int, until: float) -> Iterator[bytes]:
    """Raises BadRequest (no success, cut short, too slow), RequestTooLarge."""
    if response.status_code != 200:
        raise BadRequest(f"The server answered {response.status_code}.")
    told = response.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > most_bytes:
        raise RequestTooLarge(f"The content has more than {most_bytes} bytes.")
    taken = 0
    for piece in response.iter_raw(_PIECE):
        taken += len(piece)
        if taken > most_bytes:
            raise RequestTooLarge(f"The content has more than {most_bytes} bytes.")
        if time.monotonic() > until:
            raise BadRequest("The content took too long to come.")
        yield piece
    if told.isdecimal() and taken != int(told):
        raise BadRequest(f"The content ended after {taken} of {told} bytes.")
