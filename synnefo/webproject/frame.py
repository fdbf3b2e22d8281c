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


HOME = Entry("Dashboard", "dashboard", "/ui/")
#: Places of each service, under the heading that they stand below.
ENTRIES: dict[str, dict[str, tuple[Entry, ...]]] = {
    "cyclades": {
        "Compute": (
            Entry("Servers", "server", "/ui/servers/"),
            Entry("Images", "disk", "/ui/images/"),
            Entry("Keys", "key", "/ui/keys/"),
        ),
        "Network": (
            Entry("Networks", "network", "/ui/networks/"),
            Entry("Floating IPs", "globe", "/ui/floating-ips/"),
        ),
    },
    "pithos": {"Storage": (Entry("Files", "folder", "/ui/files/"),)},
    "astakos": {"Account": (Entry("Tokens", "key", "/ui/tokens/"),)},
}


class Frame:
    """Computed where a template asks for it, and only for pages of people who are signed in."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def groups(self) -> list[dict[str, object]]:
        """Headings with their places: the dashboard without one, then what the enabled services have."""
        found: dict[str, list[Entry]] = {"": [HOME]}
        for name in (name for name in ENTRIES if name in settings.SYNNEFO_SERVICES):
            for heading, entries in ENTRIES[name].items():
                found.setdefault(heading, []).extend(entries)
        return [{"heading": name, "places": [self._place(one) for one in row]} for name, row in found.items()]

    def has_servers(self) -> bool:
        return "cyclades" in settings.SYNNEFO_SERVICES

    def is_admin(self) -> bool:
        return identity_of_session(self._request).is_admin and "astakos" in settings.SYNNEFO_SERVICES

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

    def _place(self, entry: Entry) -> dict[str, object]:
        path = self._request.path
        here = path == entry.under if entry is HOME else path.startswith(entry.under)
        return {"entry": entry, "current": here}


def context(request: HttpRequest) -> dict[str, object]:
    return {"frame": Frame(request), "SYNNEFO_VERSION": __version__}
