"""The places of a picture in columns: boxes with names, and lines between them. Knows no noun, no database.

Each column is put in order so that boxes stand near what they are joined with, so that few lines cross.
"""

from __future__ import annotations

import dataclasses
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
    shown = [(head, list(nodes)) for head, nodes in columns if nodes]
    joined = list(edges)
    for _ in range(2):
        _sort([nodes for _, nodes in shown], joined)
        _sort([nodes for _, nodes in reversed(shown)], joined)
    tallest = max((len(nodes) for _, nodes in shown), default=0)
    boxes: dict[str, Box] = {}
    heads = []
    for number, (head, nodes) in enumerate(shown):
        x = 1 + number * (WIDTH + BETWEEN)
        heads.append((head, x))
        above = (tallest - len(nodes)) * (HEIGHT + GAP) // 2
        for row, node in enumerate(nodes):
            boxes[node.key] = Box(node, x, HEAD + above + row * (HEIGHT + GAP))
    lines = [Line(edge, _path(boxes[edge.left], boxes[edge.right])) for edge in joined]
    width = max(1, len(shown)) * (WIDTH + BETWEEN) - BETWEEN + 2
    height = HEAD + tallest * (HEIGHT + GAP) - GAP + 2
    return Picture(width, max(height, HEAD), heads, list(boxes.values()), lines)


def _sort(columns: Sequence[list[Node]], edges: Sequence[Edge]) -> None:
    """Put each column after the first into the order of what it is joined with to its left."""
    for number, nodes in enumerate(columns[1:], 1):
        places = {
            node.key: (row + 1) / (len(column) + 1)
            for column in columns[:number]
            for row, node in enumerate(column)
        }
        order = {
            node.key: _middle(node.key, edges, places, (row + 1) / (len(nodes) + 1))
            for row, node in enumerate(nodes)
        }
        nodes.sort(key=lambda node, order=order: order[node.key])  # type: ignore[misc]


def _middle(key: str, edges: Sequence[Edge], places: Mapping[str, float], own: float) -> float:
    """Where what it is joined with stands on the average; ``own`` if it is joined with nothing there."""
    others = [
        edge.right if edge.left == key else edge.left for edge in edges if key in (edge.left, edge.right)
    ]
    found = [places[other] for other in others if other in places]
    return sum(found) / len(found) if found else own


def _path(first: Box, second: Box) -> str:
    """From the side of one box to the side of the other, leaving both level."""
    left, right = sorted((first, second), key=lambda box: box.x)
    x, y = left.x + WIDTH, left.y + HEIGHT // 2
    to_x, to_y = right.x, right.y + HEIGHT // 2
    bend = BETWEEN // 2
    return f"M{x},{y} C{x + bend},{y} {to_x - bend},{to_y} {to_x},{to_y}"
