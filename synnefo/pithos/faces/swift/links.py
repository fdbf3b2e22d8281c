"""Links from one object to another (``X-Symlink-Target``): what they say, and where they lead.

A link is an empty object. One that is static also says the ETag that its target must have.
"""

from __future__ import annotations

import dataclasses
from urllib.parse import quote, unquote_to_bytes

from django.http import HttpRequest

from synnefo.common.faults import BadRequest, PreconditionFailed
from synnefo.pithos.faces.swift import kit
from synnefo.pithos.namespace.models import SWIFT, Attributes
from synnefo.pithos.namespace.names import Path

MOST_HOPS = 2
_TARGET = "HTTP_X_SYMLINK_TARGET"


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """``etag`` and ``size_bytes`` are those of the target of a static link; else empty."""

    target: Path
    other_account: bool = False
    etag: str = ""
    size_bytes: str = ""
    slo_etag: str = ""

    @property
    def location(self) -> str:
        """The target as an address below the place of all accounts."""
        return f"/v1/{kit.PREFIX}{self.target.account}/{self.address}"

    @property
    def address(self) -> str:
        return quote(f"{self.target.container}/{self.target.name}")

    def headers(self) -> dict[str, str]:
        """As it is told to who asks for the link itself."""
        account = kit.PREFIX + self.target.account if self.other_account else ""
        found = {
            "X-Symlink-Target": self.address,
            "X-Symlink-Target-Account": account,
            "X-Symlink-Target-Etag": self.etag,
            "X-Symlink-Target-Bytes": self.size_bytes,
        }
        return {name: value for name, value in found.items() if value}

    def kept(self) -> dict[str, str]:
        """As it is kept with the object that is the link."""
        return {
            "link": f"{self.target.container}/{self.target.name}",
            "link-account": self.target.account if self.other_account else "",
            "link-etag": self.etag,
            "link-bytes": self.size_bytes,
            "link-slo": self.slo_etag,
        }


def of(attributes: Attributes, account: str) -> Link | None:
    """The link that an object of an account is, if any; into the same account unless it says another."""
    kept = attributes.get(SWIFT, {})
    if "link" not in kept:
        return None
    container, name = kept["link"].split("/", 1)
    other = kept.get("link-account", "")
    more = (kept.get(key, "") for key in ("link-etag", "link-bytes", "link-slo"))
    return Link(Path(other or account, container, name), bool(other), *more)


def asked(request: HttpRequest, path: Path) -> Link | None:
    """The link that a request wants to make. Raises BadRequest, PreconditionFailed."""
    if _TARGET not in request.META:
        return None
    text = decoded(request.META[_TARGET])
    container, _, name = text.partition("/")
    if not container or not name:
        raise PreconditionFailed("X-Symlink-Target header must be of the form <container name>/<object name>")
    account = _account(request)
    target = Path(account or path.account, container, name)
    if target == path:
        raise BadRequest("Symlink cannot target itself")
    etag = request.META.get(f"{_TARGET}_ETAG", "").strip().strip('"').lower()
    if any(character in etag for character in ';"\\'):
        raise BadRequest("Bad X-Symlink-Target-Etag format")
    return Link(target, bool(account), etag)


def turned(request: HttpRequest, attributes: Attributes, account: str) -> Link | None:
    """What a link that is copied becomes where the request says the account it leads into; else None.

    Raises PreconditionFailed.
    """
    link, wanted = of(attributes, account), _account(request)
    if link is None or not wanted:
        return None
    target = dataclasses.replace(link.target, account=wanted)
    return dataclasses.replace(link, target=target, other_account=True)


def _account(request: HttpRequest) -> str:
    """The account that a target is said to be in, if any. Raises PreconditionFailed."""
    account = decoded(request.META.get(f"{_TARGET}_ACCOUNT", ""))
    if "/" in account or (account and not account.startswith(kit.PREFIX)):
        raise PreconditionFailed("Account name cannot contain slashes")
    return account.removeprefix(kit.PREFIX)


def decoded(text: str) -> str:
    try:
        found = unquote_to_bytes(kit.text_of(text)).decode()
    except UnicodeDecodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    if "\x00" in found:
        raise PreconditionFailed("Invalid UTF8 or contains NULL")
    return found
