from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pithos_server.servers import Cloud, Group, prepared
from tests.up.cloud import database


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with database() as settings:
        yield prepared(tmp_path_factory.mktemp("cloud"), **settings)


@pytest.fixture(params=["granian", "gunicorn"], scope="module")
def objects(request: pytest.FixtureRequest, cloud: Cloud) -> Iterator[Group]:
    """The processes that serve objects, with a container ``c``."""
    with cloud.group(request.param, "objects") as group:
        assert group.put("c")[0] in (201, 202)
        yield group
