"""The accounts seam for services that run elsewhere: Astakos over HTTP, with a service token.

``ASTAKOS_SEAM_URL`` is the address of its account API, ``ASTAKOS_SEAM_TOKEN`` the token that
``snf-manage component-modify --renew-token`` printed. What a token says is remembered for a few seconds, so
a revoked one may live that much longer here. While Astakos is away it is remembered for an hour, for reading.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import httpx
from django.conf import settings

from synnefo.common.accounts import Accounts, Held, Identity, Provision, QuotaUse
from synnefo.common.faults import ItemNotFound, OverLimit, ServiceUnavailable, TooManyRequests, Unauthorized
from synnefo.common.locks import Lock

_CACHE_S = 5.0
_GRACE_S = 3600.0
_AWAY_S = 1.0
_MOST_KEPT = 10_000
_TIMEOUT_S = 10.0
_UNREACHABLE = "Accounts cannot be reached at the moment."


class _Kept(NamedTuple):
    """When something was asked, and the answer; ``key`` is empty but for access keys."""

    asked: float
    identity: Identity
    key: bytes

    def remembered(self) -> tuple[Identity, bytes]:
        return dataclasses.replace(self.identity, remembered=True), self.key


class HttpAccounts(Accounts):
    same_database = False

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(
            base_url=settings.ASTAKOS_SEAM_URL,
            headers={"X-Auth-Token": settings.ASTAKOS_SEAM_TOKEN},
            timeout=_TIMEOUT_S,
        )
        #: By the digest of what was asked about.
        self._kept: dict[tuple[str, bytes], _Kept] = {}
        self._away = -_AWAY_S
        self._guard = threading.Lock()

    def identify(self, token: str) -> Identity:
        return self._identity("token", token, "service/identities", {"token": token})[0]

    def remembered(self, token: str) -> Identity | None:
        known = self._kept.get(_place("token", token))
        return known.identity if known and time.monotonic() < known.asked + _CACHE_S else None

    def identity_of_user(self, user: str) -> Identity:
        return self._identity("user", user, "service/identities", {"user": user})[0]

    def program(self, user: str, secret: str, *, address: str) -> Identity:
        asked = {"user": user, "secret": secret}
        question = {"program": {**asked, "address": address}}
        return self._identity("program", "\n".join(asked.values()), "service/identities", question)[0]

    def signing_key(
        self, access: str, date: str, region: str, service: str, *, address: str
    ) -> tuple[Identity, bytes]:
        asked = {"access": access, "date": date, "region": region, "service": service}
        return self._identity(
            "key", "/".join(asked.values()), "service/signing_keys", {**asked, "address": address}
        )

    def redeem_code(self, code: str, redirect_uri: str, client: tuple[str, str], *, address: str) -> str:
        identifier, secret = client
        asked = {"code": code, "redirect_uri": redirect_uri, "client": identifier, "secret": secret}
        return self._token("service/codes", {**asked, "address": address})

    def identity_of_access(self, token: str, place: str) -> Identity:
        asked = {"token": token, "place": place}
        return self._identity("access", "\n".join(asked.values()), "service/identities", {"access": asked})[0]

    def short_token(self, user: str, project: str, lifetime_s: int) -> str:
        return self._token("service/tokens", {"user": user, "project": project, "lifetime_s": lifetime_s})

    def issue(self, provisions: Sequence[Provision], *, name: str, force: bool = False) -> int:
        parts = [
            {
                "holder": part.holder,
                "source": part.source,
                "resource": part.resource,
                "quantity": part.quantity,
            }
            for part in provisions
        ]
        answer = self._ask("POST", "commissions", {"provisions": parts, "name": name, "force": force})
        return int(answer["serial"])

    def append_usage(self, provisions: Sequence[Provision], lock: Sequence[Lock] = ()) -> bool:
        return False

    def resolve(self, accept: Iterable[int], reject: Iterable[int]) -> None:
        taken = list(accept)
        given_back = [serial for serial in reject if serial not in taken]
        if taken or given_back:
            self._ask("POST", "commissions/action", {"accept": taken, "reject": given_back})

    def pending(self, *, issued_before: datetime.datetime) -> list[int]:
        serials: list[int] = self._ask("GET", "commissions", issued_before=issued_before.isoformat())
        return serials

    def take_over(self, component: str) -> None:
        """They are: whoever has a component's token settles what it issued."""

    def quotas(self, user: str, project: str) -> dict[str, QuotaUse]:
        try:
            found = self._ask("GET", "service_quotas", user=user, project=project)
        except ItemNotFound:
            return {}
        return {name: QuotaUse(**use) for name, use in found[user][project].items()}

    def shares(self, user: str) -> dict[str, dict[str, QuotaUse]]:
        try:
            found = self._ask("GET", "service_quotas", user=user)[user]
        except ItemNotFound:
            return {}
        return {
            project: {name: QuotaUse(**use) for name, use in uses.items()} for project, uses in found.items()
        }

    def held(self, resource: str) -> list[Held]:
        shares = [
            Held(f"user:{user}", f"project:{project}", use["limit"], use["usage"], use["pending"])
            for user, by_project in self._ask("GET", "service_quotas").items()
            for project, uses in by_project.items()
            for name, use in uses.items()
            if name == resource
        ]
        pools = [
            Held(
                f"project:{project}", None, use["project_limit"], use["project_usage"], use["project_pending"]
            )
            for project, uses in self._ask("GET", "service_project_quotas").items()
            for name, use in uses.items()
            if name == resource
        ]
        return sorted([*shares, *pools], key=lambda one: (one.holder, one.source or ""))

    def names(self, uuids: Iterable[str]) -> dict[str, str]:
        names: dict[str, str] = self._ask("POST", "service/names", {"uuids": list(uuids)})
        return names

    def users_like(self, text: str) -> list[str]:
        users: list[str] = self._ask("POST", "service/users", {"like": text})["users"]
        return users

    def _token(self, path: str, wanted: object) -> str:
        """A token that Astakos makes. Raises Unauthorized where it makes none."""
        try:
            return str(self._ask("POST", path, wanted)["token"])
        except ItemNotFound as fault:
            raise Unauthorized(fault.message) from fault

    def _identity(self, kind: str, text: str, path: str, question: object) -> tuple[Identity, bytes]:
        """What Astakos says to a question about ``text``, or has said a moment ago."""
        place = _place(kind, text)
        known, now = self._kept.get(place), time.monotonic()
        if known and now < known.asked + _CACHE_S:
            return known.identity, known.key
        if known and now < self._away + _AWAY_S:  # not every reader waits for the time-out
            return known.remembered()
        try:
            found = self._ask("POST", path, question)
        except ItemNotFound as fault:
            self._kept.pop(place, None)
            raise Unauthorized(fault.message) from fault
        except ServiceUnavailable:
            self._away = time.monotonic()
            if not known or now > known.asked + _GRACE_S:
                raise
            return known.remembered()
        key = bytes.fromhex(found.pop("key", ""))
        sets = {name: frozenset(found[name]) for name in ("projects", "roles", "services")}
        identity = Identity(**{**found, **sets})
        with self._guard:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[place] = _Kept(now, identity, key)
        return identity, key

    def _ask(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """The decoded answer. Raises the fault that Astakos told, or ServiceUnavailable."""
        try:
            response = self._client.request(method, path, json=body, params=query or None)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnavailable(_UNREACHABLE) from error
        if response.is_success:
            return answer
        told: dict[str, Any] = next(iter(answer.values()), {}) if isinstance(answer, dict) else {}
        if response.status_code == OverLimit.status:
            raise OverLimit(told.get("message", ""), data=told.get("data"))
        if response.status_code == ItemNotFound.status:
            raise ItemNotFound(told.get("message", ""), data=told.get("data"))
        if response.status_code == TooManyRequests.status:
            raise TooManyRequests(told.get("message", ""))
        raise ServiceUnavailable(_UNREACHABLE)


def _place(kind: str, text: str) -> tuple[str, bytes]:
    return kind, hashlib.sha256(text.encode(errors="backslashreplace")).digest()
