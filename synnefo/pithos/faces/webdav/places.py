"""What paths of this face name: places, by account, container and name."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.addresses import dav_path
from synnefo.common.ids import parse_uuid
from synnefo.pithos.namespace.names import Path

PROJECTS, SHARED = "projects", "shared"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A path below the face, without slashes at its ends, and what it names.

    Without an account it is a list of accounts; without a container an account (at the top the caller's
    own); without a name a container.
    """

    path: str
    account: str = ""
    container: str = ""
    name: str = ""

    @property
    def above(self) -> str:
        """The name of the folder that it is in; empty: the container."""
        return self.name.rpartition("/")[0]

    @property
    def leaf(self) -> str:
        return self.path.rpartition("/")[2]

    def at(self, name: str = "") -> Path:
        """For rules: this place, or another name in its container."""
        return Path(self.account, self.container, name or self.name)

    def inside(self, leaf: str) -> Place:
        """A place in this one, which is a container or a folder in one."""
        name = f"{self.name}/{leaf}" if self.name else leaf
        return dataclasses.replace(self, path=f"{self.path}/{leaf}", name=name)


def find(caller: Caller, path: str) -> Place:
    """Raises BadRequest, ItemNotFound (no such project)."""
    parts = [part for part in path.split("/") if part]
    if "\ufffd" in path or "\x00" in path or {".", ".."} & set(parts):
        raise BadRequest("The path is none.")
    clean = "/".join(parts)
    if not parts or parts[0] not in (PROJECTS, SHARED):
        return _in_account(clean, own_account(caller), parts)
    if len(parts) == 1:
        return Place(clean)
    return _in_account(clean, _account_named(caller, *parts[:2]), parts[2:])


def own_account(caller: Caller) -> str:
    """The account at the top: his own; in project scope that of the project."""
    return caller.project if caller.scope is Scope.PROJECT else caller.user


def href(path: str, *, is_folder: bool) -> str:
    """Where clients find a path of this face; those of folders end in a slash."""
    encoded = quote(path)
    return f"{dav_path()}/{encoded}{'/' if is_folder and encoded else ''}"


def _in_account(path: str, account: str, parts: list[str]) -> Place:
    return Place(path, account, parts[0] if parts else "", "/".join(parts[1:]))


def _account_named(caller: Caller, kind: str, text: str) -> str:
    """By uuid, or (of a project of his) by name."""
    if uuid := parse_uuid(text):
        return uuid
    if kind == PROJECTS:
        for uuid, name in accounts().names(caller.projects).items():
            if name == text:
                return uuid
    raise ItemNotFound("There is no such account.")
