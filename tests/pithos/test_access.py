"""The one door: people of the account by their roles, access lists of containers, shares, everybody."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.common.caller import Caller, Scope, anonymous_caller, system_caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.pithos.namespace import access, acl, objects, sharing, sights, trees
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.seam.adapter import PithosObjects, location_of
from tests.conftest import People
from tests.pithos.test_namespace import Drive, content

EVERYTHING = {name for right in Right for name in (right.name, right.name.lower())}


@pytest.fixture
def drive(people: People) -> Drive:
    made = Drive(dataclasses.replace(people.alice.caller, scope=Scope.OWNER))
    made.make()
    made.put("o", b"data")
    return made


@pytest.fixture
def bob(people: People) -> Caller:
    return dataclasses.replace(people.bob.caller, scope=Scope.OWNER)


def rights(caller: Caller, drive: Drive, name: str = "o") -> set[str]:
    """What somebody may do with an object, and in capitals with its container."""
    found = {right.name.lower() for right in Right if access.may(caller, drive.path(name), right)}
    for right in Right:
        try:
            access.container(caller, drive.caller.user, "c", right)
        except Forbidden:
            continue
        found.add(right.name)
    return found


def set_lists(**lists: str) -> None:
    Container.objects.update(options={"acl": lists})


def test_people_of_the_account_may_everything_or_by_their_role_read(drive: Drive) -> None:
    assert rights(drive.caller, drive) == EVERYTHING
    reader = dataclasses.replace(drive.caller, roles=frozenset({"reader"}))
    assert rights(reader, drive) == {"list", "read", "LIST", "READ"}
    elsewhere = dataclasses.replace(drive.caller, scope=Scope.PROJECT, project="another")
    assert rights(elsewhere, drive) == set()


def test_strangers_the_administrator_and_the_system_may_nothing(
    drive: Drive, people: People, bob: Caller
) -> None:
    for caller in (bob, people.admin.caller, anonymous_caller(), system_caller()):
        assert rights(caller, drive) == set()


def test_access_lists_of_the_container_give_what_they_say(drive: Drive, bob: Caller) -> None:
    set_lists(read=acl.EVERYBODY_READS)
    for caller in (bob, anonymous_caller()):
        assert rights(caller, drive) == {"list", "read", "LIST", "READ"}
    set_lists(read=".r:*")
    assert rights(anonymous_caller(), drive) == {"read", "READ"}
    set_lists(write=f"{bob.project}:{bob.user}")
    assert rights(bob, drive) == {"write", "delete", "WRITE", "DELETE"}
    assert rights(dataclasses.replace(bob, roles=frozenset({"reader"})), drive) == set()
    assert rights(anonymous_caller(), drive) == set()


def test_shares_add_to_access_lists(drive: Drive, bob: Caller) -> None:
    set_lists(write=f"{bob.project}:{bob.user}")
    sharing.replace(drive.caller, drive.path("o"), {bob.user: False})
    assert rights(bob, drive) == {"read", "write", "delete", "WRITE", "DELETE"}


def test_who_only_reads_in_his_project_writes_nothing_that_is_shared_with_him(
    drive: Drive, bob: Caller
) -> None:
    sharing.replace(drive.caller, drive.path("o"), {bob.user: True})
    assert rights(bob, drive) == {"read", "write"}
    assert rights(dataclasses.replace(bob, roles=frozenset({"reader"})), drive) == {"read"}


def test_in_a_project_one_has_what_is_shared_with_that_project_and_with_all(
    drive: Drive, bob: Caller
) -> None:
    in_lab = dataclasses.replace(bob, scope=Scope.PROJECT, project="lab", projects=frozenset({"lab"}))
    for who, reads in ((bob.user, False), ("lab", True), ("*", True)):
        sharing.replace(drive.caller, drive.path("o"), {who: False})
        assert access.may(in_lab, drive.path("o"), Right.READ) is reads


def test_what_is_open_to_everybody_is_read_by_all_and_listed_by_none(drive: Drive, bob: Caller) -> None:
    drive.put("o/below", b"")
    sharing.open_to_everybody(drive.caller, drive.path("o"), True)
    for caller in (bob, anonymous_caller()):
        assert rights(caller, drive) == {"read"}
        assert rights(caller, drive, "o/below") == set()
        assert objects.get(caller, drive.path("o")).size_bytes == 4
        with pytest.raises(Forbidden):
            sights.look(caller, drive.caller.user, "c")
    sharing.replace(drive.caller, drive.path("o"), {"nobody": True})
    assert sharing.is_open_to_everybody(objects.get(drive.caller, drive.path("o")))
    sharing.open_to_everybody(drive.caller, drive.path("o"), False)
    assert rights(bob, drive) == set()


def test_what_is_refused_is_refused_alike_whether_it_is_there_or_not(drive: Drive, bob: Caller) -> None:
    account = drive.caller.user
    places = [
        Path(account, "c", "o"),
        Path(account, "c", "x"),
        Path(account, "d", "o"),
        Path("none", "c", "o"),
    ]
    told = set()
    for path, right in itertools.product(places, Right):
        with pytest.raises(Forbidden) as refused:
            access.object(bob, path, right)
        told.add(refused.value.message)
    assert len(told) == 1
    with pytest.raises(ItemNotFound):
        access.object(drive.caller, Path(account, "d", "o"), Right.READ)


def test_names_that_no_database_takes_are_bad(drive: Drive, bob: Caller) -> None:
    for path in (Path("a\0", "c", "o"), Path("a", "c\0", "o"), Path("a", "c", "o\ud800")):
        for right in Right:
            with pytest.raises(BadRequest):
                access.object(bob, path, right)


def test_a_door_to_ones_own_asks_for_no_more_than_the_container(drive: Drive) -> None:
    def queries(call: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    path = drive.path("o")
    assert queries(lambda: access.check(drive.caller, path, right=Right.OWN)) == 0
    assert queries(lambda: access.object(drive.caller, path, Right.WRITE)) == 1
    assert queries(lambda: access.container(drive.caller, path.account, "c", Right.OWN)) == 1
    assert queries(lambda: objects.get(drive.caller, path)) == 1


def test_folders_are_carried_as_far_as_one_may_read_write_and_delete(drive: Drive, bob: Caller) -> None:
    own = Drive(bob)
    own.make()
    for name in ("dir/a", "dir/closed/a"):
        drive.put(name, b"data")
        own.put(name, b"mine")
    for name, who in (("dir", bob.user), ("dir/closed", "nobody")):
        objects.write(
            drive.caller, drive.path(name), content(b""), content_type="application/directory", attributes={}
        )
        sharing.replace(drive.caller, drive.path(name), {who: True})
    assert trees.move(bob, drive.path("dir/"), own.path("got/"), copying=True) == 2
    assert own.names(prefix="got/") == ["got/a"]
    assert trees.move(bob, own.path("dir/"), drive.path("dir/new/"), copying=True, replace=True) == 2
    with pytest.raises(Forbidden):
        trees.move(bob, own.path("dir/"), drive.path("dir/"), overwrite=True, copying=True)
    with pytest.raises(Forbidden):
        trees.move(bob, own.path("dir/closed/"), drive.path("dir/"), replace=True, copying=True)
    with pytest.raises(Forbidden):
        trees.move(bob, drive.path("dir/"), own.path("moved/"))
    assert drive.read("dir/closed/a") == b"data"


def test_images_are_made_of_ones_own_objects_alone(drive: Drive, bob: Caller) -> None:
    sharing.replace(drive.caller, drive.path("o"), {bob.user: True})
    location = location_of(drive.path("o"))
    assert PithosObjects().find(drive.caller, location).size_bytes == 4
    with pytest.raises(Forbidden):
        PithosObjects().find(bob, location)
