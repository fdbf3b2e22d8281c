"""What signatures of version 4 are compared with: derived keys, never the secret. Asked at every request.

A signed request has the rights of the key's user in the key's project, and sees no other project.
"""

from __future__ import annotations

import datetime
from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import throttle
from synnefo.astakos.accounts.tokens import ADMIN_ROLE, require_signed_terms, roles_of
from synnefo.astakos.keys.models import AccessKey
from synnefo.astakos.keys.rules import PURPOSE
from synnefo.astakos.keys.signatures import derived_key
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.roles import effective
from synnefo.astakos.roles.models import Assignment
from synnefo.common import sealing
from synnefo.common.accounts import Identity
from synnefo.common.faults import Unauthorized
from synnefo.common.prepared import Prepared

_TOUCH_EVERY = timedelta(minutes=1)
#: A key for anything else would be good for more than the object store, which is who asks.
_SERVICE = "s3"


class _Grant(NamedTuple):
    """A key, with what belongs to it; the names of the fields are paths of the query."""

    pk: int
    secret: str
    last_used: datetime.datetime | None
    user_id: int
    user__uuid: str
    user__username: str
    user__is_active: bool
    user__terms_due: datetime.datetime | None
    user__is_superuser: bool
    user__default_project: str
    project_id: int
    project__uuid: str
    project__state: int
    is_member: bool
    is_assigned: bool


def signing_key(access: str, date: str, region: str, service: str, *, address: str) -> tuple[Identity, bytes]:
    """Whose key it is, and what it signs with. Raises Unauthorized with the reason, TooManyRequests."""
    rows = _query(access) if "\x00" not in access else []
    if not rows or service != _SERVICE:
        throttle.count("signing key", access, address)
        raise Unauthorized("There is no such access key.")
    grant, now = _Grant(*rows[0]), timezone.now()
    if not grant.user__is_active:
        raise Unauthorized("User inactive")
    require_signed_terms(grant.user__terms_due, now)
    roles = _roles(grant)
    if not roles or grant.project__state != Project.State.NORMAL:
        raise Unauthorized("The key's project is not open to its user any more")
    if grant.last_used is None or now - grant.last_used > _TOUCH_EVERY:
        due = Q(last_used__isnull=True) | Q(last_used__lt=now - _TOUCH_EVERY)
        AccessKey.objects.filter(due, pk=grant.pk).update(last_used=now)
    key = derived_key(sealing.unseal(grant.secret, PURPOSE), date, region, service)
    return _identity(grant, roles), key


def _by_access(access: str) -> QuerySet[AccessKey, Any]:
    members = Membership.objects.filter(
        person=OuterRef("user"), project=OuterRef("project"), state__in=Membership.ACTUALLY_ACCEPTED
    )
    assigned = Assignment.objects.filter(effective.assigned_to(OuterRef("user")), project=OuterRef("project"))
    rows = AccessKey.objects.annotate(is_member=Exists(members), is_assigned=Exists(assigned))
    return rows.filter(access=access).values_list(*_Grant._fields)


_query = Prepared(_by_access, "access key")


def _roles(grant: _Grant) -> frozenset[str]:
    """As a token for the project has them; none if it is not open to him."""
    assigned: frozenset[str] = frozenset()
    if grant.is_assigned:
        assigned = effective.roles_in_project(grant.user_id, grant.project_id)
    by_himself = grant.is_member or (assigned and grant.user__is_superuser)
    return roles_of(grant.user__is_superuser) | assigned if by_himself else assigned


def _identity(grant: _Grant, roles: frozenset[str]) -> Identity:
    return Identity(
        user=grant.user__uuid,
        user_name=grant.user__username,
        project=grant.project__uuid,
        default_project=grant.user__default_project,
        projects=frozenset({grant.project__uuid}),
        roles=roles,
        is_admin=ADMIN_ROLE in roles,
        read_only=not roles & {"member", ADMIN_ROLE},
        confined=True,
    )
