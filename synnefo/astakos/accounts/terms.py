"""Terms of use: published in versions, signed by users. The newest version is in force.

Who has not signed it is asked by every page at once, and refused by the APIs from the moment on that
``User.terms_due`` says: after ``ASTAKOS_TERMS_GRACE_DAYS``.
"""

from __future__ import annotations

import datetime

import nh3
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts.models import Terms, User
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.transactions import atomic

LARGEST = 1 << 20  # characters


def current() -> Terms | None:
    return Terms.objects.order_by("-pk").first()


def versions() -> QuerySet[Terms]:
    """Newest first."""
    return Terms.objects.order_by("-pk")


def get(pk: int) -> Terms:
    """Raises ItemNotFound."""
    row = Terms.objects.filter(pk=pk).first()
    if row is None:
        raise ItemNotFound("There is no such version of the terms of use.")
    return row


def publish(caller: Caller, content: str) -> Terms:
    """Put a new version into force; everybody has to sign it. What is no plain HTML is taken out of it.

    Raises BadRequest for a text that is empty or longer than a book.
    """
    if len(content) > LARGEST:
        raise BadRequest(f"Terms of use have {LARGEST} characters at most.")
    cleaned = nh3.clean(content).strip()
    if not nh3.clean(cleaned, tags=set()).strip():
        raise BadRequest("There is no text in these terms of use.")
    with atomic():
        row = Terms.objects.create(content=cleaned)
        User.objects.filter(removed_at=None).update(terms_due=_due())
        audit.record(caller, "terms.publish", "terms", row.pk)
    return row


def due_for_new_user() -> datetime.datetime | None:
    """The ``terms_due`` of an account that is being made: at once, if there is something to sign."""
    return timezone.now() if Terms.objects.exists() else None


def sign(caller: Caller, user: User, *, version: int | None = None) -> User:
    """He agrees to the version in force; ``version`` is the one that he was shown.

    Raises BadRequest if that is not in force any more.
    """
    with atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        terms = current()
        if terms is not None and version is not None and terms.pk != version:
            raise BadRequest("There is a newer version of the terms of use. Read that one, please.")
        if row.terms_due is not None:
            row.terms_due, row.date_signed_terms, row.signed_terms = None, timezone.now(), terms
            row.save(update_fields=("terms_due", "date_signed_terms", "signed_terms", "updated"))
            audit.record(caller, "user.sign-terms", "user", row.uuid, terms=terms.pk if terms else None)
    return row


def _due() -> datetime.datetime:
    days: int = settings.ASTAKOS_TERMS_GRACE_DAYS
    return timezone.now() + datetime.timedelta(days=days)
