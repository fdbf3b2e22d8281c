"""Whatever headers, ranges, paths, parameters and bodies say, Pithos' own face never breaks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synnefo.pithos.namespace.models import PublicLink, Version
from tests.pithos.conftest import Api
from tests.pithos_kit import body_of

FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)

ODD = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", " ", "~", "/", "//", "a//b", "..", "../..", "\x00", "\n", "é", "αβγ", "\U0001f600"]),
    st.sampled_from(["%", "%zz", "%ff", "%00", "a%2Fb", "-1", "0", "1e9", "9" * 30, "x" * 300, "x" * 1100]),
    st.sampled_from(["true", "False", "*", "read=*", "write=;", "=", ";", ",", '"', 'W/"x"']),
    st.sampled_from(["Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 99999 00:00:00 GMT"]),
)
NUMBERS = st.one_of(
    st.just(""), st.integers(0, 12).map(str), st.sampled_from(["-1", "9" * 18, "9" * 40, "x", "²"])
)
RANGES = st.builds(
    lambda unit, parts: f"{unit}={','.join(parts)}",
    st.sampled_from(["bytes", "Bytes", "items", ""]),
    st.lists(st.builds(lambda first, last: f"{first}-{last}", NUMBERS, NUMBERS), max_size=4),
)
PLACES = st.builds(
    lambda first, last, total: f"bytes {first}-{last}/{total}",
    NUMBERS,
    NUMBERS,
    st.one_of(st.just("*"), NUMBERS),
)
NAMES = st.sampled_from(
    [
        "Range",
        "If-Range",
        "If-Match",
        "If-None-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
        "ETag",
        "Content-Range",
        "Content-Encoding",
        "Content-Disposition",
        "X-Object-Manifest",
        "X-Object-Meta-A",
        "X-Object-Meta-%41",
        "X-Object-Sharing",
        "X-Object-Public",
        "X-Object-Bytes",
        "X-Copy-From",
        "X-Move-From",
        "X-Source-Object",
        "X-Source-Account",
        "X-Source-Version",
        "Destination",
        "Destination-Account",
        "X-Container-Policy-Quota",
        "X-Container-Policy-Versioning",
        "X-Container-Policy-Project",
        "X-Container-Meta-A",
        "X-Account-Group-A",
        "X-Account-Meta-A",
        "Accept",
        "X-Delete-At",
        "Transfer-Encoding",
    ]
)
HEADERS = st.dictionaries(NAMES, st.one_of(ODD, RANGES, PLACES, st.just("/c/o")), max_size=4)
PARAMETERS = (
    "format limit marker end_marker until prefix delimiter path meta shared public update hashmap version "
    "disposition-type ignore_content_type"
)
QUERIES = st.dictionaries(st.sampled_from(PARAMETERS.split()), ODD, max_size=4)
METHODS = st.sampled_from(["HEAD", "GET", "PUT", "POST", "COPY", "MOVE", "DELETE", "OPTIONS"])
PATHS = st.one_of(
    st.sampled_from(["", "c", "c/o", "c/o", "c/none", "none/o"]),
    st.builds(lambda a, b: f"{quote(a)}/{quote(b)}", ODD, ODD),
    st.binary(max_size=12).map(lambda raw: "c/" + quote(raw)),
    st.sampled_from(
        ["c/" + quote("é" * 520), "c/" + "x" * 1024, "c/" + quote("\U0001f600" * 700), "c/%", "c/%e2%82"]
    ),
)
KINDS = st.sampled_from(
    ["", "text/plain", "application/octet-stream", "multipart/form-data", "a/" + "x" * 300]
)


@pytest.fixture
def there(api: Api) -> Api:
    api.put("c/o", "0123456789", X_Object_Meta_A="b")
    return api


def ask(api: Api, method: str, path: str, query: dict[str, str], headers: dict[str, str], **more: Any) -> Any:
    """Sent as servers pass it on: header values are bytes, read as Latin-1."""
    text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    given = {
        name: value.encode(errors="replace").decode("latin-1").replace("\n", " ").replace("\r", " ")
        for name, value in headers.items()
    }
    response = api(method, f"{path}?{text}" if text else path, **more, **given)
    body_of(response)
    return response


@FUZZ
@given(METHODS, PATHS, QUERIES, HEADERS, st.binary(max_size=12), KINDS)
def test_no_request_breaks_it(
    there: Api, method: str, path: str, query: dict[str, str], headers: dict[str, str], data: bytes, kind: str
) -> None:
    response = ask(there, method, path, query, headers, data=data, kind=kind)
    assert response.status_code < 500, (method, path, query, headers, response.content)


@FUZZ
@given(RANGES, st.booleans())
def test_ranges_are_parts_of_the_content(there: Api, header: str, published: bool) -> None:
    content = b"0123456789"
    response = ask(there, "GET", "c/o", {}, {"Range": header})
    assert response.status_code in (200, 206, 400, 416)
    if response.status_code == 206 and "Content-Range" in response:
        first, _, last = response["Content-Range"].removeprefix("bytes ").partition("/")[0].partition("-")
        asked = there("GET", "c/o", Range=header)
        assert body_of(asked) == content[int(first) : int(last) + 1]


@FUZZ
@given(PLACES, st.binary(max_size=9), st.one_of(st.none(), NUMBERS))
def test_parts_are_written_where_they_belong_or_not_at_all(
    there: Api, place: str, data: bytes, cut: str | None
) -> None:
    there.put("c/o", "0123456789")
    headers = {"Content-Range": place} | ({} if cut is None else {"X-Object-Bytes": cut})
    octets = "application/octet-stream"
    response = ask(there, "POST", "c/o", {}, headers, data=data, kind=octets)
    assert response.status_code in (204, 400, 416)
    if response.status_code != 204:
        assert there.read("c/o") == b"0123456789"
        return
    start = int(place.removeprefix("bytes ").partition("-")[0])
    expected = b"0123456789"[:start] + data + b"0123456789"[start + len(data) :]
    assert there.read("c/o") == expected[: int(cut) if cut else None]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
HASHES = st.lists(st.one_of(JSON, st.just("ab" * 32), st.just("AB" * 32), st.just("zz" * 32)), max_size=3)
MAPS = st.one_of(
    st.binary(max_size=30),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda hashes, size: json.dumps({"hashes": hashes, "bytes": size}).encode(),
        HASHES, st.one_of(st.integers(-1, 13), JSON),
    ),
)  # fmt: skip


@FUZZ
@given(MAPS, st.sampled_from(["", "format=json", "format=xml"]))
def test_hash_maps_name_nothing_that_is_not_there(there: Api, data: bytes, query: str) -> None:
    response = there("PUT", f"c/map?hashmap&{query}", data, "application/json")
    assert response.status_code in (201, 400, 409), response.content
    if response.status_code == 409:
        assert isinstance(json.loads(response.content), list)
    if response.status_code == 201:
        assert there.read("c/map") == bytes(Version.objects.get(object__name="map", state=0).size_bytes)


@FUZZ
@given(st.one_of(ODD, st.binary(max_size=20).map(lambda raw: raw.decode("latin-1"))), METHODS, HEADERS)
def test_public_links_break_nothing(there: Api, link: str, method: str, headers: dict[str, str]) -> None:
    there("POST", "c/o?update", X_Object_Public="true")
    good = PublicLink.objects.get().url
    for name in (link, good):
        response = ask(there, method, f"/pithos/public/{quote(name)}", {}, headers)
        assert response.status_code < 500, (method, name, headers)


@FUZZ
@given(
    st.text(max_size=8),
    st.text(max_size=8),
    st.sampled_from(["multipart/form-data", "multipart/form-data; boundary=b"]),
)
def test_forms_break_nothing(there: Api, head: str, data: str, kind: str) -> None:
    named = f'Content-Disposition: form-data; name="X-Object-Data"; filename="{head}"'
    text = f"--b\r\n{named}\r\n\r\n{data}\r\n--b--\r\n"
    response = ask(there, "POST", "c/form", {}, {}, data=text.encode(errors="replace"), kind=kind)
    assert response.status_code in (201, 400), response.content
