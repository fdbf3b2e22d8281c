"""The same request for kamaki, openstack and Terraform, quoted so that every word is taken literally.

Nouns say in their own ``same_request`` what their requests are; here is how they are written down.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator, Mapping

_WIDTH = 64
_PLAIN = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Raw(str):
    """A word that stands as it is: a reference to another resource, a placeholder in capitals."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Same:
    """Three texts to paste: two for a shell, one for a ``.tf`` file."""

    kamaki: str
    openstack: str
    terraform: str

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        """Key, title and text of each, in the order of the tabs."""
        yield "openstack", "openstack", self.openstack
        yield "kamaki", "kamaki", self.kamaki
        yield "terraform", "Terraform", self.terraform


Part = str | tuple[str, str]
Value = str | bool | Mapping[str, "Value"]


def command(program: str, *parts: Part | None) -> str:
    """A command line: flags and options (name, value), then positional words; None is left out.

    It is broken into lines that a shell joins again where it is long.
    """
    words = [program, *(_part(part) for part in parts if part is not None)]
    line = " ".join(words)
    return line if len(line) <= _WIDTH else " \\\n  ".join(words)


def positional(word: str) -> Part:
    """A word that is no option even if it looks like one."""
    return ("--", word) if word.startswith("-") else _quoted(word)


def resource(kind: str, label: str, body: Mapping[str, Value]) -> str:
    """A resource of Terraform; blocks stand for mappings."""
    return f'resource "{kind}" "{label}" {_block(body, 0)}'


def label_of(name: str, otherwise: str) -> str:
    """A name as HCL takes it for an identifier."""
    label = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or otherwise
    return label if not label[0].isdigit() else f"{otherwise}_{label}"


def hcl_string(text: str) -> str:
    """A quoted string of HCL that means the text, templates and all."""
    escaped = "".join(_PLAIN.get(char) or (char if char.isprintable() else _escape(char)) for char in text)
    return '"' + re.sub(r"([$%])(?=\{)", r"\1\1", escaped) + '"'


def _part(part: Part) -> str:
    if isinstance(part, str):
        return part
    name, value = part
    if name != "--" and value.startswith("-"):
        return f"{name}={shlex.quote(value)}"
    return f"{name} {_quoted(value)}"


def _quoted(word: str) -> str:
    return word if isinstance(word, Raw) else shlex.quote(word)


def _block(body: Mapping[str, Value], depth: int) -> str:
    """Attributes first, their equals signs aligned, then blocks: as ``terraform fmt`` leaves it."""
    indent = "  " * (depth + 1)
    plain = {name: value for name, value in body.items() if not isinstance(value, Mapping)}
    width = max(map(len, plain), default=0)
    lines = [f"{indent}{name:<{width}} = {_value(value)}" for name, value in plain.items()]
    for name, value in body.items():
        if isinstance(value, Mapping):
            lines += [*([""] if lines else []), f"{indent}{name} {_block(value, depth + 1)}"]
    return "{\n" + "\n".join(lines) + "\n" + "  " * depth + "}"


def _value(value: str | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, Raw) else hcl_string(value)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
