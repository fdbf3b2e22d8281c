"""What stands around every page: who is signed in, his projects, where one can go."""

from __future__ import annotations

import dataclasses

from django.conf import settings
from django.http import HttpRequest

from synnefo import __version__
from synnefo.common.accounts import accounts
from synnefo.common.pages import caller_of_session, identity_of_session


@dataclasses.dataclass(frozen=True)
class Entry:
    """A place in the navigation. ``under`` is the path below which it is the current one."""

    title: str
    icon: str
    under: str


@dataclasses.dataclass(frozen=True)
class Project:
    uuid: str
    name: str
    own: bool
    current: bool


ENTRIES = {"cyclades": (Entry("Servers", "server", "/ui/servers/"),)}


class Frame:
    """Computed where a template asks for it, and only for pages of people who are signed in."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def entries(self) -> list[dict[str, object]]:
        known = [entry for name in settings.SYNNEFO_SERVICES for entry in ENTRIES.get(name, ())]
        return [{"entry": entry, "current": self._request.path.startswith(entry.under)} for entry in known]

    def user(self) -> str:
        return identity_of_session(self._request).user_name

    def projects(self) -> list[Project]:
        """His projects by name, his own one first."""
        caller = caller_of_session(self._request)
        names = accounts().names(caller.projects)
        found = [
            Project(uuid, names.get(uuid, uuid), uuid == caller.user, uuid == caller.project)
            for uuid in caller.projects
        ]
        return sorted(found, key=lambda project: (not project.own, project.name.lower()))

    def project(self) -> Project | None:
        return next((project for project in self.projects() if project.current), None)


def context(request: HttpRequest) -> dict[str, object]:
    return {"frame": Frame(request), "SYNNEFO_VERSION": __version__}
