"""The accounts seam for services that share this process and its database (see ``common.accounts``)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from synnefo.astakos.accounts import programs, sessions, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Component
from synnefo.astakos.keys import signing
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import clients, deltas, reading
from synnefo.astakos.quotas import rules as quotas
from synnefo.common.accounts import Accounts, Held, Identity, Provision, QuotaUse
from synnefo.common.faults import BadRequest, ItemNotFound, Unauthorized
from synnefo.common.locks import Lock

_MOST_FOUND = 100


class InProcessAccounts(Accounts):
    same_database = True

    def identify(self, token: str) -> Identity:
        return tokens.identify(token)

    def remember(self) -> None:
        tokens.memory.begin()

    def remembered(self, token: str) -> Identity | None:
        return tokens.remembered(token)

    def identity_of_user(self, user: str) -> Identity:
        return tokens.identity_of_user(user)

    def program(self, user: str, secret: str, *, address: str) -> Identity:
        return programs.identify(user, secret, address=address)

    def signing_key(
        self, access: str, date: str, region: str, service: str, *, address: str
    ) -> tuple[Identity, bytes]:
        return signing.signing_key(access, date, region, service, address=address)

    def redeem_code(self, code: str, redirect_uri: str, client: tuple[str, str], *, address: str) -> str:
        try:
            return oauth.redeem(oauth.proven_client(*client, address=address), code, redirect_uri)[0]
        except BadRequest as fault:
            raise Unauthorized(fault.message) from fault

    def identity_of_access(self, token: str, place: str) -> Identity:
        try:
            return tokens.identity_of_user(oauth.token_of(token, place).user.uuid)
        except ItemNotFound as fault:
            raise Unauthorized(fault.message) from fault

    def short_token(self, user: str, project: str, lifetime_s: int) -> str:
        return sessions.open_for_page(user, project, datetime.timedelta(seconds=lifetime_s))

    def issue(self, provisions: Sequence[Provision], *, name: str, force: bool = False) -> int:
        return quotas.issue(provisions, client=clients.IN_PROCESS, name=name, force=force)

    def append_usage(self, provisions: Sequence[Provision], lock: Sequence[Lock] = ()) -> bool:
        return deltas.append(provisions, lock)

    def resolve(self, accept: Iterable[int], reject: Iterable[int]) -> None:
        quotas.resolve(accept, reject, client=clients.IN_PROCESS)

    def pending(self, *, issued_before: datetime.datetime) -> list[int]:
        return quotas.pending(clients.IN_PROCESS, issued_before=issued_before)

    def take_over(self, component: str) -> None:
        found = Component.objects.filter(name=component).first()
        if found is not None:
            quotas.hand_over(clients.of_component(found), clients.IN_PROCESS)

    def quotas(self, user: str, project: str) -> dict[str, QuotaUse]:
        return reading.of_user(user, projects=[project]).get(project, {})

    def shares(self, user: str) -> dict[str, dict[str, QuotaUse]]:
        return reading.of_user(user)

    def held(self, resource: str) -> list[Held]:
        rows = quotas.holdings_of(resources=[resource]).order_by("holder", "source")
        return [
            Held(row.holder, row.source or None, row.limit, row.usage_max, row.usage_max - row.usage_min)
            for row in rows
        ]

    def names(self, uuids: Iterable[str]) -> dict[str, str]:
        wanted = list(uuids)
        users = User.objects.filter(uuid__in=wanted).values_list("uuid", "username")
        projects = Project.objects.filter(uuid__in=wanted).values_list("uuid", "realname")
        # A system project has its user's uuid and is shown by his name.
        return {**dict(projects), **dict(users)}

    def users_like(self, text: str) -> list[str]:
        found = User.objects.filter(username__contains=text.lower()).order_by("pk")
        return list(found.values_list("uuid", flat=True)[:_MOST_FOUND])
