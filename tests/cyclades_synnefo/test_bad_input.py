"""Whatever is sent, the answer is a fault in Synnefo's shape, and nothing has changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cyclades_api.test_bad_input import at, places
from tests.cyclades_synnefo.conftest import Api, World
from tests.cyclades_synnefo.routes import CASES, Case, filled

WITH_BODY = [case for case in CASES if case.body is not None and not case.route.startswith("userdata")]
WITH_ID = [case for case in CASES if "{" in case.route and case.route.count("{") == 1]
NO_BODY = (b"{", b"", b"[]", b"null", b'"x"', b"7", b"{}", b'{"unknown": 1}', b"\xff\xfe", b"[" * 50_000)
TEXTS = ("", "x" * 70_000, "nul\x00", "\ud800", "\U0001f600", "%", "\\", "' OR 1=1")
JUNK = (*TEXTS, None, [], {}, [None], {"a": {}}, -1, 0, 2**31, 2**63, 2**70, 1.5, True, ["x"])
Picture = Callable[[], dict[str, Any]]

each_body = pytest.mark.parametrize("case", WITH_BODY, ids=lambda case: case.name)


def fault_of(answer: Any) -> dict[str, Any]:
    [fault] = json.loads(answer.content).values()
    assert fault.keys() == {"code", "message", "details"}
    assert fault["code"] == answer.status_code
    assert answer["Content-Type"] == "application/json; charset=UTF-8"
    return dict(fault)


@each_body
def test_a_body_that_is_no_good_is_refused(case: Case, world: World, picture: Picture) -> None:
    path, before = world.path(case.path), picture()
    for raw in NO_BODY:
        answer = world.alice(case.method, path, raw=raw)
        if case.member != 501 or case.method != "PUT":
            assert answer.status_code == 400, (raw[:20], answer.content)
        assert fault_of(answer)["code"] >= 400
    good = json.dumps(filled(case.body, world.ids)).encode()
    for kind in ("", "text/plain", "application/xml", "application/x-www-form-urlencoded"):
        answer = world.alice(case.method, path, raw=good, content_type=kind)
        if case.member != 501 or case.method != "PUT":
            assert answer.status_code == 400, (kind, answer.content)
            assert "content-type" in fault_of(answer)["message"].lower()
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
            answer = world.alice(case.method, world.path(case.path), raw=json.dumps(body).encode())
            assert answer.status_code < 500 or answer.status_code == 501, (place, junk, answer.content)
            if answer.status_code >= 400:
                fault_of(answer)


def test_keys_are_refused_as_a_form_refuses_them(world: World, picture: Picture) -> None:
    """Faults of the pages' own routes: what is no body is one of Synnefo's, what is in it is the form's."""
    before = picture()
    key = f"userdata/keys/{world.ids['key_id']}"
    for raw in (b"{", b"", b"[]", b"null", b"\xff\xfe"):
        for method, path in (("POST", "userdata/keys"), ("PUT", key)):
            answer = world.alice(method, path, raw=raw)
            assert fault_of(answer)["code"] == 400, (path, raw)
    for junk in JUNK:
        for method, path in (("POST", "userdata/keys"), ("PUT", key)):
            answer = world.alice(method, path, raw=json.dumps({"name": junk, "content": junk}).encode())
            assert answer.status_code in (400, 422), (path, junk, answer.content)
            if answer.status_code == 422:
                errors = json.loads(answer.content)
                assert errors.keys() == {"errors", "non_field_key"}
                assert errors["errors"][errors["non_field_key"]]
    assert picture() == before


@pytest.mark.parametrize("number", ["999999", str(2**63), "9" * 300, "0"])
def test_ids_that_nothing_has_are_not_found(world: World, number: str, picture: Picture) -> None:
    before = picture()
    for case in WITH_ID:
        uuids = any(name in case.route for name in ("image_id", "snapshot_id", "alias"))
        if uuids or case.route.startswith(("image", "vmapi")):
            continue
        head, _, tail = case.route.partition("{")
        path = head + number + tail.partition("}")[2]
        answer = world.alice(case.method, path, filled(case.body, world.ids))
        assert answer.status_code == 404, (path, answer.content)
        fault_of(answer)
    assert picture() == before


@pytest.mark.parametrize("text", ["nope", "-1", "1.5", "5e1f", "%00", "{}", "%F0%9F%98%80", "٣"])
def test_what_is_no_id_is_no_path(world: World, text: str) -> None:
    for route in ("compute/v2.0/servers", "compute/v2.0/flavors", "network/v2.0/networks"):
        answer = world.alice("GET", f"{route}/{text}")
        assert answer.status_code == 400
        assert fault_of(answer)["message"] == "API endpoint not found"


def test_images_are_named_by_uuid(world: World) -> None:
    for route in ("compute/v2.0/images", "compute/v2.0/images"):
        assert world.alice("GET", f"{route}/nope").status_code == 400
        assert world.alice("GET", f"{route}/%00").status_code == 404
        assert world.alice("GET", f"{route}/11111111-2222-4333-8444-555555555555").status_code == 404
    assert world.alice("HEAD", "image/v1.0/images/nope").status_code == 400
    assert world.alice("HEAD", "image/v1.0/images/11111111-2222-4333-8444-555555555555").status_code == 404


@pytest.mark.parametrize("text", ["no such key", "%00", "x" * 3000, "a/b", "%F0%9F%98%80"])
def test_names_that_nothing_has_are_not_found(world: World, text: str) -> None:
    server = f"compute/v2.0/servers/{world.ids['server']}/metadata"
    for method, path in (
        ("GET", f"compute/v2.0/os-keypairs/{text}"),
        ("DELETE", f"compute/v2.0/os-keypairs/{text}"),
        ("GET", f"{server}/{text}"),
        ("DELETE", f"{server}/{text}"),
    ):
        answer = world.alice(method, path)
        assert answer.status_code == 404, (path, answer.content)
        fault_of(answer)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("compute/v2.0/servers", "changes-since=bad"),
        ("compute/v2.0/servers/detail", "changes-since=2014-01-01T00:00:00"),
        ("compute/v2.0/servers/detail", "changes-since=2999-01-01T00:00:00Z"),
        ("compute/v2.0/servers/detail", "changes-since=2026-13-45T00:00:00Z"),
        ("compute/v2.0/images/detail", "changes-since="),
        ("network/v2.0/networks", "changes-since=%00"),
        ("network/v2.0/floatingips", "changes-since=0001-01-01"),
        ("image/v1.0/images/detail", "sort_key=bogus"),
        ("image/v1.0/images", "sort_dir=sideways"),
        ("image/v1.0/images", "size_min=x"),
    ],
)
def test_a_query_that_is_no_good_is_refused(alice: Api, path: str, query: str) -> None:
    answer = alice("GET", f"{path}?{query}")
    assert answer.status_code == 400, answer.content
    assert fault_of(answer)["message"]


def test_paths_and_methods_that_there_are_not(alice: Api) -> None:
    for path in (
        "compute/nothing",
        "compute/v2.1/servers",
        "network/v2.0/routers",
        "image/v1.0/x/y",
        "compute/v2.0/limits",
    ):
        fault = fault_of(alice("GET", path))
        assert (fault["code"], fault["message"]) == (400, "API endpoint not found")
    answer = alice("PATCH", "compute/v2.0/servers")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, POST"
    assert "notAllowed" in json.loads(answer.content)


def test_json_and_a_slash_may_end_a_path_and_faults_are_xml_where_that_is_wanted(alice: Api) -> None:
    for path in ("compute/v2.0/servers.json", "compute/v2.0/servers/", "compute/v2.0/servers.json/"):
        assert alice.get(path) == {"servers": []}
    for path, headers in (
        ("compute/v2.0/servers/99?format=xml", {}),
        ("compute/v2.0/servers/99.xml", {}),
        ("compute/v2.0/servers/99", {"Accept": "application/xml"}),
    ):
        answer = alice("GET", path, **headers)
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/xml; charset=UTF-8"
        assert b"<itemNotFound" in answer.content
