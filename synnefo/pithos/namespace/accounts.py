"""Whose account it is, and what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Sum
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace.models import Account, Container
from synnefo.pithos.namespace.names import check_attributes, merged


def get(caller: Caller, name: str, *, refusal: str = "Account") -> Account:
    """The account. Raises Forbidden if it is another's, or nobody's: one cannot tell which.

    ``refusal`` is what the caller wanted to reach, for the message.
    """
    if name != caller.user:
        raise Forbidden(f"{refusal}: access denied.")
    account, _ = Account.objects.get_or_create(name=name)
    return account


def totals(account: Account) -> tuple[int, int, int]:
    """How many containers and objects it has, and how many bytes these have."""
    rows = Container.objects.filter(account=account)
    sums = rows.aggregate(objects=Sum("object_count"), size=Sum("size_bytes"))
    return rows.count(), sums["objects"] or 0, sums["size"] or 0


def set_attributes(caller: Caller, name: str, attributes: Mapping[str, str], *, merge: bool) -> Account:
    """Change the account's metadata. Raises Forbidden, BadRequest."""
    found = get(caller, name)
    with atomic():
        account = Account.objects.select_for_update().get(pk=found.pk)
        account.attributes = merged(account.attributes if merge else {}, attributes)
        check_attributes(account.attributes)
        account.modified = timezone.now()
        account.save(update_fields=("attributes", "modified"))
        record(caller, "account.modify", "pithos account", name)
    return account
