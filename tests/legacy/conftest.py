from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.legacy import old


@pytest.fixture(scope="session")
def old_server() -> Iterator[old.Server]:
    with old.server() as url:
        made = old.Server(url)
        try:
            yield made
        finally:
            made.drop_all()
