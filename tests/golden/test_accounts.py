"""What Astakos 0.21 was heard to answer is answered still, on those accounts, taken over from its database.

The clock stands where it stood then.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.golden import recordings, replayed
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


@pytest.fixture
def as_it_was(settings: Any) -> None:
    settings.ASTAKOS_PROJECT_ADMINS = {ADA}


@pytest.mark.usefixtures("as_it_was")
def test_recorded_calls_are_answered_as_ever(old_server: old.Server, live_server: Any) -> None:
    calls = replayed.chosen("astakos", *GROUPS)
    begun = next(call for call in calls if recordings.tool().is_ordered(call))
    with replayed.imported(replayed.at(begun), "--astakos-db", old_server.recorded()):
        found = replayed.Replayed(live_server.url, calls, ALLOWED)
    assert found.faults == [], "\n".join(found.faults)
    assert found.outcomes.total() == REPLAYED
    assert found.outcomes["skipped"] == 0
    assert found.outcomes["allowed"] <= MOST_DIFFERENT


@pytest.mark.usefixtures("as_it_was")
def test_projects_are_made_as_they_were_made(old_server: old.Server, live_server: Any) -> None:
    calls, url = replayed.chosen("astakos", "build-projects"), old_server.recorded()
    old.change(url, USERS_ONLY)
    with replayed.imported(replayed.at(calls[0]), "--astakos-db", url):
        found = replayed.Replayed(live_server.url, calls, ALLOWED)
    assert found.faults == [], "\n".join(found.faults)
    assert found.outcomes == {"same": BUILT - 2, "allowed": 2}


def test_whatever_may_differ_is_named_by_itself_and_documented() -> None:
    recorded = {recordings.name_of(call) for call in replayed.chosen("astakos", *GROUPS, "build-projects")}
    for rule in replayed.rules_of(ALLOWED):
        assert any(re.fullmatch(rule["request"], name) for name in recorded), rule
