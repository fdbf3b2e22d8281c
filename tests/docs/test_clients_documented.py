"""The tables of what clients did are those of the commands that are run now."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

import pytest

from interop import commands, kamaki, tempest
from tests.docs.tables import DOCS

PAGE = (DOCS / "clients.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "run"), [("openstack commands", commands.COMMANDS), ("kamaki commands", kamaki.COMMANDS)]
)
def test_every_command_that_is_run_has_its_result_in_the_page(
    name: str, run: Sequence[commands.Command | kamaki.Command]
) -> None:
    table = PAGE.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]
    told = re.findall(r"^\| `(.*)` \| (.*) \|$", table, re.MULTILINE)
    assert [line for line, _ in told] == [command.line for command in run]
    expected = {command.line: getattr(command, "reason", "") or "ok" for command in run}
    assert dict(told) == expected


def test_every_suite_of_tempest_has_its_figures_and_passes_as_many_as_it_must() -> None:
    known = tomllib.loads(tempest.KNOWN.read_text(encoding="utf-8"))
    for name, suite in tempest.SUITES.items():
        found = re.search(rf"^\| {name} \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
        assert found is not None, name
        passed, failed, left_out, total = map(int, found.groups())
        assert passed + failed + left_out == total
        assert passed >= suite.least_passed
        assert failed <= len(known[name])
