"""Rules of the namespace: versions, quota, history, copies, lists."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    ItemNotFound,
    OverLimit,
    PreconditionFailed,
    RequestTooLarge,
)
from synnefo.pithos.blocks.content import Content, keep, read
from synnefo.pithos.blocks.memory import MemoryBlocks
from synnefo.pithos.namespace import containers, listing, objects
from synnefo.pithos.namespace.listing import Wanted
from synnefo.pithos.namespace.models import Container, HashMap, Object, Version
from synnefo.pithos.namespace.objects import Overrides, Path, Source
from tests.conftest import People

BLOCK = 4
STORE = MemoryBlocks()


@dataclasses.dataclass
class Drive:
    """A person's container, in words."""

    caller: Caller
    container: str = "c"

    def path(self, name: str, container: str = "") -> Path:
        return Path(self.caller.user, container or self.container, name)

    def make(self, name: str = "c", **policy: str) -> None:
        containers.put(self.caller, self.caller.user, name, attributes={}, policy=policy)

    def put(self, name: str, data: bytes = b"", **attributes: str) -> Version:
        return objects.write(
            self.caller, self.path(name), content(data), content_type="text/plain", attributes=attributes
        )

    def read(self, name: str, version: int | None = None) -> bytes:
        found = objects.get(self.caller, self.path(name), version).content
        return b"".join(read(STORE, found, BLOCK, 0, found.size_bytes))

    def row(self, name: str = "") -> Container:
        return containers.get(self.caller, self.caller.user, name or self.container)

    def names(self, **wanted: Any) -> list[str]:
        return [entry.name for entry in listing.entries(self.row(), Wanted(**wanted))]

    def usage(self, project: str = "") -> int:
        return accounts().quotas(self.caller.user, project or self.caller.user)["pithos.diskspace"].usage


def content(data: bytes) -> Content:
    return keep(STORE, [data], BLOCK)


@pytest.fixture
def drive(people: People) -> Drive:
    made = Drive(people.alice.caller)
    made.make()
    return made


def test_what_is_written_is_read_and_charged(drive: Drive) -> None:
    drive.put("a", b"hello world")
    assert drive.read("a") == b"hello world"
    assert drive.usage() == 11
    row = drive.row()
    assert (row.object_count, row.size_bytes) == (1, 11)


def test_content_of_one_block_needs_no_map_and_equal_maps_are_one(drive: Drive) -> None:
    drive.put("small", b"abcd")
    assert HashMap.objects.count() == 0
    drive.put("x", b"hello world")
    drive.put("y", b"hello world")
    assert HashMap.objects.count() == 1


def test_overwriting_keeps_the_uuid_and_the_old_version(drive: Drive) -> None:
    first = drive.put("a", b"one")
    second = drive.put("a", b"two!")
    assert second.pk > first.pk
    assert second.uuid == first.uuid
    assert drive.read("a", first.pk) == b"one"
    assert [number for number, _ in objects.versions(drive.caller, drive.path("a"))] == [first.pk, second.pk]
    assert drive.usage() == 4


def test_without_versioning_old_versions_are_gone(drive: Drive) -> None:
    containers.update(
        drive.caller, drive.caller.user, "c", attributes={}, policy={"versioning": "none"}, merge=True
    )
    first = drive.put("a", b"one")
    drive.put("a", b"two")
    with pytest.raises(ItemNotFound):
        drive.read("a", first.pk)


def test_deleted_objects_are_gone_but_for_their_history(drive: Drive) -> None:
    first = drive.put("a", b"one")
    objects.delete(drive.caller, drive.path("a"))
    with pytest.raises(ItemNotFound):
        drive.read("a")
    with pytest.raises(ItemNotFound):
        objects.delete(drive.caller, drive.path("a"))
    tombstone = Version.objects.latest("id")
    with pytest.raises(ItemNotFound):
        drive.read("a", tombstone.pk)
    assert drive.read("a", first.pk) == b"one"
    assert drive.usage() == 0
    assert drive.put("a", b"again").uuid != first.uuid


def test_a_version_of_another_object_is_not_found(drive: Drive) -> None:
    other = drive.put("b", b"other")
    drive.put("a", b"mine")
    with pytest.raises(ItemNotFound):
        drive.read("a", other.pk)


def test_copies_have_a_uuid_of_their_own_and_moves_keep_it(drive: Drive) -> None:
    first = drive.put("a", b"data", Colour="red", Size="big")
    copy = objects.copy(
        drive.caller, Source(drive.path("a")), drive.path("b"), Overrides({"Size": "", "Age": "1"}, "x/y")
    )
    assert (copy.uuid != first.uuid, copy.content_type) == (True, "x/y")
    assert copy.own_attributes == {"Colour": "red", "Age": "1"}
    moved = objects.move(drive.caller, drive.path("a"), drive.path("z"), Overrides())
    assert moved.uuid == first.uuid
    assert drive.names() == ["b", "z"]
    assert drive.usage() == 8


def test_an_old_version_can_be_copied_back(drive: Drive) -> None:
    first = drive.put("a", b"one")
    drive.put("a", b"two")
    made = objects.copy(drive.caller, Source(drive.path("a"), first.pk), drive.path("a"), Overrides())
    assert (drive.read("a"), made.uuid) == (b"one", first.uuid)


def test_who_deletes_what_another_one_deletes_meanwhile_is_told_that_it_is_gone(drive: Drive) -> None:
    drive.put("a", b"hello")

    def beaten(version: Version | None) -> None:
        if Version.objects.filter(state=Version.State.CURRENT).exists():
            objects.delete(drive.caller, drive.path("a"))

    with pytest.raises(ItemNotFound):
        objects.delete(drive.caller, drive.path("a"), check=beaten)
    assert drive.usage() == 0


def test_trees_are_copied_moved_and_deleted_without_their_neighbours(drive: Drive) -> None:
    for name in ("dir", "dir/a", "dir/b/c", "dirX", "dir0"):
        drive.put(name, b"x")
    objects.copy(drive.caller, Source(drive.path("dir")), drive.path("two"), Overrides(), delimiter="/")
    assert drive.names() == ["dir", "dir/a", "dir/b/c", "dir0", "dirX", "two", "two/a", "two/b/c"]
    objects.move(drive.caller, drive.path("two"), drive.path("three"), Overrides(), delimiter="/")
    objects.delete(drive.caller, drive.path("dir"), delimiter="/")
    assert drive.names() == ["dir0", "dirX", "three", "three/a", "three/b/c"]
    assert drive.usage() == 5


def test_a_move_into_itself_loses_nothing(drive: Drive) -> None:
    drive.put("d", b"top")
    drive.put("d/d", b"below")
    objects.move(drive.caller, drive.path("d"), drive.path("d/d"), Overrides(), delimiter="/")
    assert drive.names() == ["d/d", "d/d/d"]
    assert (drive.read("d/d"), drive.read("d/d/d")) == (b"top", b"below")


def test_metadata_merges_or_is_replaced(drive: Drive) -> None:
    drive.put("a", b"x", One="1", Two="2")
    path = drive.path("a")
    made = objects.set_attributes(drive.caller, path, {"Two": "", "Three": "3"}, merge=True)
    assert made.own_attributes == {"One": "1", "Three": "3"}
    made = objects.set_attributes(drive.caller, path, {"Four": "4"}, merge=False)
    assert made.own_attributes == {"Four": "4"}
    assert drive.read("a") == b"x"


def test_other_domains_survive_a_write(drive: Drive) -> None:
    drive.put("a", b"x", One="1")
    objects.set_attributes(drive.caller, drive.path("a"), {"name": "img"}, merge=False, domain="plankton")
    assert drive.put("a", b"y", Two="2").attributes == {"plankton": {"name": "img"}, "pithos": {"Two": "2"}}


def test_too_much_metadata_leaves_no_version_behind(drive: Drive) -> None:
    drive.put("a", b"x")
    before = Version.objects.count()
    with pytest.raises(BadRequest):
        objects.set_attributes(drive.caller, drive.path("a"), {str(n): "v" for n in range(33)}, merge=True)
    assert Version.objects.count() == before


@pytest.mark.parametrize("known", [False, True])
def test_a_write_costs_few_queries(
    drive: Drive, known: bool, django_assert_num_queries: Callable[..., Any]
) -> None:
    """What is there, usage, deltas, path or old version, new version, counts; a savepoint.

    PostgreSQL locks by one statement more; it reads and adds usage by one, and so it makes a path and its
    version.
    """
    drive.put("a", b"before")
    data = content(b"now")
    path = 0 if connection.vendor == "postgresql" and not known else 1
    savepoint = 2 if connection.in_atomic_block else 0
    with django_assert_num_queries(5 + path + savepoint):
        objects.write(drive.caller, drive.path("a" if known else "new"), data, content_type="", attributes={})


def test_quota_of_the_project_holds(drive: Drive) -> None:
    from synnefo.astakos.quotas.models import Holding

    Holding.objects.filter(holder=f"user:{drive.caller.user}", resource="pithos.diskspace").update(limit=5)
    drive.put("a", b"12345")
    with pytest.raises(OverLimit):
        drive.put("b", b"6")
    drive.put("a", b"1")
    drive.put("b", b"6")
    assert (drive.usage(), drive.names()) == (2, ["a", "b"])


def test_quota_of_the_container_holds(drive: Drive) -> None:
    drive.make("c", quota="4")
    drive.put("a", b"1234")
    with pytest.raises(RequestTooLarge):
        drive.put("b", b"5")
    assert (drive.names(), drive.usage()) == (["a"], 4)
    drive.make("c", quota="0")
    drive.put("b", b"5")


def test_what_is_there_is_checked_in_the_transaction_that_changes_it(drive: Drive) -> None:
    def absent(version: Version | None) -> None:
        if version is not None:
            raise PreconditionFailed

    arguments: dict[str, Any] = {"content_type": "", "attributes": {}, "check": absent}
    objects.write(drive.caller, drive.path("a"), content(b"1"), **arguments)
    with pytest.raises(PreconditionFailed):
        objects.write(drive.caller, drive.path("a"), content(b"2"), **arguments)
    assert drive.read("a") == b"1"


def test_a_plan_that_is_overtaken_is_made_again(drive: Drive) -> None:
    drive.put("a", b"1")
    overtaken = []

    def late(version: Version | None) -> None:
        if not overtaken:
            overtaken.append(drive.put("a", b"faster!"))

    objects.write(drive.caller, drive.path("a"), content(b"22"), content_type="", attributes={}, check=late)
    assert (drive.read("a"), drive.usage()) == (b"22", 2)
    assert len(objects.versions(drive.caller, drive.path("a"))) == 3


def test_containers_go_only_when_they_are_empty(drive: Drive) -> None:
    drive.put("a", b"1")
    with pytest.raises(Conflict):
        containers.delete(drive.caller, drive.caller.user, "c")
    objects.delete_all(drive.caller, drive.caller.user, "c")
    containers.delete(drive.caller, drive.caller.user, "c")
    assert (Version.objects.count(), Object.objects.count(), drive.usage()) == (0, 0, 0)


def test_purging_forgets_history_up_to_a_time(drive: Drive) -> None:
    drive.put("a", b"1")
    drive.put("gone", b"1")
    objects.delete(drive.caller, drive.path("gone"))
    border = timezone.now()
    newer = drive.put("a", b"2")
    containers.purge(drive.caller, drive.caller.user, "c", border)
    assert list(Version.objects.values_list("pk", flat=True)) == [newer.pk]
    assert list(Object.objects.values_list("name", flat=True)) == ["a"]
    objects.purge(drive.caller, drive.path("a"), timezone.now())
    assert (Version.objects.count(), drive.usage(), drive.row().object_count) == (0, 0, 0)


def test_lists_look_back(drive: Drive) -> None:
    drive.put("a", b"1")
    drive.put("b", b"22")
    border = timezone.now()
    drive.put("c", b"333")
    objects.delete(drive.caller, drive.path("a"))
    assert (drive.names(), drive.names(until=border)) == (["b", "c"], ["a", "b"])
    assert containers.totals_at(drive.row(), border) == (2, 3)


def test_another_project_is_charged_after_a_reassignment(drive: Drive, people: People) -> None:
    from synnefo.astakos.projects import rules as projects
    from synnefo.astakos.projects.models import Membership, Project

    lab = Project.objects.create(
        realname="lab", name="lab", owner=people.alice.user, state=Project.State.NORMAL,
        end_date=timezone.now() + datetime.timedelta(days=9),
    )  # fmt: skip
    Membership.objects.create(
        project=lab, person=people.alice.user, state=Membership.State.ACCEPTED, initialized=True
    )
    projects.set_limits(people.admin.caller, lab, {"pithos.diskspace": (10, 10)})
    drive.put("a", b"12345")
    caller = dataclasses.replace(drive.caller, projects=drive.caller.projects | {lab.uuid})
    containers.put(caller, caller.user, "c", attributes={}, policy={"project": lab.uuid})
    assert (drive.usage(), drive.usage(lab.uuid)) == (0, 5)
    with pytest.raises(OverLimit):
        drive.put("b", b"123456")
    with pytest.raises(ItemNotFound):
        containers.put(drive.caller, caller.user, "c", attributes={}, policy={"project": "not-mine"})


@pytest.mark.parametrize("name", ["", "x" * 1025, "a\x00b", "\U0001f600" * 1000])
def test_impossible_names_are_refused(drive: Drive, name: str) -> None:
    with pytest.raises(BadRequest):
        drive.put(name, b"x")


def test_the_longest_names_are_taken(drive: Drive) -> None:
    for name in ("x" * 1024, "й" * 1024):
        drive.put(name, b"x")
    assert drive.names() == ["x" * 1024, "й" * 1024]


def test_names_are_ordered_by_bytes(drive: Drive) -> None:
    names = ["B", "a", "Z ", "a ", "a/", "é", "z", "\U0001f600", "￿", "_", "ä"]
    for name in names:
        drive.put(name)
    assert drive.names() == sorted(names)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["a", "d/", "d/1", "d/2", "d/e/3", "da", "f/4"]),
        ({"delimiter": "/"}, ["a", "d/", "d/", "da", "f/"]),
        ({"delimiter": "/", "virtual": False}, ["a", "d/", "da"]),
        ({"prefix": "d/", "delimiter": "/"}, ["d/", "d/1", "d/2", "d/e/"]),
        ({"prefix": "d"}, ["d/", "d/1", "d/2", "d/e/3", "da"]),
        ({"marker": "d/1"}, ["d/2", "d/e/3", "da", "f/4"]),
        ({"marker": "d/", "delimiter": "/"}, ["da", "f/"]),
        ({"marker": "a", "end_marker": "d/2"}, ["d/", "d/1"]),
        ({"limit": 2}, ["a", "d/"]),
        ({"limit": 1, "delimiter": "/", "marker": "a"}, ["d/"]),
        ({"limit": 1, "delimiter": "/", "marker": "d/"}, ["da"]),
        ({"limit": 1, "prefix": "d/e", "delimiter": "/"}, ["d/e/"]),
        ({"limit": 0}, []),
        ({"prefix": "nothing"}, []),
    ],
)
def test_lists(drive: Drive, wanted: dict[str, Any], expected: list[str]) -> None:
    for name in ("a", "d/", "d/1", "d/2", "d/e/3", "da", "f/4"):
        drive.put(name, b"x")
    assert drive.names(**wanted) == expected


def test_a_page_is_one_query_whatever_its_length(
    drive: Drive, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(30):
        drive.put(f"o{number:02}", b"x")
    row = drive.row()
    with django_assert_num_queries(1):
        assert len(listing.entries(row, Wanted())) == 30


def test_names_that_roll_up_are_leapt_over(
    drive: Drive, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(40):
        drive.put(f"d/{number:02}", b"x")
    drive.put("e", b"x")
    row = drive.row()
    with django_assert_max_num_queries(3):
        assert [entry.name for entry in listing.entries(row, Wanted(delimiter="/", limit=4))] == ["d/", "e"]


def test_others_are_refused_everywhere(drive: Drive, people: People) -> None:
    drive.put("a", b"x")
    bob, alice, path = people.bob.caller, drive.caller.user, drive.path("a")
    mine = Path(bob.user, "c", "a")
    containers.put(bob, bob.user, "c", attributes={}, policy={})
    calls: list[Callable[[], object]] = [
        lambda: containers.containers_for(bob, alice),
        lambda: containers.get(bob, alice, "c"),
        lambda: containers.put(bob, alice, "new", attributes={}, policy={}),
        lambda: containers.update(bob, alice, "c", attributes={}, policy={}, merge=True),
        lambda: containers.delete(bob, alice, "c"),
        lambda: containers.purge(bob, alice, "c", timezone.now()),
        lambda: objects.get(bob, path),
        lambda: objects.find(bob, path),
        lambda: objects.versions(bob, path),
        lambda: objects.write(bob, path, content(b"y"), content_type="", attributes={}),
        lambda: objects.set_attributes(bob, path, {"A": "b"}, merge=True),
        lambda: objects.copy(bob, Source(path), mine, Overrides()),
        lambda: objects.copy(bob, Source(mine), path, Overrides()),
        lambda: objects.move(bob, path, mine, Overrides()),
        lambda: objects.delete(bob, path),
        lambda: objects.delete_all(bob, alice, "c"),
        lambda: objects.purge(bob, path, timezone.now()),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call()
    assert drive.read("a") == b"x"


@pytest.mark.postgresql
def test_names_sort_by_bytes_in_the_database_itself(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT collation_name FROM information_schema.columns "
            "WHERE table_name = 'pithos_object' AND column_name = 'name'"
        )
        assert cursor.fetchone() == ("C",)
