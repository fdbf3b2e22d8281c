"""An import as a whole: looked through first, then written in small transactions, each with how far it is.

It is done once. What is cut off goes on where it stopped, and never does anything twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Generic, TypeVar

from django.core.management.base import CommandParser
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.legacy import numbers
from synnefo.common.legacy.progress import Progress
from synnefo.common.legacy.source import Row, Source
from synnefo.common.legacy.steps import Report, Step, World
from synnefo.common.transactions import atomic

#: The last thing that is done; when it is, all is.
END = "end"

Say = Callable[[str], None]
Options = Mapping[str, Any]
AnyWorld = TypeVar("AnyWorld", bound=World)
AnySource = TypeVar("AnySource", bound=Source)


class Importer(Generic[AnySource, AnyWorld]):
    """A service's part of ``legacy-import``. Subclasses say what stands below; nothing is kept in here.

    ``steps`` are in an order in which whatever a row refers to is there before it.
    """

    service: ClassVar[str]
    progress: ClassVar[type[Progress]]
    steps: Sequence[Step[AnyWorld]]

    def add_arguments(self, parser: CommandParser) -> None:
        raise NotImplementedError

    def opened(self, options: Options) -> AbstractContextManager[AnySource] | None:
        """The old database that the options name, if they name one. Raises BadRequest."""
        raise NotImplementedError

    def collisions(self, source: AnySource) -> list[str]:
        """What is in the way of an import that has not begun, a line for each."""
        raise NotImplementedError

    def make_room(self, source: AnySource) -> None:
        """Move what set-up made aside. In the caller's transaction."""
        raise NotImplementedError

    def world(self, source: AnySource, options: Options, *, looking: bool) -> AnyWorld:
        """For a look (which changes nothing, wherever), or for the import itself."""
        raise NotImplementedError

    def know(self, world: AnyWorld) -> None:
        """Before each step: what only those before it have brought."""

    def settle(self, world: AnyWorld) -> None:
        """Before each batch is written: what was brought along outside of the database must last."""

    def look_aside(self, source: AnySource, report: Report) -> None:
        """Report what no step looks at."""

    def end(self, caller: Caller, source: AnySource, world: AnyWorld) -> None:
        """After all steps; it may be done again. Each transaction of it is its own."""

    def is_done(self, source: AnySource) -> bool:
        """Whether this database was imported. Raises Conflict if an import of another one was begun."""
        rows = self.progress._default_manager.all()
        if rows.exclude(source=source.fingerprint).exists():
            raise Conflict("An import from another database was begun here.")
        return rows.filter(step=END, finished__isnull=False).exists()

    def look_through(self, source: AnySource, options: Options) -> Report:
        """What an import would do; changes nothing. What is in its way is among the obstacles."""
        world = self.world(source, options, looking=True)
        if not self._is_begun():
            for line in self.collisions(source):
                world.report.obstacle("in the way", line)
        for step in self.steps:
            world.report.counts[step.name] = 0
            for batch in source.rows(step.sql(source), batch=step.batch):
                step.check(batch, world)
        self.look_aside(source, world.report)
        return world.report

    def run(self, caller: Caller, source: AnySource, options: Options, say: Say) -> Report:
        """Import what is not here yet; what was found on the way. The caller has looked through.

        Raises Conflict, BadRequest.
        """
        rows = self.progress._default_manager
        with atomic():
            if not self._is_begun():
                self.make_room(source)
                names = [*(step.name for step in self.steps), END]
                rows.bulk_create(self.progress(step=name, source=source.fingerprint) for name in names)
        world = self.world(source, options, looking=False)
        for step in self.steps:
            progress = rows.get(step=step.name)
            if progress.finished is None:
                self.know(world)
                for batch in source.rows(step.sql(source), progress.last_key, batch=step.batch):
                    progress = self._write(step, batch, world, progress)
                self._finish(step, source, progress)
                say(f"{step.name}: {progress.rows}")
        self.end(caller, source, world)
        return world.report

    def counts(self) -> dict[str, int]:
        """Old rows that have come, by step."""
        return dict(self.progress._default_manager.exclude(step=END).values_list("step", "rows"))

    def close(self) -> bool:
        """Note that all is here; whether it was not noted before. In the caller's transaction."""
        end = self.progress._default_manager.select_for_update().get(step=END)
        if end.finished is not None:
            return False
        end.finished = timezone.now()
        end.save()
        return True

    def _is_begun(self) -> bool:
        return self.progress._default_manager.exists()

    def _write(self, step: Step[AnyWorld], batch: list[Row], world: AnyWorld, known: Progress) -> Progress:
        """A batch, and how far it goes, in one transaction.

        Raises Conflict if somebody else is at it, too.
        """
        made = step.turned(batch, world)
        self.settle(world)
        with atomic():
            progress = self.progress._default_manager.select_for_update().get(step=step.name)
            if progress.last_key != known.last_key:
                raise Conflict("Another import is running.")
            step.write(batch, made, world)
            progress.last_key = batch[-1]["key"]
            progress.rows += len(batch)
            progress.save()
        return progress

    def _finish(self, step: Step[AnyWorld], source: AnySource, progress: Progress) -> None:
        with atomic():
            for numbered in step.numbered:
                numbers.go_on(numbered, source)
            progress.finished = timezone.now()
            progress.save()
