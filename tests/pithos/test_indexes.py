"""Lists of a container with very many objects read what they show, and no more: by indexes, page by page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.pithos.namespace import access, changes, leaps, listing, numbered, objects
from synnefo.pithos.namespace.changes import commit
from synnefo.pithos.namespace.listing import Rolled, Wanted
from synnefo.pithos.namespace.models import Container, Object, Version
from tests.conftest import People
from tests.pithos.conftest import Api

pytestmark = pytest.mark.django_db

MANY = 3000


@pytest.fixture
def large(api: Api) -> Container:
    """The container ``c`` with many objects, half of them in folders, beside one that is as large."""
    containers = [Container.objects.get(name="c")]
    api("PUT", "other")
    containers.append(Container.objects.get(name="other"))
    for container in containers:
        paths = Object.objects.bulk_create(
            Object(container=container, name=f"{'d' * (number % 2)}{number % 50:02}/{number:05}")
            for number in range(MANY)
        )
        Version.objects.bulk_create(
            Version(object=path, modified_by="somebody", content_type="text/plain") for path in paths
        )
        Container.objects.filter(pk=container.pk).update(object_count=MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return containers[0]


def plans(call: Callable[[], object]) -> list[str]:
    """How the database answers each query of a call that looks for objects."""
    with CaptureQueriesContext(connection) as queries:
        call()
    found = []
    for query in queries.captured_queries:
        if "pithos_object" in query["sql"] and query["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":  # which reads tables of this size either way
                    cursor.execute("SET LOCAL enable_seqscan = off")
                verb = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
                cursor.execute(f"{verb} {query['sql']}")
                found.append("\n".join(str(row) for row in cursor.fetchall()))
    return found


def scans(plan: str) -> bool:
    """Whether a table has to be read from end to end, or (as SQLite tells) all of it put in order."""
    if connection.vendor == "postgresql":
        return bool(re.search(r"Seq Scan on pithos_(object|version)", plan))
    return bool(re.search(r"SCAN pithos_(object|version)(?! USING)|USE TEMP B-TREE FOR ORDER", plan))


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(limit=100),
        Wanted(limit=100, marker="20/01570"),
        Wanted(limit=100, marker="d49/02999"),
        Wanted(limit=100, prefix="1"),
        Wanted(limit=100, prefix="d07/", delimiter="/"),
        Wanted(limit=10, delimiter="/"),
        Wanted(limit=100, reverse=True),
        Wanted(limit=100, end_marker="03/"),
    ],
    ids=["first", "middle", "last", "prefix", "folder", "folders", "backwards", "end"],
)
def test_a_page_is_read_by_an_index(large: Container, wanted: Wanted) -> None:
    found = plans(lambda: listing.entries(large, wanted))
    assert found
    assert not [plan for plan in found if scans(plan)]


@pytest.mark.parametrize("most", [100, 10_000])
def test_metadata_keys_are_read_by_an_index(large: Container, settings: Any, most: int) -> None:
    settings.PITHOS_API_LIST_LIMIT = most
    large.refresh_from_db()
    found = plans(lambda: listing.metadata_keys(large, "X-Object-Meta-"))
    assert len(found) == (2 if most < MANY else 1)
    assert not [plan for plan in found if scans(plan)]


@pytest.mark.parametrize("folds", [False, True])
@pytest.mark.parametrize("delimiter", ["/", "é"])
@pytest.mark.parametrize("prefix", ["", "a/", "a/b", "zz"])
def test_leaping_finds_what_reading_all_finds(
    api: Api, monkeypatch: pytest.MonkeyPatch, prefix: str, delimiter: str, folds: bool
) -> None:
    """Steps are short here, so that every list leaps, and has to be taken up again."""
    container = Container.objects.get(name="c")
    folders = ["a", "a/", *(f"a/{letter}/{n}" for letter in "bcde" for n in range(9)), "a/b/", "a/b0", "a/c"]
    more = [f"x{n}/{m}/" for n in range(5) for m in range(6)] + ["x1", "x3/", "yéz", "yé", "zz"]
    names = sorted({name.replace("/", delimiter) if prefix == "" else name for name in folders + more})
    paths = Object.objects.bulk_create(Object(container=container, name=name) for name in names)
    Version.objects.bulk_create(Version(object=path, modified_by="") for path in paths)
    for end_marker in ("", "x2"):
        wanted = Wanted(prefix=prefix, delimiter=delimiter, folds=folds, end_marker=end_marker)
        monkeypatch.setattr(leaps, "AT_ONCE", 1000)
        expected = [(entry.name, isinstance(entry, Rolled)) for entry in listing.entries(container, wanted)]
        monkeypatch.setattr(leaps, "AT_ONCE", 5)
        found = [(entry.name, isinstance(entry, Rolled)) for entry in listing.entries(container, wanted)]
        assert found == expected
        assert len(found) == len(set(found))


def test_an_object_is_found_by_an_index(large: Container, people: People) -> None:
    caller, path = people.alice.caller, objects.Path(people.alice.user.uuid, "c", "d07/00007")
    found = plans(lambda: objects.get(caller, path))
    assert found
    assert not [plan for plan in found if scans(plan)]


def test_what_a_container_holds_is_not_counted(large: Container, api: Api) -> None:
    with CaptureQueriesContext(connection) as queries:
        head = api("HEAD", "c")
    assert head["X-Container-Object-Count"] == str(MANY)
    assert not [one["sql"] for one in queries.captured_queries if "COUNT(" in one["sql"]]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_AT_ONCE", 7)


def test_a_large_container_is_emptied_step_by_step(api: Api, small_steps: None) -> None:
    for number in range(20):
        api.put(f"c/o{number:02}", b"x")
    container = Container.objects.get(name="c")
    with CaptureQueriesContext(connection) as queries:
        assert api("DELETE", "c?delimiter=/").status_code == 204
    container.refresh_from_db()
    assert (container.object_count, container.size_bytes) == (0, 0)
    steps = [one for one in queries.captured_queries if one["sql"].startswith('UPDATE "pithos_version"')]
    assert len(steps) == 3
    assert Version.objects.filter(state=Version.State.TOMBSTONE).count() == 20


def test_a_large_folder_goes_with_what_stands_for_it_last(
    api: Api, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("d", *(f"d/{number:02}" for number in range(20)), "e"):
        api.put(f"c/{name}", b"x")
    seen: list[set[str]] = []

    def watched(*args: Any, **more: Any) -> Any:
        seen.append(set(api("GET", "c").content.decode().split()))
        return commit(*args, **more)

    monkeypatch.setattr("synnefo.pithos.namespace.objects.commit", watched)
    assert api("DELETE", "c/d?delimiter=/").status_code == 204
    assert [len(names) for names in seen] == [22, 15, 8]
    assert all({"d", "e"} <= names for names in seen)
    assert api("GET", "c").content == b"e\n"


@pytest.mark.parametrize("versioning", ["auto", "none"])
def test_many_objects_that_go_at_once_leave_what_one_leaves(api: Api, versioning: str) -> None:
    assert api("POST", "c", X_Container_Policy_Versioning=versioning).status_code == 202
    for name in ("a", "b/1", "b/2"):
        api.put(f"c/{name}", b"x")
    uuids = {row.object.name: row.uuid for row in Version.objects.select_related("object")}
    api("DELETE", "c?delimiter=/")
    left = {(row.object.name, row.state, row.uuid) for row in Version.objects.select_related("object")}
    states = {Version.State.TOMBSTONE} | ({Version.State.HISTORY} if versioning == "auto" else set())
    assert left == {(name, state, uuid) for name, uuid in uuids.items() for state in states}


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "sql",
    [
        lambda: access._containers_and_currents._sql,
        lambda: access._containers_and_currents._for_each._sql(3),
        lambda: numbered._current._compiled().sql,
        lambda: numbered._current._for_each._sql(8),
        lambda: objects._named._compiled().sql,
        lambda: changes._current._compiled().sql,
    ],
    ids=["before a change", "before many", "plain", "many plain", "whole", "planned"],
)
def test_what_is_planned_before_there_is_anything_finds_an_object_by_its_whole_key(
    sql: Callable[[], str],
) -> None:
    plan = kept_plan(sql())
    assert re.search(r"object_name on pithos_object.*\n *Index Cond: \(\(container_id = .*name", plan), plan
    assert re.search(r"version_one_current on pithos_version.*\n *Index Cond: \(object_id = ", plan), plan
    assert not re.search(r"Seq Scan|Hash", plan), plan


def kept_plan(sql: str) -> str:
    """The plan of a prepared statement that is kept for all values; made where no table was analyzed yet."""
    numbers = itertools.count(1)
    statement, count = re.subn("%s", lambda _: f"${next(numbers)}", sql)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE relname LIKE 'pithos_%'")
        cursor.execute("DELETE FROM pg_statistic WHERE starelid::regclass::text LIKE 'pithos_%'")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE looked AS {statement}")
        cursor.execute(f"EXPLAIN EXECUTE looked({', '.join(['NULL'] * count)})")
        lines = [row[0] for row in cursor.fetchall()]
        cursor.execute("DEALLOCATE looked")
    return "\n".join(lines)
