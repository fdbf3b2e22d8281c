"""Charging: what a rollback, a crash or a decision leaves at Astakos, in process and remote."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from synnefo.common.accounts import Accounts, accounts
from synnefo.common.faults import OverLimit
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.engine import charging as outbox
from synnefo.engine.charging import charging, decide
from synnefo.engine.models import Commission
from tests.conftest import People, Person

ONE = {"cyclades.vm": 1}


class Remote:
    """The seam as if Astakos were elsewhere: same answers, but nothing happens in our transaction."""

    same_database = False

    def __init__(self, real: Accounts) -> None:
        self.real = real

    def __getattr__(self, name: str) -> object:
        forbid_in_transaction(f"calling Astakos ({name})")
        return getattr(self.real, name)


@pytest.fixture(params=["in process", "remote"])
def seam(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "remote":
        remote = Remote(accounts())
        monkeypatch.setattr(outbox, "accounts", lambda: remote)
    return str(request.param)


def held(person: Person) -> tuple[int, int]:
    use = accounts().quotas(person.caller.user, person.caller.project)["cyclades.vm"]
    return use.usage, use.pending


def late() -> datetime.datetime:
    return timezone.now() + datetime.timedelta(hours=1)


def test_an_accepted_charge_stands(people: People, seam: str) -> None:
    alice = people.alice
    with charging(alice.caller.user, alice.caller.project, ONE, name="t") as serial:
        decide(serial, accept=True)
    outbox.deliver()
    assert held(alice) == (1, 0)
    assert accounts().pending(issued_before=late()) == []


def test_a_block_that_raises_charges_nothing(people: People, seam: str) -> None:
    alice = people.alice
    with pytest.raises(ZeroDivisionError), charging(alice.caller.user, alice.caller.project, ONE, name="t"):
        _ = 1 // 0
    assert held(alice) == (0, 0)
    assert not Commission.objects.exists()


def test_a_charge_that_was_forgotten_is_closed(people: People, seam: str, settings: object) -> None:
    alice = people.alice
    settings.SYNNEFO_CHARGE_RESOLVE_AFTER_S = -1  # type: ignore[attr-defined]
    with charging(alice.caller.user, alice.caller.project, ONE, name="t"):
        pass
    accounts().issue([*outbox.provisions_for(alice.caller.user, alice.caller.project, ONE)], name="lost")
    assert held(alice) == (2, 2)
    assert outbox.resolve_forgotten() == 2
    assert held(alice) == (0, 0)


def test_a_decision_is_made_once(people: People, seam: str) -> None:
    alice = people.alice
    with charging(alice.caller.user, alice.caller.project, ONE, name="t") as serial:
        decide(serial, accept=True)
        decide(serial, accept=False)
    outbox.deliver()
    assert held(alice) == (1, 0)


def test_an_undelivered_acceptance_is_not_lost(
    people: People, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, remote = people.alice, Remote(accounts())
    settings.SYNNEFO_CHARGE_RESOLVE_AFTER_S = -1  # type: ignore[attr-defined]
    monkeypatch.setattr(outbox, "accounts", lambda: remote)
    with charging(alice.caller.user, alice.caller.project, ONE, name="t") as serial:
        decide(serial, accept=True)
    assert held(alice) == (1, 1)
    outbox.resolve_forgotten()
    assert held(alice) == (1, 0)


def test_over_the_limit_the_block_does_not_run(people: People, seam: str) -> None:
    alice, ran = people.alice, []
    huge = {"cyclades.vm": 2**51}
    with pytest.raises(OverLimit), charging(alice.caller.user, alice.caller.project, huge, name="t"):
        ran.append(1)
    assert ran == []


def test_io_inside_a_transaction_is_refused() -> None:
    forbid_in_transaction("anything")


@pytest.mark.django_db
def test_io_inside_a_transaction_raises() -> None:
    with atomic(), pytest.raises(RuntimeError):
        forbid_in_transaction("calling an engine")
