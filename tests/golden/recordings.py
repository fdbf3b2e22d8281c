"""The recordings, the tool that replays and compares them, and what of both is needed here.

They stand beside the project; ``here()`` says whether they do.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import importlib.util
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

SHARED = Path(__file__).resolve().parents[3] / "shared"
_TOOL, _RECORDED = SHARED / "tools/golden_replay.py", SHARED / "golden"
_BLOCKS = SHARED / "legacy/pithos-store.tar.gz"

_CONDITIONS = ("If-Modified-Since", "If-Unmodified-Since")
Call = dict[str, Any]
#: Status, headers, body.
Answer = tuple[int, list[tuple[str, str]], bytes]


def here() -> bool:
    return all(path.exists() for path in (_TOOL, _RECORDED, _BLOCKS))


@functools.cache
def tool() -> ModuleType:
    """The tool as a module: its own comparison is the one that counts."""
    spec = importlib.util.spec_from_file_location("golden_replay", _TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def calls() -> tuple[Call, ...]:
    """All that was recorded, in its order."""
    found = []
    for path in sorted(_RECORDED.glob("*.jsonl")):
        found += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return tuple(sorted(found, key=lambda call: call["seq"]))


def name_of(call: Call) -> str:
    return f"{call['request']['method']} {call['request']['path']}"


def bodies_into(directory: Path) -> None:
    """Request bodies that were too long to be recorded: blocks that were kept, and two that are described."""
    with tarfile.open(_BLOCKS) as archive:
        for member in archive:
            if member.isfile() and member.name.startswith("blocks/"):
                stream = archive.extractfile(member)
                assert stream is not None
                data = stream.read()
                (directory / hashlib.sha256(data).hexdigest()).write_bytes(data)
    (directory / "y").write_bytes(b"y" * (2 << 20))
    (directory / "pattern").write_bytes(b"pattern-golden " * 900_000)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One call replayed: what differs (place, expected, got), and of that what may not."""

    call: Call
    status: int
    differences: list[tuple[str, Any, Any]]
    faults: list[tuple[str, Any, Any]]
    text: str

    def __str__(self) -> str:
        short = tool().short
        lines = [f"{place}: {short(old)} expected, {short(new)} got" for place, old, new in self.faults]
        return f"{self.call['seq']} {name_of(self.call)}: " + "; ".join(lines) + f" | {self.text[:300]}"


class Player:
    """Sends calls to a cloud, one after the other, and compares with the tool's eyes."""

    def __init__(self, base: str, maps: dict[str, str], allowed: Path, bodies: Path) -> None:
        options = {"base": base, "allow": str(allowed), "bodies": str(bodies), "timeout": 60,
                   "map": [f"{old}={new}" for old, new in maps.items()]}  # fmt: skip
        self.replay = tool().Replay(argparse.Namespace(**options))
        self.replay.since = min(time.time(), _first_date())

    @property
    def unused(self) -> list[str]:
        """Allowed differences that no call needed; those that the tool makes come and go with the ids."""
        rules = [rule for rule, _, used in self.replay.allowed.rules if not used]
        return [f"{rule['request']}: {rule['reason']}" for rule in rules if "the tool" not in rule["reason"]]

    def play(self, chosen: Iterable[Call], before_each: Callable[[Call], None]) -> Iterator[Outcome]:
        for call in chosen:
            before_each(call)
            yield self._play(_as_ordered(call))

    def _play(self, call: Call) -> Outcome:
        call = self._with_networks(call)
        body = self.replay.request_body(call)
        assert body is not None, f"{name_of(call)}: its body is not known"
        answer = self.replay.send(call, body)
        found = self.replay.compare(*_plain_xml(call, answer), self.replay.ids)
        name = f"{name_of(call)} {answer[0]}"
        faults = [item for item in found if self.replay.allowed.reason(name, *item) is None]
        return Outcome(call, answer[0], found, faults, answer[2][:500].decode("utf-8", "replace"))

    def _with_networks(self, call: Call) -> Call:
        """Networks and cards of servers: ids under names that the tool takes for others'."""
        networks, ports = self.replay.ids.known["network"], self.replay.ids.known["port"]
        both = {}
        for side in ("request", "response"):
            body = call[side]["body"] or {}
            if "json" in body and "/servers" in call["request"]["path"]:
                body = {**body, "json": _renumbered(body["json"], networks, ports)}
            both[side] = {**call[side], "body": body}
        return {**call, **both}


def _renumbered(value: Any, networks: dict[str, str], ports: dict[str, str]) -> Any:
    """Renumber ``networks`` of a request by ``uuid``, ``addresses`` by their keys, and ``nic`` as a port."""
    if isinstance(value, list):
        return [_renumbered(item, networks, ports) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: _renumbered(item, networks, ports) for name, item in value.items()}
    if isinstance(found.get("addresses"), dict):
        found["addresses"] = {networks.get(name, name): cards for name, cards in found["addresses"].items()}
    if isinstance(found.get("nic"), int):
        found["nic"] = int(ports.get(str(found["nic"]), found["nic"]))
    for card in found["networks"] if isinstance(found.get("networks"), list) else []:
        if isinstance(card, dict) and "uuid" in card:
            card["uuid"] = networks.get(card["uuid"], card["uuid"])
    return found


def _as_ordered(call: Call) -> Call:
    """The same as part of a sequence, whose ids and dates are others; ``until`` then means now."""
    request = call["request"]
    path = re.sub(r"(?<=until=)\d+\.\d+", f"{time.time() + 1:.2f}", request["path"])
    headers = [[name, _now(value) if name in _CONDITIONS else value] for name, value in request["headers"]]
    return {
        **call,
        "group": f"after-{call['group']}",
        "request": {**request, "path": path, "headers": headers},
    }


def _now(date: str) -> str:
    return formatdate(usegmt=True) if (tool().epoch(date) or 0) >= _first_date() else date


def _plain_xml(call: Call, answer: Answer) -> tuple[Call, Answer]:
    """Both in one layout, children in the order of their names: that of 0.21 was its templates'."""
    status, headers, data = answer
    body = call["response"]["body"] or {}
    if not body.get("text", "").startswith("<?xml") or not data.startswith(b"<?xml"):
        return call, answer
    recorded = {**body, "text": _canonical(body["text"])}
    known = {**call, "response": {**call["response"], "body": recorded}}
    return known, (status, headers, _canonical(data.decode()).encode())


def is_same_xml(call: Call, answer: Answer | None, translated: Callable[[str], str]) -> bool:
    """Whether an answer in XML says what was recorded, in whatever layout; true of other answers.

    ``translated`` is a recorded text as it is to be here.
    """
    if answer is None:
        return True
    known, shown = _plain_xml(call, answer)
    return known is call or translated(known["response"]["body"]["text"]).encode() == shown[2]


def _canonical(text: str) -> str:
    """Without white space between elements; children and pairs of key and value sorted."""
    root = ElementTree.fromstring(text.encode())  # noqa: S314  ours, and recorded
    for element in root.iter():
        text = (element.text or "").strip()
        element.text, element.tail = "" if text == "None" else text, ""
        if element.tag == "x_container_policy":
            pairs = sorted(zip(element[::2], element[1::2], strict=True), key=lambda pair: str(pair[0].text))
            element[:] = [child for pair in pairs for child in pair]
        elif element.tag in ("object", "container", "account"):
            element[:] = sorted(element, key=lambda child: "" if child.tag == "object" else child.tag)
    return ElementTree.canonicalize(ElementTree.tostring(root))


@functools.cache
def _first_date() -> float:
    module = tool()
    dates = (module.epoch(module.header(call["response"]["headers"], "date")) for call in calls())
    return float(min(date for date in dates if date))
