"""Whoever waits for another's change of the same path comes after him: numbers of versions only grow."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, connections

from synnefo.common.faults import Conflict
from synnefo.pithos.namespace import changes, numbered, objects
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.objects import Path, Seen
from tests.cloud import wait_until
from tests.conftest import Person
from tests.pithos.test_namespace import Drive, content

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

PATIENCE = 20


@pytest.fixture
def drive(new_person: Callable[..., Person]) -> Iterator[Drive]:
    made = Drive(new_person("alice").caller)
    made.make("c")
    yield made
    connections.close_all()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Pause:
    """A place where a thread stops until it is told to go on."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def __call__(self, _: Sequence[Version | None] = ()) -> None:
        self.reached.set()
        assert self.over.wait(PATIENCE)


def begin(pool: ThreadPoolExecutor, act: Callable[[], object]) -> Future[None]:
    def work() -> None:
        try:
            act()
        finally:
            connection.close()

    return pool.submit(work)


def is_blocked_or_done(one: Future[None]) -> bool:
    """Whether somebody waits for another's transaction (in this database: others have tests of theirs)."""
    if one.done():
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND locktype = 'transactionid' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def in_the_middle_of(
    first: Future[None], second: Callable[[], Future[None]], pause: Pause
) -> tuple[Future[None], Future[None]]:
    """Both are over, or have failed; the second came as far as it could while the first one paused."""
    assert pause.reached.wait(PATIENCE)
    begun = second()
    wait_until("the second waits, or is done", lambda: is_blocked_or_done(begun), PATIENCE, 0.01)
    pause.over.set()
    wait([first, begun], PATIENCE)
    return first, begun


@pytest.fixture
def retired(monkeypatch: pytest.MonkeyPatch) -> Pause:
    """Who deletes pauses between what was there and the tombstone."""
    pause, retire = Pause(), changes._retire

    def retire_and_wait(container: Container, old: Version) -> None:
        retire(container, old)
        pause()

    monkeypatch.setattr(changes, "_retire", retire_and_wait)
    return pause


def put(drive: Drive, path: Path, seen: Seen | None = None, also: Pause | None = None) -> Version:
    return objects.write(
        drive.caller, path, content(b"x"), content_type="", attributes={}, seen=seen,
        also=also or changes.nothing_else,
    )  # fmt: skip


def states(path: Path) -> list[int]:
    rows = Version.objects.filter(object__container__name=path.container, object__name=path.name)
    return list(rows.order_by("pk").values_list("state", flat=True))


def test_what_is_put_while_another_deletes_is_younger_than_the_deletion(
    drive: Drive, pool: ThreadPoolExecutor, retired: Pause
) -> None:
    path = drive.path("o")
    nothing = objects.look(drive.caller, path, objects.no_check)
    put(drive, path)
    deleting = begin(pool, lambda: objects.delete(drive.caller, path))
    both = in_the_middle_of(deleting, lambda: begin(pool, lambda: put(drive, path, nothing)), retired)
    assert [one.result(0) for one in both] == [None, None]
    state = Version.State
    assert states(path) == [state.HISTORY, state.TOMBSTONE, state.CURRENT]
    assert drive.row().object_count == drive.row().size_bytes == drive.usage() == 1


def test_several_that_are_put_while_another_deletes_one_of_them_are_younger_too(
    drive: Drive, pool: ThreadPoolExecutor, retired: Pause
) -> None:
    """All of them or none, as it is with them; here none, for the plan cannot be made anew."""
    paths = [drive.path(name) for name in "abc"]
    seen = [objects.look(drive.caller, path, objects.no_check) for path in paths]
    put(drive, paths[1])
    puts = [objects.Put(path, there, content(b"x"), "", {}) for path, there in zip(paths, seen, strict=True)]
    deleting = begin(pool, lambda: objects.delete(drive.caller, paths[1]))
    deleting, putting = in_the_middle_of(
        deleting, lambda: begin(pool, lambda: objects.write_each(drive.caller, puts)), retired
    )
    assert deleting.result(0) is None
    with pytest.raises(Conflict):
        putting.result(0)
    assert [states(path) for path in paths] == [[], [Version.State.HISTORY, Version.State.TOMBSTONE], []]
    assert drive.row().object_count == drive.usage() == 0


def test_the_mark_of_a_deletion_of_nothing_waits_for_who_puts_something_there(
    drive: Drive, pool: ThreadPoolExecutor
) -> None:
    path, pause = drive.path("o"), Pause()
    numbered.switch(drive.caller, drive.caller.user, "c", on=True)
    container = drive.row()

    def delete() -> None:
        numbered.delete(drive.caller, container, [path.name])

    delete()
    putting = begin(pool, lambda: put(drive, path, also=pause))
    both = in_the_middle_of(putting, lambda: begin(pool, delete), pause)
    assert [one.result(0) for one in both] == [None, None]
    state = Version.State
    assert states(path) == [state.TOMBSTONE, state.HISTORY, state.TOMBSTONE]
    assert drive.row().object_count == 0


def test_paths_with_several_versions_that_are_current_have_one_after_the_migration(drive: Drive) -> None:
    migration = importlib.import_module("synnefo.pithos.migrations.0013_one_current")
    (constraint,) = Version._meta.constraints
    first, other = drive.put("o", b"first"), drive.put("other", b"other")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Version, constraint)
    last = Version.objects.create(object=first.object, size_bytes=4, modified_by="eve")
    Container.objects.update(object_count=3, size_bytes=14)
    for _ in range(2):
        with connection.schema_editor() as editor:
            migration.restore(apps, editor)
    current = Version.objects.filter(state=Version.State.CURRENT).order_by("pk")
    assert list(current) == [other, last]
    assert (drive.row().object_count, drive.row().size_bytes) == (2, 9)
    with pytest.raises(IntegrityError):
        Version.objects.create(object=first.object, modified_by="eve")
