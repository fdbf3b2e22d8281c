"""Long runs with real machines: they take minutes to an hour, and are run by ``make soak``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud, running_cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/soak" in str(item.path):
            item.add_marker(pytest.mark.host)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with running_cloud("soak") as running:
        yield running
