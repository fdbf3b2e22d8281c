"""Which accounts have an e-mail, whatever its case, and which of them signs in by it.

One account has an address; only accounts that were imported from an older system may share one. These are
``shares_email``: their user name is the uuid, so that nobody signs in by the address, until one is left.
"""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower

from synnefo.astakos.accounts.models import User


def with_email(email: str) -> QuerySet[User]:
    """The accounts that have this address."""
    return User.objects.alias(address=Lower("email")).filter(address=email.lower())


def is_taken(email: str, *, but: User | None = None) -> bool:
    """Whether another account has it, or signs in by it."""
    name = email.lower()
    rows = User.objects.alias(address=Lower("email")).filter(Q(address=name) | Q(username=name))
    return (rows.exclude(pk=but.pk) if but is not None else rows).exists()


def shared() -> QuerySet[User]:
    """Every account whose address another one has, too; those of one address beside each other."""
    rows = User.objects.exclude(email="").annotate(address=Lower("email"))
    twice = rows.order_by().values("address").annotate(count=Count("pk")).filter(count__gt=1)
    return rows.filter(address__in=twice.values("address")).order_by("address", "pk")


def settle(email: str) -> User | None:
    """If one account alone is left with an address that was shared, he signs in by it from now on."""
    left = list(with_email(email).select_for_update()[:2])
    if len(left) != 1 or not left[0].shares_email:
        return None
    (row,) = left
    row.shares_email, row.username = False, email.lower()
    row.save(update_fields=("shares_email", "username", "updated"))
    return row
