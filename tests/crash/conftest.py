"""A cloud whose dispatchers are killed and stopped; leases are short so that others take over soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.victim import Victim, victim_cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/crash" in str(item.path):
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def victim() -> Iterator[Victim]:
    with victim_cloud() as running:
        yield running
