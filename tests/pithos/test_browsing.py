"""Folders as people see them, against what a list of names says; and what is done to whole folders."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import EMPTY, keep
from synnefo.pithos.namespace import browsing, containers, objects, trees
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.objects import Path
from tests.conftest import People

NAMES = ("a", "a.txt", "a-b", "a/", "a/x", "a/y/z", "a0", "b/1", "b/2", "b/3/4", "c", "é/ü", "a//x")


@pytest.fixture
def caller(people: People, store: Blocks) -> Caller:
    found = people.alice.caller
    containers.put(found, found.user, "c", attributes={}, policy={})
    return found


@pytest.fixture
def container(caller: Caller) -> Container:
    return containers.get(caller, caller.user, "c")


def at(caller: Caller, name: str, container: str = "c") -> Path:
    return Path(caller.user, container, name)


def put(caller: Caller, store: Blocks, name: str, data: bytes = b"data", kind: str = "text/plain") -> Version:
    content = keep(store, [data], 4) if data else EMPTY
    return objects.write(caller, at(caller, name), content, content_type=kind, attributes={})


def names(caller: Caller, container: str = "c") -> list[str]:
    rows = Version.objects.filter(
        object__container__name=container, object__container__account__name=caller.user
    )
    return sorted(rows.filter(state=Version.State.CURRENT).values_list("object__name", flat=True))


def rows_of(page: browsing.Page) -> list[str]:
    return [row.name for row in page.rows]


def expected(stored: set[str], folder: str) -> list[str]:
    below = {name[len(folder) :] for name in stored if name.startswith(folder) and name != folder}
    cut = {head + slash for head, slash, _ in (name.partition("/") for name in below)}
    return sorted(folder + name for name in cut)


@given(
    stored=st.sets(st.sampled_from(NAMES)), limit=st.integers(1, 4), folder=st.sampled_from(["", "a/", "b/"])
)
@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_pages_of_a_folder_forward_and_back_are_what_its_names_say(
    caller: Caller, container: Container, store: Blocks, stored: set[str], limit: int, folder: str
) -> None:
    objects.delete_all(caller, caller.user, "c")
    for name in stored:
        put(caller, store, name)
    wanted = expected(stored, folder)
    for descending in (False, True):
        seen: list[str] = []
        pages = []
        after = ""
        while True:
            page = browsing.by_name(container, folder, after=after, descending=descending, limit=limit)
            seen += rows_of(page)
            pages.append(page)
            if not page.more:
                break
            after = page.last
        assert seen == (wanted[::-1] if descending else wanted)
        for earlier, later in itertools.pairwise(pages):
            back = browsing.by_name(container, folder, before=later.first, descending=descending, limit=limit)
            assert rows_of(back) == rows_of(earlier)
    assert sorted(rows_of(browsing.sorted_by(container, folder, "size", offset=0, limit=50))) == wanted


@pytest.mark.parametrize("place", ["", "a", "a/", "a/x", "b", "zz", "0"])
def test_a_place_outside_of_a_folder_shows_nothing_from_outside(
    caller: Caller, container: Container, store: Blocks, place: str
) -> None:
    for name in NAMES:
        put(caller, store, name)
    for descending in (False, True):
        for where in ({"after": place}, {"before": place}):
            page = browsing.by_name(container, "b/", descending=descending, limit=50, **where)
            assert set(rows_of(page)) <= {"b/1", "b/2", "b/3/"}


def test_a_page_costs_the_same_however_full_its_folders_are(
    caller: Caller, container: Container, store: Blocks, django_assert_num_queries: Any
) -> None:
    for folder in range(4):
        for number in range(12):
            put(caller, store, f"folder-{folder}/{number:02}")
    with django_assert_num_queries(2):
        page = browsing.by_name(container, "", limit=3)
    assert rows_of(page) == ["folder-0/", "folder-1/", "folder-2/"]
    assert page.more
    with django_assert_num_queries(2):
        page = browsing.sorted_by(container, "", "-size", offset=0, limit=3)
    assert [(row.files, row.size_bytes) for row in page.rows] == [(12, 48)] * 3


def test_a_folder_that_an_object_stands_for_is_one_row(
    caller: Caller, container: Container, store: Blocks
) -> None:
    put(caller, store, "a", b"", "application/directory")
    for name in ("a-b", "a/x", "b"):
        put(caller, store, name)
    assert rows_of(browsing.by_name(container, "", limit=50)) == ["a/", "a-b", "b"]
    assert rows_of(browsing.sorted_by(container, "", "-size", offset=0, limit=50)) == ["a-b", "a/", "b"]
    first = browsing.by_name(container, "", limit=1)
    assert rows_of(browsing.by_name(container, "", after=first.last, limit=50)) == ["a-b", "b"]


def test_files_are_sorted_by_size_time_and_type(caller: Caller, container: Container, store: Blocks) -> None:
    put(caller, store, "small", b"1", "b/b")
    put(caller, store, "large", b"123456789", "a/a")
    put(caller, store, "f/x", b"1234", "c/c")
    for key, wanted in {
        "size": ["small", "f/", "large"],
        "-size": ["large", "f/", "small"],
        "modified": ["small", "large", "f/"],
        "kind": ["large", "small", "f/"],
    }.items():
        assert rows_of(browsing.sorted_by(container, "", key, offset=0, limit=50)) == wanted
    second = browsing.sorted_by(container, "", "size", offset=1, limit=1)
    assert (rows_of(second), second.more) == (["f/"], True)


def test_searching_looks_below_the_folder_at_any_depth(
    caller: Caller, container: Container, store: Blocks
) -> None:
    for name in ("Report.pdf", "a/report-2.pdf", "a/b/my report", "report/other", "a/100%"):
        put(caller, store, name)
    found = browsing.search(container, "", "report", limit=50)
    assert rows_of(found) == ["Report.pdf", "a/b/my report", "a/report-2.pdf", "report/other"]
    assert rows_of(browsing.search(container, "report/", "report", limit=50)) == []
    assert rows_of(browsing.search(container, "", "0%", limit=50)) == ["a/100%"]
    first = browsing.search(container, "a/", "report", limit=1)
    assert (rows_of(first), first.more) == (["a/b/my report"], True)
    second = browsing.search(container, "a/", "report", after=first.last, limit=1)
    assert (rows_of(second), second.more) == (["a/report-2.pdf"], False)


def test_a_folder_moves_with_all_that_is_in_it(caller: Caller, store: Blocks) -> None:
    put(caller, store, "a", b"", "application/directory")
    made = {name: put(caller, store, name).uuid for name in ("a/x", "a/y/z", "ab")}
    assert trees.move(caller, at(caller, "a/"), at(caller, "n/m/")) == 3
    assert names(caller) == ["ab", "n/m", "n/m/x", "n/m/y/z"]
    assert objects.get(caller, at(caller, "n/m/x")).uuid == made["a/x"]
    assert trees.move(caller, at(caller, "n/"), at(caller, "k/"), copying=True) == 3
    assert names(caller) == ["ab", "k/m", "k/m/x", "k/m/y/z", "n/m", "n/m/x", "n/m/y/z"]
    assert objects.get(caller, at(caller, "k/m/x")).uuid != made["a/x"]


def test_what_is_there_is_overwritten_only_if_that_is_wanted(caller: Caller, store: Blocks) -> None:
    put(caller, store, "a", b"new")
    put(caller, store, "b", b"old")
    with pytest.raises(Conflict, match="There is a b in c already"):
        trees.move(caller, at(caller, "a"), at(caller, "b"))
    trees.move(caller, at(caller, "a"), at(caller, "b"), overwrite=True)
    assert names(caller) == ["b"]
    assert len(objects.versions(caller, at(caller, "b"))) == 2


@pytest.mark.parametrize(
    ("source", "target", "fault"),
    [
        ("a/", "a/b/", BadRequest),
        ("a/", "b", BadRequest),
        ("x", "y/", BadRequest),
        ("x", "x", Conflict),
        ("nothing", "y", ItemNotFound),
        ("nothing/", "y/", ItemNotFound),
        ("x", "y" * 1025, BadRequest),
    ],
)
def test_what_cannot_be_moved_says_why_and_stays(
    caller: Caller, store: Blocks, source: str, target: str, fault: type[Exception]
) -> None:
    for name in ("a/1", "x"):
        put(caller, store, name)
    with pytest.raises(fault):
        trees.move(caller, at(caller, source), at(caller, target))
    assert names(caller) == ["a/1", "x"]


def test_a_folder_that_holds_too_much_is_refused_whole(
    caller: Caller, store: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        put(caller, store, f"a/{number}")
    monkeypatch.setattr(trees, "MOST_AT_ONCE", 3)
    with pytest.raises(BadRequest, match="more than 3 files"):
        trees.discard(caller, at(caller, "a/"))
    assert len(names(caller)) == 4


@pytest.mark.parametrize("long", ["f", "n" * 700])
def test_what_is_thrown_away_comes_back_to_where_it_was(caller: Caller, store: Blocks, long: str) -> None:
    for name in (f"{long}/x", f"{long}/y/z", "g"):
        put(caller, store, name)
    before = names(caller)
    assert trees.discard(caller, at(caller, f"{long}/")) == f"{long}/"
    assert names(caller) == ["g"]
    assert names(caller, "trash") == [f"{long}/x", f"{long}/y/z"]
    assert trees.restore(caller, caller.user, f"{long}/") == at(caller, f"{long}/")
    assert names(caller) == before
    assert names(caller, "trash") == []
    assert trees.origin_of(objects.get(caller, at(caller, f"{long}/x"))) is None


def test_names_that_are_taken_get_a_number(caller: Caller, store: Blocks) -> None:
    for _ in range(3):
        put(caller, store, "a/x.tar.gz")
        trees.discard(caller, at(caller, "a/x.tar.gz"))
    assert names(caller, "trash") == ["x.tar (2).gz", "x.tar (3).gz", "x.tar.gz"]
    put(caller, store, "a/x.tar.gz")
    assert trees.restore(caller, caller.user, "x.tar.gz").name == "a/x.tar (2).gz"
    container = containers.get(caller, caller.user, "c")
    put(caller, store, ".profile")
    put(caller, store, "f.d/1")
    assert trees.free_name(container, ".profile") == ".profile (2)"
    assert trees.free_name(container, "f.d/") == "f.d (2)/"
    assert trees.free_name(container, "free") == "free"


def test_what_has_no_known_place_is_not_restored_by_guessing(caller: Caller, store: Blocks) -> None:
    put(caller, store, "x")
    trees.discard(caller, at(caller, "x"))
    containers.delete(caller, caller.user, "c")
    with pytest.raises(Conflict, match="container c is gone"):
        trees.restore(caller, caller.user, "x")
    objects.write(caller, at(caller, "y", "trash"), EMPTY, content_type="a/b", attributes={})
    with pytest.raises(Conflict, match="not known"):
        trees.restore(caller, caller.user, "y")
    with pytest.raises(ItemNotFound):
        trees.restore(caller, caller.user, "z")
    with pytest.raises(BadRequest):
        trees.discard(caller, at(caller, "y", "trash"))


def test_what_is_erased_leaves_no_history(caller: Caller, store: Blocks) -> None:
    for name in ("f/x", "f/x", "f/y", "f", "fg"):
        put(caller, store, name)
    for name in ("f/", "fg"):
        trees.discard(caller, at(caller, name))
    trees.erase(caller, at(caller, "f/", "trash"))
    assert names(caller, "trash") == ["fg"]
    left = Version.objects.filter(object__container__name="trash")
    assert {version.object.name for version in left} == {"fg"}
    trees.empty_trash(caller, caller.user)
    assert list(left.values("state", "object__name", "modified")) == []
    with pytest.raises(ItemNotFound):
        trees.erase(caller, at(caller, "f/", "trash"))


def test_others_see_and_move_nothing(caller: Caller, people: People, store: Blocks) -> None:
    put(caller, store, "x")
    bob = people.bob.caller
    for attempt in (
        lambda: trees.move(bob, at(caller, "x"), at(caller, "y")),
        lambda: trees.discard(bob, at(caller, "x")),
        lambda: trees.erase(bob, at(caller, "x")),
        lambda: trees.restore(bob, caller.user, "x"),
        lambda: trees.empty_trash(bob, caller.user),
        lambda: browsing.taken(bob, caller.user, "c", ["x"]),
        lambda: browsing.history(bob, at(caller, "x"), limit=5),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert names(caller) == ["x"]


def test_history_is_newest_first_in_pages(caller: Caller, store: Blocks) -> None:
    made = [put(caller, store, "x", data).pk for data in (b"1", b"22", b"333")]
    assert [row.pk for row in browsing.history(caller, at(caller, "x"), limit=2)] == made[:0:-1]
    older = browsing.history(caller, at(caller, "x"), older_than=made[1], limit=2)
    assert [(row.pk, row.size_bytes) for row in older] == [(made[0], 1)]
    assert browsing.taken(caller, caller.user, "c", ["x", "y"]) == {"x"}
