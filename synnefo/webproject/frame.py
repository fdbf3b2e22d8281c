"""What stands around every page: who is signed in, his projects, where one can go."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from synnefo import __version__
from synnefo.common.accounts import accounts
from synnefo.common.pages import caller_of_session, identity_of_session
from synnefo.common.shown import Notice, Place


@dataclasses.dataclass(frozen=True)
class Project:
    uuid: str
    name: str
    own: bool
    current: bool


@dataclasses.dataclass(frozen=True)
class Announcement:
    colour: str
    words: str


#: Pages that have announcements of their own, by the name of their view.
_ANNOUNCING = {"account_login": "LOGIN", "account_signup": "SIGNUP", "profile": "PROFILE"}
#: How older installations and ours name colours.
_COLOURS = {name: name for name in ("info", "success", "warning", "danger")} | {"error": "danger"}

HOME = Place("Dashboard", "dashboard", "/ui/")
#: The headings of the navigation, from top to bottom.
HEADINGS = ("", "Compute", "Network", "Storage", "Project", "Account", "Review")
#: Places of each service, under the heading that they stand below. Those that are not the same for everybody
#: are what ``places(caller)`` of its ``pages`` says; they stand before these.
ENTRIES: dict[str, dict[str, tuple[Place, ...]]] = {
    "cyclades": {
        "Compute": (
            Place("Servers", "server", "/ui/servers/"),
            Place("Volumes", "disk", "/ui/volumes/"),
            Place("Snapshots", "clock", "/ui/snapshots/"),
            Place("Images", "box", "/ui/images/"),
            Place("Flavors", "size", "/ui/flavors/"),
            Place("Keys", "key", "/ui/keys/"),
        ),
        "Network": (
            Place("Topology", "topology", "/ui/topology/"),
            Place("Networks", "network", "/ui/networks/"),
            Place("Routers", "router", "/ui/routers/"),
            Place("Floating IPs", "globe", "/ui/floating-ips/"),
            Place("Security groups", "group", "/ui/security-groups/"),
        ),
    },
    "pithos": {"Storage": (Place("Files", "folder", "/ui/files/"),)},
    "astakos": {"Account": (Place("Tokens", "key", "/ui/tokens/"),)},
}


class Frame:
    """Computed where a template asks for it, and only for pages of people who are signed in."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def groups(self) -> list[dict[str, object]]:
        """Headings with their places: the dashboard without one, then what the enabled services have."""
        found: dict[str, list[Place]] = {heading: [] for heading in HEADINGS}
        found[""].append(HOME)
        for name in (name for name in ENTRIES if name in settings.SYNNEFO_SERVICES):
            for rows in (self._asked(name, "places", {}), ENTRIES[name]):
                for heading, places in rows.items():
                    found[heading].extend(places)
        here = self._nearest([place for row in found.values() for place in row])
        return [{"heading": name, "places": row, "here": here} for name, row in found.items() if row]

    def notices(self) -> list[Notice]:
        """What one should know, youngest first."""
        found = [one for name in settings.SYNNEFO_SERVICES for one in self._asked(name, "notices", [])]
        return sorted(found, key=lambda notice: notice.at, reverse=True)

    def announcements(self) -> list[Announcement]:
        """What the installation has to say on this page: ``ASTAKOS_LOGIN_MESSAGES`` and its like."""
        match = self._request.resolver_match
        page = _ANNOUNCING.get(match.url_name or "") if match is not None else None
        found = []
        for name in ("GLOBAL", page) if page else ("GLOBAL",):
            said = getattr(settings, f"ASTAKOS_{name}_MESSAGES", ())
            found += list(said.items() if isinstance(said, dict) else said)
        return [Announcement(_COLOURS.get(css, "info"), words) for css, words in found]

    def has_servers(self) -> bool:
        return "cyclades" in settings.SYNNEFO_SERVICES

    def answers_requests(self) -> bool:
        """Whether one can ask for more quota here."""
        return "astakos" in settings.SYNNEFO_SERVICES

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

    def _asked(self, service: str, what: str, otherwise: Any) -> Any:
        """What a service's pages say to who is signed in."""
        answer = getattr(import_module(f"synnefo.{service}.pages"), what, None)
        return answer(caller_of_session(self._request)) if answer else otherwise

    def _nearest(self, places: list[Place]) -> Place | None:
        """The place in which this page is: of those above it, the nearest."""
        path = self._request.path
        above = [one for one in places if path == one.path or (one is not HOME and path.startswith(one.path))]
        return max(above, key=lambda place: len(place.path), default=None)


def context(request: HttpRequest) -> dict[str, object]:
    return {"frame": Frame(request), "SYNNEFO_VERSION": __version__}
