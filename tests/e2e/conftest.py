"""One cloud for all end-to-end tests of a run; they use real QEMU and take minutes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud, running_cloud


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.host)
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with running_cloud("e2e") as running:
        running.openstack("keypair", "create", "--public-key", f"{running.key}.pub", "me")
        yield running
