"""Where a user is signed in: one row of allauth's per session; seen, and ended from elsewhere."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound
from synnefo.common.transactions import atomic

_SEEN_EVERY = datetime.timedelta(minutes=1)
_BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("CrOS", "ChromeOS"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Device:
    """A session, as a row shows it."""

    pk: int
    name: str
    address: str
    since: datetime.datetime
    last_seen: datetime.datetime
    is_this: bool


class LastSeen:
    """The middleware that notes, at most once a minute, that a session is in use, and from where."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(getattr(request, "_cached_user", None), "is_authenticated", False):  # asked for already
            _touch(request)
        return response


def devices_of(user: User, session_key: str | None) -> list[Device]:
    """This one first, then the latest. Sessions that ended or ran out are forgotten on the way."""
    rows: list[UserSession] = UserSession.objects.purge_and_list(user)
    rows.sort(key=lambda row: (row.session_key != session_key, -row.last_seen_at.timestamp()))
    return [
        Device(
            row.pk,
            device_name(row.user_agent),
            row.ip,
            row.created_at,
            row.last_seen_at,
            row.session_key == session_key,
        )
        for row in rows
    ]


def end(caller: Caller, user: User, pk: int) -> None:
    """Sign out one session. Raises ItemNotFound."""
    _end(caller, user, UserSession.objects.filter(user=user, pk=pk), required=True)


def end_others(caller: Caller, user: User, session_key: str | None) -> int:
    """Sign out everywhere but here; returns how many sessions that were."""
    return _end(caller, user, UserSession.objects.filter(user=user).exclude(session_key=session_key))


def device_name(user_agent: str) -> str:
    """``Firefox on Linux``, as far as the browser tells."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def _end(caller: Caller, user: User, rows: QuerySet[UserSession], *, required: bool = False) -> int:
    with atomic():
        found = list(rows)
        if required and not found:
            raise ItemNotFound("This session has ended already.")
        for row in found:
            row.end()
        if found:
            audit.record(caller, "user.sessions-end", "user", user.uuid, count=len(found))
    return len(found)


def _touch(request: HttpRequest) -> None:
    now = timezone.now()
    UserSession.objects.filter(
        session_key=request.session.session_key, last_seen_at__lt=now - _SEEN_EVERY
    ).update(last_seen_at=now, ip=get_adapter().get_client_ip(request))
