"""Access lists of containers in Swift's grammar: what they may say, and what they give to whom.

``.r:*``, ``.r:.example.org``, ``.r:-thief.example.org``: pages that a browser comes from; later ones win.
``.rlistings``: who comes from there may list, too. ``project:user``, with uuids, names or ``*`` on each side:
signed in users; the project may also be the account's, for a user is one everywhere. A word alone: a project,
all of it, or a role in the project whose account it is.
Which account's lists they are, and what follows from it, is not decided here.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote, urlsplit

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest
from synnefo.pithos.namespace.names import check_characters

#: What S3 calls public-read: whoever comes reads and lists.
EVERYBODY_READS = ".r:*,.rlistings"
LISTINGS = ".rlistings"
MAX_TEXT = 16 * 1024

_DESIGNATORS = (".r", ".ref", ".referer", ".referrer")

#: Display names by uuid, as the accounts seam tells them.
Names = Callable[[Iterable[str]], Mapping[str, str]]


class Access(enum.Flag):
    NONE = 0
    READ = 1
    LIST = 2
    WRITE = 4


@dataclasses.dataclass(frozen=True, slots=True)
class _List:
    referrers: tuple[str, ...]
    groups: tuple[str, ...]


def cleaned(text: str, *, write: bool = False) -> str:
    """A list as it is kept: without spaces and empty entries. Raises BadRequest."""
    if len(text) > MAX_TEXT:
        raise BadRequest(f"Access lists have at most {MAX_TEXT} characters.")
    check_characters(text)
    entries = (entry.strip() for entry in text.split(","))
    return ",".join(_cleaned(entry, write) for entry in entries if entry)


def given(lists: Mapping[str, str], caller: Caller, account: str, names: Names | None = None) -> Access:
    """What a container's lists (``read`` and ``write``) give to somebody; the account is whose they are.

    Names are asked for only where an entry needs them: by default from the accounts seam.
    """
    asked = names or _names
    access = Access.NONE
    if text := lists.get("read", ""):
        found = _parsed(text)
        if _comes_from(caller.referrer, found.referrers):
            access |= Access.READ | (Access.LIST if LISTINGS in found.groups else Access.NONE)
        if _belongs(found.groups, caller, account, asked):
            access |= Access.READ | Access.LIST
    if (text := lists.get("write", "")) and _belongs(_parsed(text).groups, caller, account, asked):
        access |= Access.WRITE
    return access


def is_for_everybody(text: str) -> bool:
    """Whether a list lets anybody read, wherever he comes from."""
    return "*" in _parsed(text).referrers and not any(one.startswith("-") for one in _parsed(text).referrers)


def _cleaned(entry: str, write: bool) -> str:
    first, colon, second = (part.strip() for part in entry.partition(":"))
    if not colon or not first.startswith("."):
        return entry
    if first not in _DESIGNATORS:
        raise BadRequest(f"Unknown designator {first!r} in ACL: {entry!r}")
    if write:
        raise BadRequest(f"Referrers not allowed in write ACL: {entry!r}")
    minus = "-" if second.startswith("-") else ""
    host = second.removeprefix("-").strip()
    if host != "*":
        host = host.removeprefix("*").strip()
    if host in ("", "."):
        raise BadRequest(f"No host/domain value after referrer designation in ACL: {entry!r}")
    return f".r:{minus}{host}"


@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> _List:
    entries = text.split(",")
    referrers = tuple(entry.removeprefix(".r:") for entry in entries if entry.startswith(".r:"))
    return _List(referrers, tuple(unquote(entry) for entry in entries if not entry.startswith(".r:")))


def _comes_from(referrer: str, rules: tuple[str, ...]) -> bool:
    """The last rule that is about the page decides."""
    host = _host(referrer)
    for rule in reversed(rules):
        wanted = rule.removeprefix("-")
        if wanted in ("*", host) or (wanted.startswith(".") and host.endswith(wanted)):
            return not rule.startswith("-")
    return False


def _host(referrer: str) -> str:
    try:
        return urlsplit(referrer).hostname or "unknown"
    except ValueError:
        return "unknown"


def _belongs(groups: tuple[str, ...], caller: Caller, account: str, names: Names) -> bool:
    """Whether somebody who is signed in is among those named."""
    if not caller.user:
        return False
    projects = {caller.project} if caller.scope is Scope.PROJECT else {caller.project, *caller.projects}
    users = {"*", caller.user, caller.name.lower()} - {""}
    for entry in groups:
        project, colon, user = entry.rpartition(":")
        if not colon:
            if _is_project(entry, projects, names) or (account in projects and entry in caller.roles):
                return True
        elif user.lower() in users and (project == "*" or _is_project(project, projects, names)):
            return True
        elif user != "*" and user.lower() in users and project == account:
            return True  # as v1 auth calls him where he works in this account
    return False


def _is_project(text: str, projects: set[str], names: Names) -> bool:
    return text in projects or (not text.startswith(".") and text in names(projects).values())


def _names(uuids: Iterable[str]) -> Mapping[str, str]:
    return accounts().names(uuids)
