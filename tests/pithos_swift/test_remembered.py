"""Lists of whole containers that are kept in memory: never anything but what the database says now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from synnefo.pithos.namespace import whole
from synnefo.pithos.namespace.models import Account, Container, Object, Version
from tests.pithos_swift.conftest import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

PUT = {"Content_Type": "text/plain"}
#: What changes one object of several, or what is told of it.
CHANGES: dict[str, Callable[[Api, str], Any]] = {
    "put": lambda api, name: api.put(f"c/{name}", "new content"),
    "put another type": lambda api, name: api("PUT", f"c/{name}", "x", "text/html"),
    "post a type": lambda api, name: api("POST", f"c/{name}", kind="text/css"),
    "delete": lambda api, name: api("DELETE", f"c/{name}"),
    "copy": lambda api, name: api("COPY", f"c/{name}", Destination="c/copied"),
    "link": lambda api, name: api("PUT", f"c/{name}", X_Symlink_Target="c/target"),
    "manifest": lambda api, name: api(
        "PUT", f"c/{name}?multipart-manifest=put", json.dumps([{"path": "/c/target"}])
    ),
    "elsewhere": lambda api, name: api.put(f"other/{name}", "x"),
}


@pytest.fixture(autouse=True)
def memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short containers are long here."""
    monkeypatch.setattr(whole, "_WORTH_A_LOOK", 1)
    settings.PITHOS_REMEMBERED_ROWS = 100
    whole._memory.cache_clear()
    yield
    whole._memory.cache_clear()


@pytest.fixture
def full(api: Api) -> Api:
    assert api("PUT", "other").status_code == 201
    for name in ("b", "a", "target", "d"):
        api.put(f"c/{name}", name)
    return api


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", f"c?format=json{query}").json()
    return found


def told_anew(api: Api, settings: Any, query: str = "") -> list[dict[str, Any]]:
    """The same without memory."""
    settings.PITHOS_REMEMBERED_ROWS, kept = 0, settings.PITHOS_REMEMBERED_ROWS
    found = listed(api, query)
    settings.PITHOS_REMEMBERED_ROWS = kept
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in found]


def rows_read(api: Api) -> int:
    """How many rows a list asked for by what they say."""
    seen: list[int] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if '"checksum"' in sql:
            seen.append(context["cursor"].rowcount)
        return answer

    with connection.execute_wrapper(watch):
        listed(api)
    return sum(seen)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told_by_the_next_list(full: Api, settings: Any, change: str) -> None:
    for name in ("a", "b", "new"):
        listed(full)
        before = listed(full)
        answer = CHANGES[change](full, name)
        assert answer.status_code < 300 or name == "new", answer.content
        after = listed(full)
        assert after == told_anew(full, settings)
        assert (after == before) == (change == "elsewhere" or answer.status_code >= 300)


@budget(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.sampled_from("abcd")), max_size=8))
def test_lists_are_those_that_are_made_anew_whatever_happens(
    full: Api, settings: Any, steps: list[tuple[str, str]]
) -> None:
    for change, name in steps:
        CHANGES[change](full, name)
        assert listed(full) == told_anew(full, settings)
    assert listed(full, "&reverse=true") == told_anew(full, settings, "&reverse=true")


def test_only_what_is_new_is_read(full: Api) -> None:
    assert [rows_read(full) for _ in range(3)] == [4, 4, 0]
    full.put("c/b", "again")
    full.put("c/e", "e")
    assert [rows_read(full) for _ in range(2)] == [2, 0]
    full("DELETE", "c/a")
    assert rows_read(full) == 0
    assert names(listed(full)) == ["b", "d", "e", "target"]


def test_when_many_are_new_all_are_read_at_once(full: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "_FEW", 1)
    for _ in range(2):
        listed(full)
    full.put("c/b", "again")
    assert rows_read(full) == 1
    for name in "ab":
        full.put(f"c/{name}", "once more")
    assert rows_read(full) == 4


def test_the_number_of_queries_does_not_grow(full: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            listed(full)
        return len(found)

    listed(full)
    listed(full)
    before = queries()
    for number in range(20):
        full.put(f"c/{number}", "x")
    listed(full)
    assert queries() == before


def test_paths_that_go_to_another_container_are_told_there_alone(full: Api, settings: Any) -> None:
    """Their versions stay as they are."""
    for _ in range(2):
        listed(full)
    other = Container.objects.get(name="other")
    Object.objects.filter(name="b").update(container=other)
    Container.objects.filter(name="c").update(object_count=3)
    assert names(listed(full)) == ["a", "d", "target"]
    Object.objects.filter(name="b").update(container=Container.objects.get(name="c"))
    Container.objects.filter(name="c").update(object_count=4)
    assert listed(full) == told_anew(full, settings)
    assert len(listed(full)) == 4


def test_a_container_of_another_account_says_links_anew(full: Api, settings: Any) -> None:
    full("PUT", "c/b", X_Symlink_Target="c/target")
    for _ in range(2):
        before = listed(full)
    mate = Account.objects.create(name="00000000-0000-4000-8000-000000000001")
    owner = Account.objects.get(name=full.account)
    owner_name, owner.name = owner.name, "00000000-0000-4000-8000-000000000002"
    owner.save()
    mate.name = owner_name
    mate.save()
    Container.objects.filter(name="c").update(account=mate)
    assert listed(full) == before == told_anew(full, settings)


def test_more_than_may_be_kept_is_not_kept(full: Api, settings: Any) -> None:
    settings.PITHOS_REMEMBERED_ROWS = 4  # of which the container itself is one
    whole._memory.cache_clear()
    assert [rows_read(full) for _ in range(3)] == [4, 4, 4]
    full("DELETE", "c/a")
    assert [rows_read(full) for _ in range(3)] == [3, 3, 0]


def test_nothing_is_kept_where_that_is_switched_off(full: Api, settings: Any) -> None:
    settings.PITHOS_REMEMBERED_ROWS = 0
    assert [rows_read(full) for _ in range(3)] == [4, 4, 4]


def test_what_another_server_said_does_not_count(full: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was made of a copy may give the numbers that are known to other rows."""
    for _ in range(2):
        listed(full)
    monkeypatch.setattr(whole, "_STARTED", "SELECT 'later'")
    assert [rows_read(full) for _ in range(2)] == [4, 0]


def test_what_lies_far_apart_is_listed_without_memory(full: Api) -> None:
    other = Container.objects.get(name="other")
    Object.objects.bulk_create(Object(container=other, name=f"{number}") for number in range(20))
    full.put("c/e", "e")
    assert [rows_read(full) for _ in range(3)] == [5, 5, 5]
    assert names(listed(full)) == ["a", "b", "d", "e", "target"]


def test_pages_and_parts_are_not_those_of_the_whole(full: Api) -> None:
    for _ in range(2):
        listed(full)
    assert names(listed(full, "&limit=2")) == ["a", "b"]
    assert names(listed(full, "&marker=b")) == ["d", "target"]
    assert names(listed(full, "&prefix=t")) == ["target"]
    assert listed(full, "&limit=0") == []


def test_many_list_while_others_write(full: Api, settings: Any) -> None:
    def lists() -> None:
        try:
            for _ in range(10):
                found = names(listed(full))
                assert found == sorted(found)
                assert {"a", "b", "d", "target"} <= set(found)
        finally:
            connection.close()

    def writes(number: int) -> None:
        try:
            for part in range(5):
                full.put(f"c/x{number}{part}", "x")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(lists) for _ in range(3)] + [pool.submit(writes, number) for number in range(3)]
        for one in work:
            one.result()
    assert listed(full) == told_anew(full, settings)
    assert len(listed(full)) == 19


def test_versions_are_gone_from_memory_with_their_rows(full: Api) -> None:
    for _ in range(2):
        listed(full)
    Version.objects.filter(object__name="a").delete()
    Container.objects.filter(name="c").update(object_count=3)
    listed(full)
    (kept,) = whole._memory().values()
    assert sorted(name for name, _ in kept.told.values()) == ["b", "d", "target"]
