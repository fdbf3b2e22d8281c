"""Accounts: how they come into being, what they have, and what they say about themselves.

An account is named by a uuid: a user's (his own, charged to his system project) or another project's (all of
its members', charged to its pool).
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Sum
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.accounts import accounts as seam
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Unauthorized
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right
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


def totals(account: Account) -> tuple[int, int, int]:
    """How many containers and objects it has, and how many bytes these have."""
    rows = Container.objects.filter(account=account)
    sums = rows.aggregate(objects=Sum("object_count"), size=Sum("size_bytes"))
    return rows.count(), sums["objects"] or 0, sums["size"] or 0


def set_attributes(caller: Caller, name: str, attributes: Mapping[str, str], *, merge: bool) -> Account:
    """Change the account's metadata. Raises Forbidden, BadRequest."""
    found = get(caller, name, right=Right.OWN)
    with atomic():
        account = Account.objects.select_for_update().get(pk=found.pk)
        account.attributes = merged(account.attributes if merge else {}, attributes)
        check_attributes(account.attributes)
        account.modified = timezone.now()
        account.save(update_fields=("attributes", "modified"))
        record(caller, "account.modify", "pithos account", name)
    return account
