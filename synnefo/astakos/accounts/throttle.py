"""Guessing is slow: what can be guessed, or done to annoy, is counted per address and per name, in the
database, so that all processes share the count.

``ASTAKOS_LOGIN_ATTEMPTS`` is ``10/m/ip,5/m/key``: so many failures a minute from an address, and so many for
one account. ``ASTAKOS_RATELIMIT_RETRIES_ALLOWED``, where it is set, is the number of the second. Every action
is counted for itself: whoever mistypes tokens can still sign in.

    with throttle.guarding("ec2", access_key, address):   # TooManyRequests, if there were too many failures
        ...                                               # Unauthorized in here is counted as one
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from synnefo.astakos.accounts.models import LoginAttempt
from synnefo.common.faults import TooManyRequests, Unauthorized

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IPV6_NETWORK = 64  # one customer has as many addresses as he likes in a /64
_LOGIN = "login"


def check(name: str, address: str, action: str = _LOGIN) -> None:
    """Raise TooManyRequests if the name or the address has failed too often of late."""
    now = timezone.now()
    for kind, amount, window_s in _limits():
        since = now - datetime.timedelta(seconds=window_s)
        key = _key(action, kind, name, address)
        if LoginAttempt.objects.filter(key=key, at__gt=since).count() >= amount:
            raise TooManyRequests("Too many failed logins. Try again later.")


def note_failure(name: str, address: str, action: str = _LOGIN) -> None:
    now = timezone.now()
    kinds = [kind for kind, _, _ in _limits()]
    LoginAttempt.objects.bulk_create(
        LoginAttempt(key=_key(action, kind, name, address), at=now) for kind in kinds
    )


@contextmanager
def guarding(action: str, name: str, address: str) -> Iterator[None]:
    """Around the check of a credential. Raises TooManyRequests; an Unauthorized that passes is counted."""
    check(name, address, action)
    try:
        yield
    except Unauthorized:
        note_failure(name, address, action)
        raise


def count(action: str, name: str, address: str) -> None:
    """For what is limited even when it succeeds (a mail to a stranger). Raises TooManyRequests."""
    check(name, address, action)
    note_failure(name, address, action)


def forget_old() -> int:
    """Remove what no limit counts any more; returns how many."""
    longest = max((window_s for _, _, window_s in _limits()), default=0)
    border = timezone.now() - datetime.timedelta(seconds=longest)
    return LoginAttempt.objects.filter(at__lte=border).delete()[0]


def _limits() -> tuple[tuple[str, int, int], ...]:
    return _rates(settings.ASTAKOS_LOGIN_ATTEMPTS, settings.ASTAKOS_RATELIMIT_RETRIES_ALLOWED)


@functools.cache
def _rates(text: str, retries: int | None) -> tuple[tuple[str, int, int], ...]:
    """(``ip`` or ``key``, failures, window in seconds) for each part of the setting."""
    rates = []
    for part in filter(None, text.split(",")):
        amount, unit, kind = part.strip().split("/")
        rates.append((kind, int(amount), int(unit[:-1] or 1) * _SECONDS[unit[-1]]))
    if retries is not None:
        rates = [rate for rate in rates if rate[0] != "key"] + [("key", retries, _SECONDS["m"])]
    return tuple(rates)


def _key(action: str, kind: str, name: str, address: str) -> str:
    text = _network(address) if kind == "ip" else name.strip().lower()
    digest = hashlib.sha256(f"{action}:{text}".encode(errors="replace")).hexdigest()
    return f"{kind}:{digest}"


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
