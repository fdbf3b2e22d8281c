"""Guessing is slow: failed logins are counted per address and per name, in the database, so that all
processes share the count. ``ASTAKOS_LOGIN_ATTEMPTS`` is ``10/m/ip,5/m/key``: so many failures a minute."""

from __future__ import annotations

import datetime
import functools
import hashlib
import ipaddress

from django.conf import settings
from django.utils import timezone

from synnefo.astakos.accounts.models import LoginAttempt
from synnefo.common.faults import TooManyRequests

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IPV6_NETWORK = 64  # one customer has as many addresses as he likes in a /64


def check(name: str, address: str) -> None:
    """Raise TooManyRequests if the name or the address has failed too often of late."""
    now = timezone.now()
    for kind, amount, window_s in _rates(settings.ASTAKOS_LOGIN_ATTEMPTS):
        since = now - datetime.timedelta(seconds=window_s)
        if LoginAttempt.objects.filter(key=_key(kind, name, address), at__gt=since).count() >= amount:
            raise TooManyRequests("Too many failed logins. Try again later.")


def note_failure(name: str, address: str) -> None:
    now = timezone.now()
    kinds = [kind for kind, _, _ in _rates(settings.ASTAKOS_LOGIN_ATTEMPTS)]
    LoginAttempt.objects.bulk_create(LoginAttempt(key=_key(kind, name, address), at=now) for kind in kinds)


def forget_old() -> int:
    """Remove what no limit counts any more; returns how many."""
    longest = max((window_s for _, _, window_s in _rates(settings.ASTAKOS_LOGIN_ATTEMPTS)), default=0)
    border = timezone.now() - datetime.timedelta(seconds=longest)
    return LoginAttempt.objects.filter(at__lte=border).delete()[0]


@functools.cache
def _rates(text: str) -> tuple[tuple[str, int, int], ...]:
    """(``ip`` or ``key``, failures, window in seconds) for each part of the setting."""
    rates = []
    for part in filter(None, text.split(",")):
        amount, unit, kind = part.strip().split("/")
        rates.append((kind, int(amount), int(unit[:-1] or 1) * _SECONDS[unit[-1]]))
    return tuple(rates)


def _key(kind: str, name: str, address: str) -> str:
    text = _network(address) if kind == "ip" else name.strip().lower()
    return f"{kind}:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
