"""Another e-mail for an account: both addresses, the old and the new, confirm it by a link in a mail."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.utils import timezone

from synnefo.astakos.accounts import addresses, links, notices, rules, throttle
from synnefo.astakos.accounts.models import EmailChange, User
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

_PURPOSE = "email-change"
OLD, NEW = "old", "new"


def pending(user: User) -> EmailChange | None:
    """The change that the user has asked for and that is not too old."""
    row = EmailChange.objects.filter(user=user).first()
    return row if row is not None and row.requested > timezone.now() - lifetime() else None


def ask(caller: Caller, user: User, email: str) -> EmailChange:
    """Mail both addresses; an earlier wish is forgotten.

    That another account has the address is told to its owner alone. Raises BadRequest, Forbidden,
    TooManyRequests.
    """
    if not settings.ASTAKOS_EMAILCHANGE_ENABLED:
        raise Forbidden("Addresses are changed by administrators here.")
    check_fields(EmailChange(new_email=email), ("new_email",))
    if email == user.email:
        raise BadRequest("This is your address already.")
    throttle.count("email-change", user.uuid, caller.address)
    with atomic():
        EmailChange.objects.filter(user=user).delete()
        row = EmailChange.objects.create(user=user, new_email=email)
        old, new = (links.sign(_PURPOSE, change=row.uuid, side=side) for side in (OLD, NEW))
        notices.email_change(row, old, new, is_free=not addresses.is_taken(email, but=user))
        audit.record(caller, "user.email-change-ask", "user", user.uuid)
    return row


def cancel(caller: Caller, user: User) -> None:
    """Raises Conflict if there is nothing to take back."""
    with atomic():
        if not EmailChange.objects.filter(user=user).delete()[0]:
            raise Conflict("There is no change of your e-mail under way.")
        audit.record(caller, "user.email-change-cancel", "user", user.uuid)


def of_link(token: str) -> tuple[EmailChange, str]:
    """The change that a link is about, and which address (``old`` or ``new``) it confirms.

    Raises BadRequest: the link is too old, or the wish was taken back, replaced, or done.
    """
    facts = links.read(_PURPOSE, token, lifetime())
    row = EmailChange.objects.select_related("user").filter(uuid=facts["change"]).first()
    if row is None:
        raise BadRequest("This change of an e-mail was taken back, replaced by another, or is done.")
    return row, facts["side"]


def confirm(caller: Caller, token: str) -> tuple[EmailChange, bool]:
    """One of the addresses agrees; returns whether both have, and the account has its new e-mail.

    Raises as ``of_link``; Conflict if another account has the address by now.
    """
    with atomic():
        found, side = of_link(token)
        row = EmailChange.objects.select_for_update().select_related("user").get(pk=found.pk)
        now = timezone.now()
        if side == OLD:
            row.confirmed_by_old = row.confirmed_by_old or now
        else:
            row.confirmed_by_new = row.confirmed_by_new or now
        row.save()
        done = row.confirmed_by_old is not None and row.confirmed_by_new is not None
        if done:
            old = row.user.email
            user = rules.set_email(caller, row.user, row.new_email)
            row.delete()
            notices.email_changed(user, old)
    return row, done


def forget_old() -> int:
    """Remove wishes that nobody confirmed in time; returns how many."""
    return EmailChange.objects.filter(requested__lte=timezone.now() - lifetime()).delete()[0]


def lifetime() -> datetime.timedelta:
    return datetime.timedelta(days=settings.ASTAKOS_EMAILCHANGE_ACTIVATION_DAYS)
