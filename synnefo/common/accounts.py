"""The accounts seam: all that Cyclades and Pithos need of Astakos.

``Accounts`` has two adapters, named by ``SYNNEFO_ACCOUNTS``: in-process (Astakos shares this process
and its database) and HTTP (Astakos runs elsewhere). The same contract suite runs on both. Nobody
outside Astakos imports the quotaholder or the token tables.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from synnefo.common.caller import Caller, Scope
from synnefo.common.locks import Lock

#: The types of service that a token can be limited to.
SERVICES = ("identity", "compute", "network", "volume", "image", "object-store")


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says. ``project`` is None for an unscoped token.

    ``services``: the types of service that it is good for; empty: all. A token that is ``confined`` to its
    project sees in owner scope, too, what project scope shows. What is ``remembered`` could not be asked
    again, because Astakos is away: it is good for reading.
    """

    user: str
    user_name: str
    project: str | None
    default_project: str
    projects: frozenset[str]
    roles: frozenset[str]
    is_admin: bool
    read_only: bool = False
    services: frozenset[str] = frozenset()
    confined: bool = False
    remembered: bool = False

    def caller(self, scope: Scope, *, request_id: str = "", address: str = "") -> Caller:
        """The caller in a scope; outside project scope the default project is acted in."""
        scope = Scope.PROJECT if self.confined else scope
        project = self.project if scope is Scope.PROJECT and self.project else self.default_project
        return Caller(
            user=self.user,
            project=project,
            projects=self.projects,
            roles=self.roles,
            scope=scope,
            is_admin=self.is_admin,
            name=self.user_name,
            request_id=request_id,
            address=address,
            confined=self.confined,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Provision:
    """A wish to take (or, negative, to give back) an amount of a resource.

    ``holder`` is ``user:<uuid>`` or ``project:<uuid>``; ``source`` is ``project:<uuid>`` or None.
    """

    holder: str
    source: str | None
    resource: str
    quantity: int


@dataclasses.dataclass(frozen=True, slots=True)
class QuotaUse:
    """A user's share of a resource in a project and the project's pool."""

    limit: int
    usage: int
    pending: int
    project_limit: int
    project_usage: int
    project_pending: int

    @property
    def effective_limit(self) -> int:
        """What the user can reach: his share, or less where the others left less in the pool."""
        return min(self.limit, self.project_limit - (self.project_usage - self.usage))


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What is counted of a resource for a holder: a user's share of a project (``source``), or a pool."""

    holder: str
    source: str | None
    limit: int
    usage: int
    pending: int


def provisions_for(user: str, project: str, amounts: Mapping[str, int]) -> list[Provision]:
    """A user's allocation in a project is charged to him and to the pool (spec: astakos 2.9).

    Without a user, what is shared by all of a project is charged to the pool alone.
    """
    made = []
    for resource, quantity in sorted(amounts.items()):
        if quantity:
            if user:
                made.append(Provision(f"user:{user}", f"project:{project}", resource, quantity))
            made.append(Provision(f"project:{project}", None, resource, quantity))
    return made


class Accounts(Protocol):
    """Errors are faults: Unauthorized, OverLimit (with ``data``), ItemNotFound, ServiceUnavailable."""

    #: True if commissions live in the database of the caller's own transaction.
    same_database: bool

    def identify(self, token: str) -> Identity:
        """Whose token this is. Raises Unauthorized with the reason."""

    def remember(self) -> None:
        """From now on this process may know for a while whose a token is, where it hears of every change."""

    def remembered(self, token: str) -> Identity | None:
        """Whose token this is, for a server's loop: if that is known without asking anybody.

        What it is told by ``identify`` in a thread it may know here a moment later. The loop has a connection
        to the database of its own, over which nothing is written.
        """

    def identity_of_user(self, user: str) -> Identity:
        """Somebody who is signed in to the pages, by uuid. Raises Unauthorized if he may not be any more."""

    def program(self, user: str, secret: str, *, address: str) -> Identity:
        """Whom a program acts for that signs in by a user (e-mail or uuid) and a secret of his.

        That is an API token, or the secret of an application credential. ``address`` is the client's: who
        guesses is told to wait. Raises Unauthorized, TooManyRequests.
        """

    def signing_key(
        self, access: str, date: str, region: str, service: str, *, address: str
    ) -> tuple[Identity, bytes]:
        """Whose access key this is, and what it signs requests of a day (``20260102``) with, to compare.

        The key is that of signatures version 4, derived for the day, region and service; the secret stays
        where it is. ``address`` is the client's: who tries many keys that there are not is told to wait.
        Raises Unauthorized for a key that is unknown or no good any more, TooManyRequests.
        """

    def redeem_code(self, code: str, redirect_uri: str, client: tuple[str, str], *, address: str) -> str:
        """The access token that a code of 0.21's OAuth 2 flow is good for, once.

        ``client`` is the identifier and secret of who got the code. Raises Unauthorized, TooManyRequests.
        """

    def identity_of_access(self, token: str, place: str) -> Identity:
        """Who gave an access token of that flow, if it opens this place. Raises Unauthorized."""

    def short_token(self, user: str, project: str, lifetime_s: int) -> str:
        """A token for what a page does by itself at the object store, in one project of who is signed in.

        It is good for nothing else and lives as long as is asked, an hour at most. Raises Unauthorized if he
        may not work there.
        """

    def issue(self, provisions: Sequence[Provision], *, name: str, force: bool = False) -> int:
        """Reserve, all or nothing; returns the serial. Raises OverLimit or ItemNotFound."""

    def append_usage(self, provisions: Sequence[Provision], lock: Sequence[Lock] = ()) -> bool:
        """Count amounts for good in the caller's own transaction, which fails or succeeds with them.

        What the caller wants to ``lock`` for it is locked, too: by one statement with what is locked here.
        False if that cannot be (Astakos is elsewhere, or a limit is near): the caller ends the transaction,
        of which nothing is committed then, and asks by ``issue`` in another one.
        """

    def resolve(self, accept: Iterable[int], reject: Iterable[int]) -> None:
        """Settle serials; one that is unknown or settled already is passed over."""

    def pending(self, *, issued_before: datetime.datetime) -> list[int]:
        """Serials of ours that wait for a decision and are older than that."""

    def take_over(self, component: str) -> None:
        """Commissions that the component of that name issued are the caller's from now on.

        For a service that was imported: what it had not settled is settled by this process. It may be done
        again.
        """

    def quotas(self, user: str, project: str) -> dict[str, QuotaUse]:
        """What the user may use in the project, by resource name."""

    def shares(self, user: str) -> dict[str, dict[str, QuotaUse]]:
        """The same in every project in which he has or had a share, by the project's uuid."""

    def held(self, resource: str) -> list[Held]:
        """All that is counted of a resource of the caller's component: every share, and every pool."""

    def names(self, uuids: Iterable[str]) -> dict[str, str]:
        """Display names of users and projects; unknown ones are left out."""

    def users_like(self, text: str) -> list[str]:
        """Uuids of users whose e-mail contains the text, for administrators' searches; 100 at most."""


@functools.cache
def accounts() -> Accounts:
    """The adapter that this installation uses."""
    adapter: Any = import_string(settings.SYNNEFO_ACCOUNTS)
    return adapter()  # type: ignore[no-any-return]
