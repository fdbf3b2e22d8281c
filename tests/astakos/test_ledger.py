"""The ledger: it adds up to the usage, whatever is charged how; who reads it; how it is exported."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synnefo.astakos.models import Delta, Holding, ProvisionLog
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import deltas, ledger, rules
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.faults import BadRequest, OverLimit
from synnefo.common.transactions import atomic
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

USAGE = "/astakos/account/v1.0/usage"
SPACE, VM = "pithos.diskspace", "cyclades.vm"
KEYS = (("user:u", "project:p", "space"), ("project:p", "", "space"), ("project:p", "", "vm"))

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["append", "issue", "accept", "reject", "fold", "limit"]),
        st.sampled_from(KEYS),
        st.integers(-60, 120),
    ),
    max_size=40,
)


def noted(key: rules.Key) -> int:
    rows = ProvisionLog.objects.filter(holder=key[0], source=key[1], resource=key[2], accepted=True)
    return sum(rows.values_list("quantity", flat=True))


@given(actions=ACTIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_events_add_up_to_usage_without_what_is_pending(actions: Any) -> None:
    ProvisionLog.objects.all().delete()
    Holding.rows.all().delete()
    rules.set_limits(dict.fromkeys(KEYS, 100_000))
    pending: list[tuple[int, rules.Key, int]] = []
    model = dict.fromkeys(KEYS, 0)
    for name, key, amount in actions:
        if name == "append" and amount:
            with atomic():
                if deltas.append([_wish(key, amount)]):
                    model[key] += amount
        elif name == "issue":
            try:
                pending.append((rules.issue([_wish(key, amount)], client="t"), key, amount))
            except OverLimit:
                continue
        elif name in ("accept", "reject") and pending:
            serial, key, amount = pending.pop()
            rules.resolve(*([serial], []) if name == "accept" else ([], [serial]), client="t")
            model[key] += amount if name == "accept" else 0
        elif name == "limit":
            rules.set_limits({key: abs(amount) * 4})
        elif name == "fold":
            deltas.fold_all()
    deltas.fold_all()
    assert {key: noted(key) for key in KEYS} == model
    assert ledger.differences() == {}
    rules.resolve([], [serial for serial, _, _ in pending], client="t")
    for row in Holding.objects.all():
        assert row.usage_min == row.usage_max == model[row.holder, row.source, row.resource]


def _wish(key: rules.Key, amount: int) -> Provision:
    return Provision(key[0], key[1] or None, key[2], amount)


def test_more_given_back_than_was_held_is_noted_as_what_there_was() -> None:
    rules.set_limits({KEYS[0]: 100})
    rules.issue([_wish(KEYS[0], 5)], client="t", auto_accept=True)
    serial = rules.issue([_wish(KEYS[0], 3)], client="t")
    row = Holding.rows.get()
    row.deltas.create(writer=-1, quantity=-7)
    deltas.fold_all()
    rules.resolve([], [serial], client="t")
    row = Holding.objects.get()
    assert (row.usage_min, row.usage_max, noted(KEYS[0])) == (0, 0, 0)


def test_many_appended_amounts_are_one_event() -> None:
    rules.set_limits({KEYS[0]: 1_000_000})
    for _ in range(5):
        with atomic():
            assert deltas.append([_wish(KEYS[0], 10)])
    assert not ProvisionLog.objects.exists()
    deltas.fold_all()
    event = ProvisionLog.objects.get()
    assert (event.serial, event.quantity, event.usage_max, event.accepted) == (None, 50, 50, True)


@pytest.mark.parametrize("missing", [False, True])
def test_what_may_not_be_appended_leaves_nothing(missing: bool) -> None:
    """Of several amounts, either: one that is too near its limit, or one that has no holding."""
    rules.set_limits({KEYS[0]: 1_000_000} | ({} if missing else {KEYS[1]: 100}))
    with atomic():
        assert not deltas.append([_wish(KEYS[0], 10), _wish(KEYS[1], 90)])
    with atomic():
        assert deltas.append([_wish(KEYS[0], 7)])
    assert [row.quantity for row in Delta.objects.all()] == [7]


def test_each_holding_is_given_its_own_amount() -> None:
    rules.set_limits(dict.fromkeys(KEYS, 1_000_000))
    for _ in range(2):
        with atomic():
            assert deltas.append([_wish(key, amount) for key, amount in zip(KEYS, (3, 0, 5), strict=True)])
    assert [Holding.objects.get(holder=key[0], resource=key[2]).appended for key in KEYS] == [6, 0, 10]


def test_usage_without_events_gets_an_opening_balance() -> None:
    Holding.rows.create(
        holder="user:u", source="project:p", resource="vm", limit=9, folded_min=4, folded_max=6
    )
    assert ledger.open_balances() == 1
    assert ledger.open_balances() == 0
    event = ProvisionLog.objects.get()
    assert (event.quantity, event.name, event.accepted) == (4, ledger.OPENING, True)


def test_a_period_has_its_beginning_and_not_its_end_and_is_read_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "_BATCH", 3)
    rules.set_limits({KEYS[0]: 1000})
    start = timezone.now().replace(microsecond=0)
    for _ in range(20):
        rules.issue([_wish(KEYS[0], 1)], client="t", auto_accept=True)
    for place, row in enumerate(ProvisionLog.objects.order_by("pk")):
        moment = start + datetime.timedelta(seconds=place // 4)
        ProvisionLog.objects.filter(pk=row.pk).update(settled=moment)
    rows = ledger.of_user("u")
    assert [event.usage for event in ledger.read(rows)] == list(range(1, 21))
    second = datetime.timedelta(seconds=1)
    assert [event.usage for event in ledger.read(rows, start + second, start + 3 * second)] == list(
        range(5, 13)
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31", "2030-01-31T00:00:00+00:00"),
        ("2030-01-31T12:00:00", "2030-01-31T12:00:00+00:00"),
        ("2030-01-31T12:00:00+02:00", "2030-01-31T12:00:00+02:00"),
    ],
)
def test_moments_are_utc_unless_they_say_otherwise(text: str, moment: str) -> None:
    assert ledger.moment(text).isoformat() == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2030-13-01", "2030-02-30T00:00:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        ledger.moment(text)


@pytest.fixture
def project(ada: Person, bob: Person, lab: Callable[..., Project]) -> Project:
    """Ada's, where Bob used two and gave one back."""
    made = lab(ada, bob)
    for amount in (2, -1):
        rules.issue(provisions_for(bob.uuid, made.uuid, {VM: amount}), client="t", name="n", auto_accept=True)
    return made


def read(http: Client, person: Person, **query: str) -> Any:
    response = http.get(USAGE, query, headers={"X-Auth-Token": person.token})
    return response if response.status_code >= 300 else b"".join(response.streaming_content).decode()


def test_one_reads_ones_own_shares(http: Client, bob: Person, project: Project) -> None:
    events = json.loads(read(http, bob))
    assert [(event["quantity"], event["usage"], event["limit"]) for event in events] == [
        (2, 2, 3),
        (-1, 1, 3),
    ]
    assert {(event["user"], event["project"], event["resource"]) for event in events} == {
        (bob.uuid, project.uuid, VM)
    }
    assert json.loads(read(http, bob, to="2020-01-01")) == []


def test_csv_has_a_head_and_a_line_an_event(http: Client, ada: Person, project: Project) -> None:
    lines = list(csv.DictReader(io.StringIO(read(http, ada, project=project.uuid, format="csv"))))
    assert [(line["user"], line["quantity"]) for line in lines] == [("", "2"), ("", "-1")]
    members = list(
        csv.DictReader(io.StringIO(read(http, ada, project=project.uuid, members="1", format="csv")))
    )
    assert len(members) == 2
    assert all(line["user"] for line in members)


def test_who_may_read_what(
    http: Client, ada: Person, bob: Person, root: Person, person: Callable[..., Person], project: Project
) -> None:
    eve = person("eve")
    statuses = {
        "own share": [
            _status(http, who, project=project.uuid, user=bob.uuid) for who in (bob, ada, root, eve)
        ],
        "all of a user": [_status(http, who, user=bob.uuid) for who in (bob, ada, root, eve)],
        "pool": [_status(http, who, project=project.uuid) for who in (bob, ada, root, eve)],
    }
    assert statuses == {
        "own share": [200, 200, 200, 403],
        "all of a user": [200, 404, 200, 404],
        "pool": [403, 200, 200, 403],
    }
    Project.objects.filter(pk=project.pk).update(private=True)
    assert _status(http, eve, project=project.uuid) == 404
    assert http.get(USAGE).status_code == 401


def _status(http: Client, person: Person, **query: str) -> int:
    answer = read(http, person, **query)
    return 200 if isinstance(answer, str) else answer.status_code


@pytest.mark.parametrize(
    "query", [{"format": "xml"}, {"from": "soon"}, {"members": "1"}, {"to": "2030-99-99"}]
)
def test_bad_questions(http: Client, bob: Person, query: dict[str, str]) -> None:
    assert _status(http, bob, **query) == 400
