"""Rows of lists: as the libraries for JSON and XML would write them, in order, and no more read than told."""

from __future__ import annotations

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from defusedxml.ElementTree import fromstring
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synnefo.pithos.faces import rows
from synnefo.pithos.namespace import listing, whole
from synnefo.pithos.namespace.listing import Rolled, Told, Wanted
from synnefo.pithos.namespace.models import Container, Object, Version
from tests.pithos.conftest import Api

NAMES = ('a"b', "a&b", "back\\slash", "d/1", "d/2", "grün", "tab\tbed", "<x>", "\U0001f600", "\u2028", "z")
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def fill(container: Container, names: Any, **more: Any) -> None:
    paths = Object.objects.bulk_create(Object(container=container, name=name) for name in names)
    Version.objects.bulk_create(Version(object=path, modified_by="é", **more) for path in paths)
    Container.objects.filter(pk=container.pk).update(object_count=len(paths))


@pytest.fixture
def container(api: Api) -> Container:
    return Container.objects.get(name="c")


def addresses(api: Api) -> tuple[str, str]:
    """Of the container, by either face."""
    return "c", f"/pithos/object-store/swift/v1/AUTH_{api.account}/c"


@given(fields=st.dictionaries(st.sampled_from("abc"), st.none() | st.integers() | TEXTS))
def test_a_row_of_xml_is_what_elementtree_writes(fields: dict[str, Any]) -> None:
    root = ElementTree.Element("top", name='<&"')
    element = ElementTree.SubElement(root, "row")
    for name, value in fields.items():
        ElementTree.SubElement(element, name).text = "" if value is None else str(value)
    if fields:  # an element that has nothing in it is no row
        expected = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
        root.clear()
        root.set("name", '<&"')
        assert rows.xml_list(root, [rows.xml_row("row", fields)]) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "&delimiter=/"])
def test_json_is_written_as_the_library_does(api: Api, container: Container, query: str) -> None:
    fill(container, NAMES, content_type='text/plain; a="é"')
    for address in addresses(api):
        answer = api("GET", f"{address}?format=json{query}").content
        assert answer == json.dumps(json.loads(answer)).encode()
        found = [item.get("name") or item["subdir"] for item in json.loads(answer)]
        assert found == sorted({"d/" if query and name.startswith("d/") else name for name in NAMES})


@pytest.mark.django_db
def test_json_and_xml_tell_the_same(api: Api, container: Container) -> None:
    fill(container, NAMES, size_bytes=7, checksum="c" * 32, hash="e" * 64)
    for address in addresses(api):
        items = api("GET", f"{address}?format=json").json()
        elements = fromstring(api("GET", f"{address}?format=xml").content)
        told = [{field.tag: field.text or "" for field in element} for element in elements]
        assert told == [{key: "" if v is None else str(v) for key, v in item.items()} for item in items]
        assert len(told) == len(NAMES)


@pytest.mark.django_db
@pytest.mark.parametrize("year", [3, 999, 1969, 2031, 9999])
@pytest.mark.parametrize(("microseconds", "digits"), [(0, "000000"), (500_000, "500000"), (7, "000007")])
def test_moments_have_all_their_digits(
    api: Api, container: Container, year: int, microseconds: int, digits: str
) -> None:
    when = datetime.datetime(year, 2, 3, 4, 5, 6, microseconds, tzinfo=datetime.UTC)
    fill(container, ["a"], modified=when)
    (row,) = listing.entries(container, Wanted())
    assert isinstance(row, listing.Listed)
    assert row.modified == when
    native, swift = (api("GET", f"{address}?format=json").json()[0] for address in addresses(api))
    assert native["last_modified"] == f"{year:04}-02-03T04:05:06.{digits}+00:00"
    assert native["x_object_version_timestamp"] == f"{int(when.timestamp())}.{digits}"
    assert swift["last_modified"] == f"{year:04}-02-03T04:05:06.{digits}"


@pytest.mark.parametrize(
    ("stored", "moment"),
    [
        ("2031-02-03 04:05:06.789012", "2031-02-03T04:05:06.789012"),
        ("2031-02-03 04:05:06.7", "2031-02-03T04:05:06.700000"),
        ("2031-02-03 04:05:06", "2031-02-03T04:05:06.000000"),
        ("0003-02-03 04:05:06", "0003-02-03T04:05:06.000000"),
    ],
)
def test_moments_are_told_whole_whatever_databases_leave_out(stored: str, moment: str) -> None:
    assert listing.moment_of(stored) == moment
    assert listing.moments_of([("name", 0, "", "", stored, "{}")]) == [moment]


@pytest.mark.django_db
@pytest.mark.parametrize("reverse", [False, True])
def test_a_whole_container_is_in_the_same_order_as_its_pages(
    api: Api, container: Container, reverse: bool
) -> None:
    names = [*NAMES, "\uffff", "A", "a", "a!", "d/", "d/1/2", "é"]
    fill(container, names)
    expected = sorted(names, reverse=reverse)
    for limit in (len(names), len(names) - 1):
        query = f"format=json&limit={limit}&reverse={reverse}"
        listed = api("GET", f"{addresses(api)[1]}?{query}").json()
        assert [item["name"] for item in listed] == expected[:limit]
        container.refresh_from_db()
        found = listing.entries(container, Wanted(limit=limit, reverse=reverse))
        assert [entry.name for entry in found] == expected[:limit]


@pytest.mark.django_db
def test_objects_that_came_since_the_container_was_read_do_not_spoil_the_order(container: Container) -> None:
    names = [f"{number * 7919 % 1200:04}" for number in range(1200)]
    fill(container, names)
    assert container.object_count == 0  # as it was read before
    for told in (Told.ALL, Told.NAMES):
        found = listing.entries(container, Wanted(limit=600, told=told))
        assert [entry.name for entry in found] == sorted(names)[:600]


@pytest.mark.django_db
def test_texts_of_a_long_list_are_those_of_its_rows_one_by_one(api: Api, container: Container) -> None:
    attributes = {"swift": {"slo": "e" * 32, "slo-bytes": "77"}}
    fill(container, [f'{number * 7919 % 1200:04}"\\\x1f\x7fé\U0001f600' for number in range(1200)])
    fill(container, ["0600 in parts"], attributes=attributes, content_type="x/y")
    fill(container, [f"d/{number}" for number in range(3)])
    Container.objects.filter(pk=container.pk).update(object_count=1204)
    address = addresses(api)[1]
    whole = api("GET", f"{address}?format=json")
    items = whole.json()
    assert whole.content == json.dumps(items).encode()
    assert [item["name"] for item in items] == sorted(item["name"] for item in items)
    assert len(items) == 1204
    (large,) = [item for item in items if item["name"] == "0600 in parts"]
    assert (large["slo_etag"], large["bytes"]) == (f'"{"e" * 32}"', 77)
    pages, marker = [], ""
    while page := api("GET", f"{address}?format=json&limit=101&marker={quote(marker)}").json():
        pages, marker = pages + page, page[-1]["name"]
    assert pages == items
    assert api("GET", address).content.decode().splitlines() == [item["name"] for item in items]
    rolled = api("GET", f"{address}?format=json&delimiter=/").json()
    assert rolled == [*items[:-3], {"subdir": "d/"}]


@pytest.mark.django_db
def test_attributes_are_read_where_somebody_asks(
    api: Api, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(container, ["a", "b"])
    fill(container, ["c"], attributes={"pithos": {"X-Object-Meta-A": "1"}})

    def refuse(text: str) -> Any:
        raise AssertionError(f"{text} was read")

    monkeypatch.setattr(listing, "_parsed", refuse)
    for address in addresses(api):
        assert len(api("GET", f"{address}?format=json").json()) == 3
    found = [row for row in listing.entries(container, Wanted()) if isinstance(row, listing.Listed)]
    assert found[0].attributes == {}
    with pytest.raises(AssertionError, match="was read"):
        _ = found[2].attributes


@pytest.mark.django_db
def test_a_brief_row_has_no_more_than_it_says(container: Container) -> None:
    fill(container, NAMES, checksum="c" * 32, hash="e" * 64)
    whole, brief = (listing.entries(container, Wanted(told=told)) for told in (Told.ALL, Told.BRIEF))
    assert [row[:6] for row in whole] == [tuple(row) for row in brief]
    (row, *_) = brief
    assert isinstance(row, listing.Listed)
    assert row.checksum == "c" * 32
    with pytest.raises(IndexError):
        _ = row.hash


@pytest.mark.django_db
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(st.text("ab/é", min_size=1, max_size=6), max_size=12), prefix=st.text("ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "b", "//", "ab"]), reverse=st.booleans(), folds=st.booleans(),
)  # fmt: skip
def test_entries_come_in_order_each_once(
    container: Container, names: set[str], prefix: str, delimiter: str, reverse: bool, folds: bool
) -> None:
    Object.objects.filter(container=container).delete()
    fill(container, names)
    wanted = Wanted(prefix=prefix, delimiter=delimiter, reverse=reverse, folds=folds)
    found = [(entry.name, isinstance(entry, Rolled)) for entry in listing.entries(container, wanted)]
    expected = set()
    for name in names:
        head, between, tail = name.removeprefix(prefix).partition(delimiter or "\x00")
        rolls = between and (tail or folds)
        if name.startswith(prefix):
            expected.add((prefix + head + between, True) if rolls else (name, False))
    assert len(found) == len(expected)
    assert set(found) == expected
    assert [name for name, _ in found] == sorted((name for name, _ in expected), reverse=reverse)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("between", [0, 9000])
def test_a_long_list_is_whole_whether_its_objects_lie_together_or_not(
    api: Api, container: Container, between: int
) -> None:
    other = Container.objects.create(account=container.account, name="other")
    wanted = [f"{number:04}" for number in range(1500)]
    fill(container, wanted[700:])
    Object.objects.bulk_create(Object(container=other, name=f"{number}") for number in range(between))
    fill(container, wanted[:700])
    fill(other, ["elsewhere"])
    Container.objects.filter(pk=container.pk).update(object_count=len(wanted))
    container.refresh_from_db()
    with CaptureQueriesContext(connection) as queries:
        found = [entry.name for entry in listing.entries(container, Wanted())]
    assert found == wanted
    for part in ('"object_id" >= ', "enable_nestloop"):  # elsewhere it would read what all others have, too
        assert sum(part in query["sql"] for query in queries) == (between == 0)
    with CaptureQueriesContext(connection) as queries:
        backwards = listing.entries(container, Wanted(prefix="01", reverse=True))
    assert len(queries) == 1  # where all of them lie is not looked for
    assert [entry.name for entry in backwards] == [name for name in wanted[::-1] if name.startswith("01")]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_long_list_sees_one_moment_though_objects_move_meanwhile(
    api: Api, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they lie is looked for before they are read."""
    fill(container, [f"{number:04}" for number in range(1500)])
    container.refresh_from_db()
    look = whole._lies

    def moving(asked: Container) -> tuple[int, int] | None:
        found = look(asked)
        with ThreadPoolExecutor(1) as other:
            other.submit(move).result(30)
        return found

    def move() -> None:
        try:
            path = Object.objects.create(container=container, name="moved")
            Version.objects.filter(object__name="0007").update(object=path)
        finally:
            connection.close()

    monkeypatch.setattr(whole, "_lies", moving)
    assert "0007" in [entry.name for entry in listing.entries(container, Wanted())]
    monkeypatch.undo()
    found = [entry.name for entry in listing.entries(container, Wanted())]
    assert "0007" not in found
    assert found[-1] == "moved"
    assert len(found) == 1500
