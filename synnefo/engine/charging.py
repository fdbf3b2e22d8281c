"""Quota with every change: reserve, remember the serial, decide, deliver.

A change runs inside ``charging`` (or ``commissioned``): one transaction, with the reservation made inside
it where Astakos shares the database and just before it where Astakos is remote. ``decide`` writes what
becomes of the serial into the outbox (the ``Commission`` row) in the transaction that settles the change.
What cannot be settled at once is delivered by the dispatcher (``deliver``); what a crash left behind is
closed by ``resolve_forgotten``.

A change that is finished with its transaction runs inside ``charged`` and has nothing to decide: far from
all limits its amounts are appended to the usage, without a commission.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import structlog
from django.conf import settings
from django.utils import timezone

from synnefo.common import locks
from synnefo.common.accounts import Provision, accounts, provisions_for
from synnefo.common.faults import Fault
from synnefo.common.locks import Lock
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.engine.models import Commission, Operation

log = structlog.get_logger("synnefo.charging")

_BATCH = 500


@contextmanager
def charged(
    provisions: Sequence[Provision], *, name: str, force: bool = False, lock: Sequence[Lock] = ()
) -> Iterator[None]:
    """The transaction of a change that is finished when the block ends; its costs count with it.

    ``lock`` is locked with it, by the same statement as what charging locks if that can be.
    If the block raises, everything is rolled back. Raises OverLimit, ItemNotFound.
    """
    if provisions and accounts().same_database:
        with atomic():
            if accounts().append_usage(provisions, lock):
                yield
                return
    with commissioned(provisions, name=name, force=force) as serial:
        locks.lock(*lock)
        yield
        decide(serial, accept=True)


def charging(
    user: str, project: str, amounts: Mapping[str, int], *, name: str, force: bool = False
) -> AbstractContextManager[int | None]:
    """``commissioned`` for what one user takes or frees in one project."""
    return commissioned(provisions_for(user, project, amounts), name=name, force=force)


@contextmanager
def commissioned(provisions: Sequence[Provision], *, name: str, force: bool = False) -> Iterator[int | None]:
    """The transaction of a change that costs (or frees) something; yields the serial, None if nothing.

    The block must store the serial with an operation or call ``decide``. If it raises, everything
    is rolled back and the reservation is given up. Raises OverLimit.
    """
    if not provisions:
        with atomic():
            yield None
    elif accounts().same_database:
        with atomic():
            yield _remember(accounts().issue(provisions, name=name, force=force))
    else:
        forbid_in_transaction("charging a remote Astakos")
        serial = accounts().issue(provisions, name=name, force=force)
        try:
            with atomic():
                yield _remember(serial)
        except BaseException:
            _give_up(serial)
            raise


def decide(serial: int | None, *, accept: bool) -> None:
    """Settle a serial in the running transaction; a remote Astakos learns it from the outbox."""
    if serial is None:
        return
    here = accounts().same_database
    changed = Commission.objects.filter(serial=serial, accept__isnull=True).update(
        accept=accept, delivered=here
    )
    if changed and here:
        accounts().resolve([serial] if accept else [], [] if accept else [serial])


def deliver() -> int:
    """Tell Astakos the decisions that wait in the outbox; returns how many."""
    forbid_in_transaction("delivering decisions")
    waiting = list(Commission.objects.filter(accept__isnull=False, delivered=False)[:_BATCH])
    if not waiting:
        return 0
    accept = [row.serial for row in waiting if row.accept]
    reject = [row.serial for row in waiting if not row.accept]
    accounts().resolve(accept, reject)
    return Commission.objects.filter(serial__in=accept + reject).update(delivered=True)


def forgotten(*, issued_before: datetime.datetime) -> tuple[list[int], list[int]]:
    """Serials that no operation will decide any more, to be accepted and to be rejected.

    That is: pending at Astakos and unknown here (the transaction never committed), or undecided here
    with no active operation that carries them.
    """
    forbid_in_transaction("resolving commissions")
    pending = accounts().pending(issued_before=issued_before)
    known = {row.serial: row for row in Commission.objects.filter(serial__in=pending)}
    carried = set(
        Operation.objects.filter(state__in=Operation.ACTIVE, serial__in=pending).values_list(
            "serial", flat=True
        )
    )
    accept = [serial for serial in pending if serial in known and known[serial].accept]
    reject = [serial for serial in pending if serial not in accept and serial not in carried]
    return accept, reject


def settle(accept: Sequence[int], reject: Sequence[int]) -> None:
    """Close forgotten serials, at Astakos and here."""
    accounts().resolve(accept, reject)
    Commission.objects.filter(serial__in=accept).update(delivered=True)
    Commission.objects.filter(serial__in=reject).update(accept=False, delivered=True)
    log.warning("closed forgotten commissions", accepted=accept, rejected=reject)


def resolve_forgotten() -> int:
    """Close forgotten serials; returns how many. Young ones are left alone, they may be in flight."""
    border = timezone.now() - datetime.timedelta(seconds=settings.SYNNEFO_CHARGE_RESOLVE_AFTER_S)
    accept, reject = forgotten(issued_before=border)
    if accept or reject:
        settle(accept, reject)
    return len(accept) + len(reject)


def _remember(serial: int) -> int:
    Commission.objects.create(serial=serial)
    return serial


def _give_up(serial: int) -> None:
    """Reject at once if Astakos answers; else the resolver will."""
    try:
        accounts().resolve([], [serial])
    except Fault as fault:
        log.warning("could not reject a commission now", serial=serial, reason=fault.message)
