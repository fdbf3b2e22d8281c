"""What Astakos 0.21 was heard to answer is answered still, on those accounts, taken over from its database.

The clock stands where it stood then.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from tests.golden import recordings
from tests.legacy import old

pytestmark = pytest.mark.skipif(
    not (recordings.here() and old.recorded()), reason="by design: the recordings are not beside this clone"
)
ALLOWED = Path(__file__).parent / "accounts.toml"
GROUPS = ("fixture-read", "after-astakos")
#: Of the recorded calls; at most one in twenty of them may be answered otherwise.
REPLAYED = 215
MOST_DIFFERENT = 10
BUILT = 49
ADA = "2b9945e3-94ca-4b18-aa63-adf0a728c35a"


def chosen(*groups: str) -> list[recordings.Call]:
    return [
        call for call in recordings.calls()
        if call["group"] in groups and call["request"]["path"].startswith("/astakos/")
    ]  # fmt: skip


def at(call: recordings.Call) -> datetime.datetime:
    dates = [value for name, value in call["response"]["headers"] if name == "Date"]
    return datetime.datetime.fromtimestamp(recordings.tool().epoch(dates[0]), tz=datetime.UTC)


class Replayed:
    """Calls sent in their order and compared, all by the tool itself."""

    def __init__(self, url: str, calls: list[recordings.Call]) -> None:
        options = {
            "base": url,
            "allow": str(ALLOWED),
            "bodies": "",
            "map": [],
            "timeout": 60,
            "pace": 0,
            "retry": 0,
        }
        replay = recordings.tool().Replay(argparse.Namespace(**options))
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        replay.run(calls, self._note)
        self.unused = [rule["reason"] for rule, _, used in replay.allowed.rules if not used]

    def _note(self, call: recordings.Call, outcome: str, found: list[tuple[Any, ...]], answer: Any) -> None:
        self.outcomes[outcome] += 1
        for place, expected, got, reason in found:
            if reason is None:
                self.faults.append(
                    f"{call['seq']} {recordings.name_of(call)} {place}: {expected!r}, not {got!r}"
                )


#: The recorded database before its projects were made.
USERS_ONLY = """
UPDATE im_project SET last_application_id = NULL;
DELETE FROM im_projectresourcegrant;
DELETE FROM im_projectapplication;
DELETE FROM im_projectmembershiplog WHERE membership_id > 10;
DELETE FROM im_projectmembership WHERE id > 10;
DELETE FROM im_projectlog WHERE project_id IN (SELECT id FROM im_project WHERE NOT is_base);
DELETE FROM im_projectresourcequota WHERE project_id IN (SELECT id FROM im_project WHERE NOT is_base);
DELETE FROM quotaholder_app_holding USING im_project p WHERE NOT p.is_base
    AND (holder = 'project:' || p.uuid OR source = 'project:' || p.uuid);
DELETE FROM im_project WHERE NOT is_base;
UPDATE quotaholder_app_holding SET usage_min = 0, usage_max = 0;
UPDATE im_astakosuser SET default_project = uuid WHERE default_project IS NOT NULL;
SELECT setval('im_projectapplication_id_seq', 1, false), setval('im_projectmembership_id_seq', 10),
    setval('im_chain_chain_seq', 10);
"""


@contextlib.contextmanager
def imported(url: str, moment: datetime.datetime) -> Iterator[None]:
    with time_machine.travel(moment):
        call_command("legacy-import", "--astakos-db", url, stdout=io.StringIO(), stderr=io.StringIO())
        yield


@pytest.fixture
def as_it_was(settings: Any) -> None:
    settings.ASTAKOS_PROJECT_ADMINS = {ADA}


@pytest.mark.usefixtures("as_it_was")
def test_recorded_calls_are_answered_as_ever(old_server: old.Server, live_server: Any) -> None:
    calls = chosen(*GROUPS)
    begun = next(call for call in calls if recordings.tool().is_ordered(call))
    with imported(old_server.recorded(), at(begun)):
        replayed = Replayed(live_server.url, calls)
    assert replayed.faults == [], "\n".join(replayed.faults)
    assert replayed.outcomes.total() == REPLAYED
    assert replayed.outcomes["skipped"] == 0
    assert replayed.outcomes["allowed"] <= MOST_DIFFERENT


@pytest.mark.usefixtures("as_it_was")
def test_projects_are_made_as_they_were_made(old_server: old.Server, live_server: Any) -> None:
    calls, url = chosen("build-projects"), old_server.recorded()
    old.change(url, USERS_ONLY)
    with imported(url, at(calls[0])):
        replayed = Replayed(live_server.url, calls)
    assert replayed.faults == [], "\n".join(replayed.faults)
    assert replayed.outcomes == {"same": BUILT - 2, "allowed": 2}


def test_whatever_may_differ_is_named_by_itself_and_documented() -> None:
    documented = (ALLOWED.parents[2] / "docs/compatibility.md").read_text(encoding="utf-8")
    rules = tomllib.loads(ALLOWED.read_text(encoding="utf-8"))["difference"]
    for rule in rules:
        assert not set("*+?[(|") & set(rule["request"]), rule
        assert "*" not in rule.get("json", "") + rule.get("header", ""), rule
        assert rule["reason"] in documented.replace("\n", " "), rule
    recorded = {recordings.name_of(call) for call in chosen(*GROUPS, "build-projects")}
    for rule in rules:
        assert any(re.fullmatch(rule["request"], name) for name in recorded), rule
