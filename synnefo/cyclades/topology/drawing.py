"""The places of a picture in columns: boxes with names, and lines between them. Knows no noun, no database.

Each column is put in order so that boxes stand near what they are joined with, so that few lines cross. Lines
that pass a column have a lane in it, where no box is: one for all that begin at the same box.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

WIDTH, HEIGHT, GAP, BETWEEN, HEAD = 176, 40, 16, 72, 32
_LETTERS = 17


@dataclasses.dataclass(frozen=True)
class Node:
    """Something in a picture: where it leads, what stands in it and below its name."""

    key: str
    name: str
    url: str
    icon: str
    more: str = ""
    css: str = ""


@dataclasses.dataclass(frozen=True)
class Edge:
    """What joins two nodes; ``words`` say how. ``css`` tells lines of different kinds apart."""

    left: str
    right: str
    words: str
    css: str = ""


@dataclasses.dataclass(frozen=True)
class Box:
    node: Node
    x: int
    y: int

    @property
    def short(self) -> str:
        name = self.node.name
        return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


@dataclasses.dataclass(frozen=True)
class Line:
    edge: Edge
    path: str


@dataclasses.dataclass(frozen=True)
class Picture:
    width: int
    height: int
    heads: list[tuple[str, int]]
    boxes: list[Box]
    lines: list[Line]


def draw(columns: Sequence[tuple[str, Sequence[Node]]], edges: Iterable[Edge]) -> Picture:
    """Columns from left to right, each with its heading; edges go between nodes of two columns."""
    shown = [(head, {node.key: node for node in nodes}) for head, nodes in columns if nodes]
    rows = [list(nodes) for _, nodes in shown]
    joined = list(edges)
    columns_of = {key: number for number, keys in enumerate(rows) for key in keys}
    ways = [_way(edge, columns_of, rows) for edge in joined]
    near: dict[str, list[str]] = {}
    for left, right in sorted({step for way in ways for step in itertools.pairwise(way)}):
        near.setdefault(left, []).append(right)
        near.setdefault(right, []).append(left)
    for _ in range(2):
        _sort(rows, near)
        _sort(rows[::-1], near)
    tallest = max(map(len, rows), default=0)
    places: dict[str, tuple[int, int]] = {}
    for number, keys in enumerate(rows):
        above = HEAD + (tallest - len(keys)) * (HEIGHT + GAP) // 2
        for row, key in enumerate(keys):
            places[key] = _x(number), above + row * (HEIGHT + GAP)
    heads = [(head, _x(number)) for number, (head, _) in enumerate(shown)]
    boxes = [Box(node, *places[key]) for _, nodes in shown for key, node in nodes.items()]
    lines = [Line(edge, _path([places[key] for key in way])) for edge, way in zip(joined, ways, strict=True)]
    height = HEAD + tallest * (HEIGHT + GAP) - GAP + 2
    return Picture(_x(max(1, len(shown))) - BETWEEN + 1, max(height, HEAD), heads, boxes, lines)


def _x(column: int) -> int:
    return 1 + column * (WIDTH + BETWEEN)


def _way(edge: Edge, columns: Mapping[str, int], rows: Sequence[list[str]]) -> list[str]:
    """What a line goes by from left to right. Makes a lane in each column that it passes, if it has none."""
    left, right = sorted((edge.left, edge.right), key=lambda key: columns[key])
    way = [left]
    for number in range(columns[left] + 1, columns[right]):
        lane = f"{left} past {number}"
        if lane not in rows[number]:
            rows[number].append(lane)
        way.append(lane)
    return [*way, right]


def _sort(columns: Sequence[list[str]], near: Mapping[str, Sequence[str]]) -> None:
    """Put each column after the first into the order of what it is joined with to its left."""
    for number, keys in enumerate(columns[1:], 1):
        places = {
            key: (row + 1) / (len(column) + 1)
            for column in columns[:number]
            for row, key in enumerate(column)
        }
        order = {
            key: _middle(near.get(key, ()), places, (row + 1) / (len(keys) + 1))
            for row, key in enumerate(keys)
        }
        keys.sort(key=order.__getitem__)


def _middle(others: Sequence[str], places: Mapping[str, float], own: float) -> float:
    """Where what it is joined with stands on the average; ``own`` if it is joined with nothing there."""
    found = [places[other] for other in others if other in places]
    return sum(found) / len(found) if found else own


def _path(places: Sequence[tuple[int, int]]) -> str:
    """From the side of one box to the side of the other, leaving both level, along the lanes between them."""
    bend, half = BETWEEN // 2, HEIGHT // 2
    (x, y), *others = places
    x, y = x + WIDTH, y + half
    text = f"M{x},{y}"
    for number, (to_x, top) in enumerate(others):
        to_y = top + half
        text += f" C{x + bend},{y} {to_x - bend},{to_y} {to_x},{to_y}"
        x, y = to_x + WIDTH, to_y
        text += f" H{x}" if number < len(others) - 1 else ""
    return text
