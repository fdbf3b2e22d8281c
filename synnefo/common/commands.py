"""The kit of all ``snf-manage`` commands: lists, single objects, actions; one pattern, one output.

A noun's verbs stand in its ``commands/`` folder and call the same rules as the APIs; Django finds them
through thin files in ``management/commands``. Data goes to standard output, words to standard error. The
options are those that operators' scripts know (spec: astakos 3.1).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import operator
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, ClassVar

from django.core.exceptions import FieldError, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model, Q, QuerySet

from synnefo.common.caller import Caller, system_caller
from synnefo.common.command_log import recorded
from synnefo.common.faults import Fault
from synnefo.common.units import STYLES, parse_amount, show_amount

FORMATS = ("pretty", "json", "csv")
_OPERATORS = {
    "=": "",
    "!=": "",
    ">": "__gt",
    "<": "__lt",
    ">=": "__gte",
    "=>": "__gte",
    "<=": "__lte",
    "=<": "__lte",
}
_CLAUSE = re.compile(r"^\s*([A-Za-z_][\w.]*)\s*(!=|>=|=>|<=|=<|=|>|<)\s*(.*?)\s*$")
_WORDS = {"yes": True, "true": True, "t": True, "no": False, "false": False, "f": False}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Getter = Callable[[Any], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """A key of ``--filter-by`` that is no field of the table.

    ``path`` is the field that it stands for; ``read`` turns the text into its value, or raises ValueError or
    a fault.
    """

    path: str
    read: Callable[[str], object]
    help: str


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong to a single object, as ``noun-show`` prints them below its facts."""

    names: Sequence[str]
    rows: Sequence[Sequence[object]]

    def texts(self) -> list[list[str]]:
        return [[_text(value) for value in row] for row in self.rows]


class Command(BaseCommand):
    """A command whose faults are one line on standard error and exit code 1, never a traceback."""

    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        with recorded(argv):
            super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Fault as fault:
            raise CommandError(fault.message) from None

    @property
    def caller(self) -> Caller:
        """The operator: the cloud itself."""
        return system_caller("snf-manage")

    def say(self, text: str) -> None:
        self.stderr.write(text)

    def confirm(self, question: str) -> None:
        """Ask on the terminal before something is lost. Raises CommandError unless the answer is yes."""
        self.stderr.write(f"{question} [y/N] ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was changed")


class FormattedCommand(Command):
    """A command that prints data in the format that was asked for."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--output-format",
            choices=FORMATS,
            default="pretty",
            help="how to print: pretty (default), json or csv",
        )


class ListCommand(FormattedCommand):
    """``noun-list``: rows of a query set, in columns.

    Subclasses give ``columns`` (name to getter and help, in order), ``shown`` (the columns that are
    printed without ``-o``), ``rows``, and ``filters`` where keys other than the table's fields are known.
    """

    columns: ClassVar[Mapping[str, tuple[Getter, str]]]
    shown: ClassVar[Sequence[str]]
    filters: ClassVar[Mapping[str, Filter]] = {}

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-o", "--output", help="comma-separated columns to print, see --list-fields")
        parser.add_argument("--list-fields", action="store_true", help="print the columns that there are")
        parser.add_argument(
            "--filter-by", action="append", default=[], metavar="CLAUSES",
            help='only rows for which all clauses hold, as in "id>=10,name=web"; see --list-filters',
        )  # fmt: skip
        parser.add_argument(
            "--list-filters", action="store_true", help="print the keys that --filter-by knows"
        )
        parser.add_argument("--no-headers", action="store_true", help="leave the head line out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list_fields"]:
            table = [(name, text) for name, (_, text) in self.columns.items()]
            print_table(("field", "description"), table, options["output_format"], self.stdout)
            return
        rows = self.rows(options)
        if options["list_filters"]:
            own = [(name, known.help) for name, known in self.filters.items()]
            fields = [(name, kind) for name, kind in filters_of(rows.model) if name not in self.filters]
            print_table(("filter", "type"), own + fields, options["output_format"], self.stdout)
            return
        names = self.names(options)
        found = [
            [_text(self.columns[name][0](row)) for name in names]
            for row in filtered(rows, options["filter_by"], self.filters)
        ]
        print_table(names, found, options["output_format"], self.stdout, head=not options["no_headers"])

    def names(self, options: Mapping[str, Any]) -> Sequence[str]:
        """The columns to print. Raises CommandError for one that there is not."""
        wanted = options["output"]
        names = [name.strip() for name in wanted.split(",")] if wanted else self.shown
        unknown = [name for name in names if name not in self.columns]
        if unknown:
            raise CommandError(f"no such field: {', '.join(unknown)}; there are {', '.join(self.columns)}")
        return names


class ShowCommand(FormattedCommand):
    """``noun-show``: one object, as ``key : value`` lines; values that are tables follow them."""

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        described = self.describe(options)
        tables = {name: value for name, value in described.items() if isinstance(value, Table)}
        facts = {name: _text(value) for name, value in described.items() if name not in tables}
        if options["output_format"] == "json":
            as_dicts = {
                name: [dict(zip(table.names, row, strict=True)) for row in table.texts()]
                for name, table in tables.items()
            }
            self.stdout.write(json.dumps([{**facts, **as_dicts}], indent=2))
            return
        if options["output_format"] == "csv":
            print_table(tuple(facts), [list(facts.values())], "csv", self.stdout)
        else:
            width = max(map(len, facts), default=0)
            for name, value in facts.items():
                self.stdout.write(f"{name:<{width}} : {_escaped(value)}")
        for name, table in tables.items():
            self.stdout.write(f"\n{name}")
            print_table(table.names, table.texts(), options["output_format"], self.stdout)


def filtered(
    rows: QuerySet[Any], clauses: Iterable[str], filters: Mapping[str, Filter] | None = None
) -> QuerySet[Any]:
    """Rows for which every clause holds. Raises CommandError naming the clause that is wrong."""
    filters = filters or {}
    for clause in (part for text in clauses for part in text.split(",") if part.strip()):
        match = _CLAUSE.match(clause)
        if match is None:
            raise CommandError(
                f"{clause.strip()!r} is no filter: write KEY OP VALUE with one of {' '.join(_OPERATORS)}"
            )
        key, sign, value = match.group(1).replace(".", "__"), match.group(2), match.group(3)
        known = filters.get(key, Filter(key, lambda text: _WORDS.get(text.lower(), text), ""))
        try:
            wanted = Q(**{f"{known.path}{_OPERATORS[sign]}": known.read(value)})
            rows = rows.exclude(wanted) if sign == "!=" else rows.filter(wanted)
        except (FieldError, ValidationError, ValueError, TypeError) as error:
            raise CommandError(f"{clause.strip()!r}: {_first_line(error)}") from None
    return rows


def filters_of(model: type[Model]) -> list[tuple[str, str]]:
    """The keys of a table: its own fields; related ones are reached by ``field__other``."""
    fields = [field for field in model._meta.get_fields() if getattr(field, "concrete", False)]
    return [(field.name, type(field).__name__.removesuffix("Field")) for field in fields]


def print_table(
    names: Sequence[str], rows: Sequence[Sequence[str]], style: str, out: Any, *, head: bool = True
) -> None:
    """Rows of text in one of the formats; values are always strings."""
    if style == "json":
        out.write(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2) + "\n")
    elif style == "csv":
        writer = csv.writer(out)
        lines = [list(names), *rows] if head else rows
        writer.writerows([[_escaped(cell) for cell in line] for line in lines])
    else:
        out.write(_pretty(names, rows, head))


def positive(text: str) -> int:
    """An argument that is a whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def amount(text: str) -> int:
    """An argument that is an amount of a resource: ``10``, ``20 GiB``, ``inf``."""
    try:
        return parse_amount(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def unit_style_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--unit-style", choices=STYLES, default="auto",
        help="how sizes are shown; none: as bytes without a unit (default: auto)",
    )  # fmt: skip


def amount_of(name: str) -> Getter:
    """A getter of an amount of a resource, for rows that have the resource's ``unit`` and a ``style``."""
    return lambda row: show_amount(getattr(row, name), row.unit, row.style)


def flag_option(parser: CommandParser, name: str, help: str) -> None:
    """``--name yes|no``, None when absent."""
    choices = {"yes": True, "true": True, "no": False, "false": False}

    def parse(text: str) -> bool:
        if text.lower() not in choices:
            raise argparse.ArgumentTypeError("yes or no")
        return choices[text.lower()]

    parser.add_argument(name, type=parse, metavar="yes|no", help=help)


def _pretty(names: Sequence[str], rows: Sequence[Sequence[str]], head: bool) -> str:
    """Columns that are right-aligned, under a dashed rule."""
    cells = [[_escaped(cell) for cell in row] for row in rows]
    lines = [list(names), *cells] if head else cells
    if not lines:
        return ""
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    texts = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    if head:
        texts.insert(1, "-" * len(texts[0]))
    return "\n".join(texts) + "\n"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(item) for item in value)
    return value.isoformat(" ", "seconds") if hasattr(value, "isoformat") else str(value)


def _escaped(text: str) -> str:
    """Control characters made visible: a name must not move the operator's cursor."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def _first_line(error: Exception) -> str:
    text = ", ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def attribute(path: str) -> Getter:
    """A getter by dotted name; None on the way ends it."""

    def get(row: Any) -> object:
        return reduce(
            lambda value, name: None if value is None else getattr(value, name), path.split("."), row
        )

    return get if "." in path else operator.attrgetter(path)
