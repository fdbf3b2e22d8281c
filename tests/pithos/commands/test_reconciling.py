"""What is stored and what is charged for it are compared, and brought together again."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from synnefo.astakos.quotas.models import Holding
from synnefo.common.accounts import accounts, provisions_for
from synnefo.engine.models import Commission
from synnefo.pithos.namespace.models import Container
from tests.conftest import Person
from tests.manage import listed, manage
from tests.pithos.commands.test_commands import put, usage_of
from tests.pithos_kit import store as store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
RESOURCE = "pithos.diskspace"


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person("ann")


def told(*arguments: str) -> str:
    errors = io.StringIO()
    call_command(*arguments, stdout=errors, stderr=errors)
    return errors.getvalue()


def drift(who: Person, more_bytes: int) -> None:
    """What is stored is not what was charged."""
    Container.objects.update(size_bytes=more_bytes)


def test_what_is_in_sync_is_said_to_be(ann: Person) -> None:
    put(ann, "docs", "a")
    assert "Everything in sync." in told("reconcile-resources-pithos")


@pytest.mark.parametrize("stored", [1000, 3])
def test_what_differs_is_told_and_mended(ann: Person, stored: int) -> None:
    put(ann, "docs", "a")
    drift(ann, stored)
    share, pool = listed("reconcile-resources-pithos")
    assert share == {
        "Type": "user", "Holder": ann.user.uuid, "Source": ann.user.uuid, "Resource": RESOURCE,
        "Database": str(stored), "Quotaholder": "9", "State": "differs",
    }  # fmt: skip
    assert (pool["Type"], pool["Holder"], pool["Source"]) == ("project", ann.user.uuid, "-")
    assert usage_of(ann) == (9, 9)
    assert "mended 2 of 2" in told("reconcile-resources-pithos", "--fix")
    assert usage_of(ann) == (stored, stored)
    assert "Everything in sync." in told("reconcile-resources-pithos")


def test_one_user_or_project_is_looked_at(ann: Person, new_person: Callable[..., Person]) -> None:
    bob = new_person("bob")
    put(ann, "docs", "a")
    put(bob, "docs", "a")
    drift(ann, 50)
    assert len(listed("reconcile-resources-pithos")) == 4
    assert [row["Holder"] for row in listed("reconcile-resources-pithos", "--user", bob.user.uuid)] == [
        bob.user.uuid
    ]
    assert len(listed("reconcile-resources-pithos", "--project", bob.user.uuid)) == 2


def test_limits_hold_unless_forced(ann: Person) -> None:
    put(ann, "docs", "a")
    Holding.objects.filter(resource=RESOURCE).update(limit=100)
    drift(ann, 500)
    assert "mended 0 of 2" in told("reconcile-resources-pithos", "--fix")
    assert usage_of(ann) == (9, 9)
    assert "mended 2 of 2" in told("reconcile-resources-pithos", "--fix", "--force")
    assert usage_of(ann) == (500, 500)


def test_usage_without_objects_is_found(ann: Person) -> None:
    put(ann, "docs", "a")
    Container.objects.all().delete()
    assert [row["Database"] for row in listed("reconcile-resources-pithos")] == ["0", "0"]
    manage("reconcile-resources-pithos", "--fix")
    assert usage_of(ann) == (0, 0)


def test_projects_that_nobody_knows_are_told_and_left(ann: Person) -> None:
    put(ann, "docs", "a")
    Container.objects.update(project="11111111-0000-4000-8000-000000000001")
    rows = listed("reconcile-resources-pithos")
    assert sorted(row["State"] for row in rows) == [
        "differs",
        "differs",
        "unknown to Astakos",
        "unknown to Astakos",
    ]
    assert "mended 2 of 4" in told("reconcile-resources-pithos", "--fix")


def test_history_that_is_charged_is_counted(ann: Person, settings: Any) -> None:
    settings.PITHOS_BACKEND_FREE_VERSIONING = False
    put(ann, "docs", "a")
    put(ann, "docs", "a", b"other words")
    assert usage_of(ann) == (20, 20)
    assert "Everything in sync." in told("reconcile-resources-pithos")


def test_forgotten_commissions_are_told_and_settled(ann: Person) -> None:
    uuid = ann.user.uuid
    put(ann, "docs", "a")
    lost, done = (accounts().issue(provisions_for(uuid, uuid, {RESOURCE: 5}), name="test") for _ in range(2))
    Commission.objects.create(serial=done, accept=True)
    rows = json.loads(manage("reconcile-commissions-pithos", "--output-format", "json"))
    assert rows == [
        {"serial": str(lost), "decision": "reject"}, {"serial": str(done), "decision": "accept"}]  # fmt: skip
    assert "a commission waits" in told("reconcile-resources-pithos")
    assert "accepted: 1, rejected: 1" in told("reconcile-commissions-pithos", "--fix")
    assert accounts().pending(issued_before=timezone.now() + datetime.timedelta(hours=1)) == []
    assert usage_of(ann) == (14, 14)
    assert "No commission waits." in told("reconcile-commissions-pithos")
