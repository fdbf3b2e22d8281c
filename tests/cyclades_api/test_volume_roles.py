"""Every route of block storage v3 for strangers, owners, members of other projects, administrators."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.openstack import volume
from synnefo.cyclades.volume_types import rules as volume_types
from tests.conftest import People
from tests.cyclades_api.conftest import Api
from tests.cyclades_api.test_roles import served

Picture = Callable[[], dict[str, Any]]
_V, _S, _T, _O = "/volumes/{volume}", "/snapshots/{snapshot}", "/types/{type}", "/os-volume-transfer"
_PARAMETERS = {
    "{volume}": "{volume_id}", "{snapshot}": "{snapshot_id}", "{type}": "{type_id}",
    "{transfer}": "{transfer_id}", "{key}": "{key}", "{target}": "{target_id}",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Case:
    """``other`` and ``admin`` call it in projects of their own; None: as anybody may."""

    method: str
    path: str
    member: int = 200
    other: int | None = 404
    admin: int | None = None
    body: Any = None

    @property
    def route(self) -> str:
        path = self.path.partition("?")[0]
        for name, parameter in _PARAMETERS.items():
            path = path.replace(name, parameter)
        return f"volume {self.method} /v3/{{project_id}}{path}"


def everybody(path: str, **more: Any) -> Case:
    return Case("GET", path, other=None, **more)


def of_admins(method: str, path: str, admin: int = 200, **more: Any) -> Case:
    return Case(method, path, 403, 403, admin, **more)


_META, _DATA = {"meta": {"{key}": "2"}}, {"metadata": {"{key}": "1"}}
#: In an order in which each finds what it needs.
CASES = [
    everybody("/volumes"), everybody("/volumes/detail"), everybody("/snapshots"),
    everybody("/snapshots/detail"), everybody("/types"), everybody("/types/default"), everybody("/limits"),
    everybody("/extensions"), everybody("/os-availability-zone"), everybody(_O), everybody(f"{_O}/detail"),
    everybody(_T), everybody(f"{_T}/encryption"), everybody(f"{_T}/extra_specs"),
    everybody(f"{_T}/extra_specs/{{key}}"), Case("GET", f"{_T}/os-volume-type-access", 404, 404),
    of_admins("GET", "/os-services"), of_admins("GET", "/scheduler-stats/get_pools"),
    of_admins("GET", "/os-quota-class-sets/{class_name}"),
    Case("GET", "/os-quota-sets/{target}", other=403),
    Case("GET", "/os-quota-sets/{target}/defaults", other=403),
    Case("PUT", "/os-quota-sets/{target}", 403, 403), Case("DELETE", "/os-quota-sets/{target}", 403, 403),
    Case("GET", _V), Case("GET", f"{_V}/metadata"), Case("GET", _S), Case("GET", f"{_S}/metadata"),
    Case("GET", f"{_O}/{{transfer}}"),
    Case("POST", "/volumes", 202, None, body={"volume": {"size": 1}}),
    Case("PUT", _V, body={"volume": {"name": "new"}}),
    Case("POST", f"{_V}/metadata", body=_DATA), Case("PUT", f"{_V}/metadata", body=_DATA),
    Case("PUT", f"{_V}/metadata/{{key}}", body=_META), Case("GET", f"{_V}/metadata/{{key}}"),
    Case("DELETE", f"{_V}/metadata/{{key}}"),
    Case("POST", f"{_V}/action", 202, body={"os-reserve": None}),
    Case("PUT", _S, body={"snapshot": {"name": "new"}}),
    Case("POST", f"{_S}/metadata", body=_DATA), Case("PUT", f"{_S}/metadata", body=_DATA),
    Case("PUT", f"{_S}/metadata/{{key}}", body=_META), Case("GET", f"{_S}/metadata/{{key}}"),
    Case("DELETE", f"{_S}/metadata/{{key}}"),
    Case("POST", f"{_S}/action", 403, body={"os-reset_status": {"status": "error"}}),
    Case("POST", "/snapshots", 202, body={"snapshot": {"volume_id": "{spare}"}}),
    of_admins("POST", "/types", body={"volume_type": {"name": "new"}}),
    of_admins("PUT", _T, body={"volume_type": {"description": "new"}}),
    of_admins("POST", f"{_T}/extra_specs", body={"extra_specs": {"a": "b"}}),
    of_admins("PUT", f"{_T}/extra_specs/{{key}}", body={"{key}": "c"}),
    of_admins("DELETE", f"{_T}/extra_specs/{{key}}", 202),
    Case("POST", f"{_T}/action", 403, 403, 409, body={"addProjectAccess": {"project": "x"}}),
    of_admins("DELETE", _T, 400),
    Case("POST", _O, 202, body={"transfer": {"volume_id": "{third}"}}),
    Case("POST", f"{_O}/{{transfer}}/accept", 400, 400, body={"accept": {"auth_key": "x"}}),
    Case("DELETE", f"{_O}/{{transfer}}", 202),
    Case("DELETE", _S, 202),
    Case("DELETE", "/volumes/{fourth}", 202),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)


def test_every_route_has_a_case() -> None:
    routes = sorted(route for route in served(volume.api) if "{project_id}" in route)
    known = {case.route.replace("{fourth}", "{volume_id}") for case in CASES}
    assert routes == sorted(known)


def filled(template: Any, ids: dict[str, str]) -> Any:
    """A body with the ids in the places of their names."""
    if isinstance(template, dict):
        return {filled(key, ids): filled(value, ids) for key, value in template.items()}
    return template.format(**ids) if isinstance(template, str) else template


@pytest.fixture
def ids(alice: Api, admin: Api, cloud: People, settle: Callable[[], None]) -> dict[str, str]:
    base = f"volume/v3/{cloud.alice.caller.project}"

    def make() -> str:
        made: str = alice.json("POST", f"{base}/volumes", {"volume": {"size": 1}})["volume"]["id"]
        return made

    found = {name: make() for name in ("volume", "spare", "third", "fourth", "fifth")}
    body = {"snapshot": {"volume_id": found["volume"]}}
    found["snapshot"] = alice.json("POST", f"{base}/snapshots", body)["snapshot"]["id"]
    settle()
    body = {"transfer": {"volume_id": found["fifth"]}}
    found["transfer"] = alice.json("POST", f"{base}/os-volume-transfer", body)["transfer"]["id"]
    kind = volume_types.default(cloud.admin.caller)
    volume_types.set_specs(cloud.admin.caller, kind, {"colour": "blue"})
    return {
        **found, "type": kind.uuid, "target": cloud.alice.caller.project, "key": "colour",
        "class_name": "default",
    }  # fmt: skip


def test_who_may_do_what(
    alice: Api, bob: Api, admin: Api, cloud: People, ids: dict[str, str], picture: Picture
) -> None:
    def call(case: Case, api: Api, project: str) -> int:
        path = f"volume/v3/{project}{case.path.format(**ids)}"
        return int(api(case.method, path, filled(case.body, ids)).status_code)

    mine, his, roots = (
        person.caller.project for person in (cloud.alice, cloud.bob, cloud.admin)
    )  # fmt: skip
    for case in CASES:
        before = picture()
        for stranger in (Api(), Api("x" * 43)):
            assert call(case, stranger, mine) == 401, case.route
        other = case.member if case.other is None else case.other
        assert call(case, bob, mine) in (400, other), case.route
        if case.other is not None:
            assert picture() == before, f"{case.route}: somebody else changed something"
        assert call(case, bob, his) == other, case.route
        if other >= 400:
            assert picture() == before, f"{case.route}: somebody else changed something"
        assert call(case, admin, roots) == (other if case.admin is None else case.admin), case.route
        assert call(case, alice, mine) == case.member, case.route
