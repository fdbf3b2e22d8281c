"""Whatever is sent, the answer is a fault in the facade's shape, and nothing has changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests.cyclades_api.conftest import Api, World
from tests.cyclades_api.routes import CASES, Case, filled

WITH_BODY = [case for case in CASES if case.body is not None]
WITH_ID = [case for case in CASES if "{" in case.route and case.method != "POST"]
NO_UUID = ("nope", "%00", "..%2f", "0" * 300, "5e1f", "{}", "null", "%F0%9F%98%80")
ABSENT = "11111111-2222-4333-8444-555555555555"
NO_BODY = (b"{", b"", b"[]", b"null", b'"x"', b"7", b"{}", b'{"unknown": 1}', b"\xff\xfe", b"[" * 50_000)
TEXTS = ("", "x" * 70_000, "nul\x00", "\ud800", "\U0001f600", "%", "\\", "' OR 1=1")
JUNK = (*TEXTS, None, [], {}, [None], {"a": {}}, -1, 0, 2**31, 2**70, 1.5, True, ["x"])
Picture = Callable[[], dict[str, Any]]

each_body = pytest.mark.parametrize("case", WITH_BODY, ids=lambda case: case.name)


def message_of(api: str, answer: Any) -> str:
    """What a fault says, in the shape of its API."""
    body = answer.json()
    if api == "network":
        return str(body["NeutronError"]["message"])
    [fault] = [body] if api == "image" else body.values()
    assert fault["code"] == answer.status_code
    return str(fault["message"])


@each_body
def test_a_body_that_is_no_good_is_refused(case: Case, world: World, picture: Picture) -> None:
    path, before = world.path(case.path), picture()
    for raw in NO_BODY:
        if raw == b"{}" and case.takes_nothing:
            continue
        answer = world.alice.speaking(case.microversion)(case.method, path, raw=raw)
        assert answer.status_code == 400, (raw[:20], answer.content)
        assert message_of(case.api, answer)
    huge = world.alice.speaking(case.microversion)(
        case.method, path, raw=b'{"x": "' + b"x" * 2 * 1024 * 1024 + b'"}'
    )
    assert huge.status_code == 413
    assert message_of(case.api, huge)
    for place in places(case.body):
        if isinstance(at(case.body, place), dict) and place[-1:] not in (["metadata"], ["meta"]):
            body = filled(copy.deepcopy(case.body), world.ids)
            at(body, place)["no_such_key"] = 1
            answer = world.alice.speaking(case.microversion)(case.method, path, body)
            assert answer.status_code == 400, (place, answer.content)
    assert picture() == before


@each_body
def test_no_value_whatsoever_makes_a_server_error(case: Case, world: World) -> None:
    for place in places(case.body):
        for junk in JUNK:
            body = filled(copy.deepcopy(case.body), world.ids)
            if not place:
                body = junk
            else:
                at(body, place[:-1])[place[-1]] = junk
            answer = world.alice.speaking(case.microversion)(
                case.method, world.path(case.path), raw=json.dumps(body).encode()
            )
            assert answer.status_code < 500, (place, junk, answer.content)
            if answer.status_code >= 400:
                assert message_of(case.api, answer)


def test_unknown_ids_are_not_found(world: World, picture: Picture) -> None:
    before = picture()
    for case in WITH_ID:
        for wrong in (*NO_UUID, ABSENT):
            path = with_first_id(case, wrong)
            answer = world.alice.speaking(case.microversion)(case.method, path, filled(case.body, world.ids))
            not_his = case.member == 403 or "quota" in case.route or "tenant-usage" in case.route
            also = {403} if not_his else {400} if "meta" in (case.body or {}) else set()
            assert answer.status_code in {404, *also}, (path, answer.content)
            assert message_of(case.api, answer)
    assert picture() == before


def test_ids_may_be_written_without_dashes(world: World) -> None:
    for name, path in (
        ("server", "compute/v2.1/servers/{}"),
        ("flavor", "compute/v2.1/flavors/{}"),
        ("network", "network/v2.0/networks/{}"),
        ("floating", "network/v2.0/floatingips/{}"),
        ("image", "image/v2/images/{}"),
    ):
        assert world.alice.get(path.format(world.ids[name].replace("-", ""))).status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("compute/v2.1/servers/detail", "limit=-1"),
        ("compute/v2.1/servers/detail", "limit=many"),
        ("compute/v2.1/servers", f"marker={ABSENT}"),
        ("compute/v2.1/servers", "marker=%00"),
        ("compute/v2.1/servers", "name=%00"),
        ("compute/v2.1/servers", "changes-since=yesterday"),
        ("compute/v2.1/servers", "changes-since=2026-13-45T00:00:00Z"),
        ("compute/v2.1/servers", "deleted=perhaps"),
        ("compute/v2.1/flavors", "minRam=x"),
        ("compute/v2.1/flavors", "is_public=x"),
        ("network/v2.0/networks", "shared=perhaps"),
        ("network/v2.0/networks", "name=%00"),
        ("network/v2.0/ports", "fixed_ips=x"),
        ("image/v2/images", "visibility=x"),
        ("image/v2/images", "os=%00"),
        ("image/v2/images", "limit=-1"),
        ("image/v2/images", "&".join(f"p{number}=1" for number in range(30))),
    ],
)
def test_a_query_that_is_no_good_is_refused(alice: Api, path: str, query: str) -> None:
    answer = alice.get(f"{path}?{query}")
    assert answer.status_code == 400, answer.content
    assert message_of(path.split("/")[0], answer)


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**63, 2**70])
def test_numbers_of_any_size_are_survived(alice: Api, size: int) -> None:
    queries = ("flavors?minRam", "flavors?limit", "servers?limit", "servers/detail?flavor")
    for path in (*(f"compute/v2.1/{query}" for query in queries), "network/v2.0/subnets?ip_version"):
        assert alice.get(f"{path}={size}").status_code in (200, 400), path


def test_a_host_header_that_is_none_is_refused(alice: Api) -> None:
    headers = {"X-Auth-Token": alice.token, "Host": "not a host"}
    answer = Client().get("/cyclades/openstack/compute/v2.1/flavors", headers=headers)
    assert answer.status_code == 400
    assert message_of("compute", answer)


@pytest.mark.parametrize("api", ["compute", "network", "image"])
def test_paths_and_methods_that_there_are_not_are_answered_in_shape(alice: Api, api: str) -> None:
    for path in (f"{api}/nothing", f"{api}/v9/servers", f"{api}/v2.1/servers/x/y/z"):
        answer = alice.get(path)
        assert answer.status_code == 404
        assert message_of(api, answer)
    unserved = {"compute": "v2.1/limits", "network": "v2.0/extensions", "image": "v2/schemas/image"}
    answer = alice("POST", f"{api}/{unserved[api]}", {})
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert message_of(api, answer)


def places(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[list[Any]]:
    """The paths to everything inside a body, itself first."""
    yield list(so_far)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*so_far, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*so_far, index))


def at(value: Any, place: list[Any]) -> Any:
    for step in place:
        value = value[step]
    return value


def with_first_id(case: Case, wrong: str) -> str:
    """The path of a case with another text for its first parameter, and nothing real for the others."""
    parts = []
    for part in case.route.strip("/").split("/"):
        first = part.startswith("{") and wrong not in parts
        parts.append(wrong if first else ABSENT if part.startswith("{") else part)
    return f"{case.api}/{'/'.join(parts)}"
