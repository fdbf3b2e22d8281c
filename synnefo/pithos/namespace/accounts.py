"""Accounts: how they come into being, what they have, and what they say about themselves.

An account is named by a uuid: a user's (his own, charged to his system project) or another project's (all of
its members', charged to its pool).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from django.db.models import Count, Max, Sum
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.accounts import accounts as seam
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Unauthorized
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace import access, groups
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.groups import Groups
from synnefo.pithos.namespace.models import Account, Container
from synnefo.pithos.namespace.names import check_attributes, merged


def get(caller: Caller, name: str, *, right: Right = Right.LIST) -> Account:
    """An account of his, made if it was never looked at. Raises Forbidden."""
    access.account(caller, name, right=right)
    account, _ = Account.objects.get_or_create(name=name, defaults={"of_project": name != caller.user})
    return account


def on_behalf(name: str, *, request_id: str = "", address: str = "") -> Caller:
    """The account itself, acting by what its people have signed: links and forms that carry no token.

    It may do in its account what they may. Raises Unauthorized if there is no such account, or if the user
    whose it is may not work any more.
    """
    account = Account.objects.filter(name=name).first()
    if account is None:
        raise Unauthorized("What is signed is not known here.")
    if not account.of_project:
        seam().identity_of_user(name)
    return Caller(
        user=name, project=name, projects=frozenset({name}), roles=frozenset({"member"}),
        scope=Scope.PROJECT, request_id=request_id, address=address,
    )  # fmt: skip


class Totals(NamedTuple):
    """How many containers and objects an account has, how many bytes these have, and its last change."""

    containers: int
    objects: int
    size_bytes: int
    modified: datetime.datetime


def totals(account: Account) -> Totals:
    sums = Container.objects.filter(account=account).aggregate(
        containers=Count("pk"), objects=Sum("object_count"), size=Sum("size_bytes"), last=Max("modified")
    )
    modified = max(account.modified, sums["last"] or account.modified)
    return Totals(sums["containers"], sums["objects"] or 0, sums["size"] or 0, modified)


def set_attributes(
    caller: Caller, name: str, attributes: Mapping[str, str], *, merge: bool, wanted: Groups | None = None
) -> Account:
    """Change the account's metadata, and with ``wanted`` its groups. Raises Forbidden, BadRequest."""
    found = get(caller, name, right=Right.OWN)
    checked = groups.checked(wanted) if wanted is not None else None
    with atomic():
        account = Account.objects.select_for_update().get(pk=found.pk)
        account.attributes = merged(account.attributes if merge else {}, attributes)
        check_attributes(account.attributes)
        account.modified = timezone.now()
        account.save(update_fields=("attributes", "modified"))
        if checked is not None:
            groups.put(account, checked, merge=merge)
        record(caller, "account.modify", "pithos account", name)
    return account
