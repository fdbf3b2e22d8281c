"""The reader of cloud-config that the tiny image carries, compared with PyYAML."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from synnefo.cyclades.images.build import tiny

SCRIPT = tiny.GUEST_FILES / "rootfs/usr/lib/synnefo/yaml.awk"


def flatten(document: str) -> list[tuple[str, str]]:
    """What the guest sees, with its escapes undone."""
    done = subprocess.run(
        ["busybox", "awk", "-f", str(SCRIPT)],
        input=document.encode(),
        capture_output=True,
        timeout=20,
        env={"LC_ALL": "C"},
        check=True,
    )
    assert done.stderr == b""
    marks = {"n": "\n", "t": "\t", "r": "\r"}
    pairs = [line.split("\t", 1) for line in done.stdout.decode().split("\n") if line]
    return [(path, re.sub(r"\\(.)", lambda m: marks.get(m[1], m[1]), value)) for path, value in pairs]


def expected(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The same of a parsed document; empty lists and mappings do not show."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from expected(inner, f"{path}/{key}" if path else str(key))
    else:
        yield path, "" if value is None else value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("a: 1\nb:\n- x\n- y: 2\n  z: [p, 'q, r', {s: t}]\nc:\n  - 1\n", id="nesting"),
        pytest.param("chpasswd:\n  list: |\n    root:pw # kept\n    a:b\n  expire: false\n", id="literal"),
        pytest.param(
            "a: >\n  folded\n  text\n\n  para\n   more\nb: |-\n  x\nc: |+\n  keep\n\nd: 1\n", id="folded"
        ),
        pytest.param("runcmd:\n - [ sh, -c, \"echo a: $(b) \\\"q\\\" > /x\" ]\n - 'it''s'\n", id="quotes"),
        pytest.param('d: "multi\n  line \\\n  x"\ne: f\n', id="quotes over lines"),
        pytest.param("k: http://x:80/y#z\nw: a:b # comment\n# c\nl: []\nm: {}\nn: ~\n", id="plain"),
        pytest.param("'q k': v\n\"z\": v2\n", id="quoted keys"),
        pytest.param("x: [a,\n  b, # c\n  c]\ny: {a: http://h:1/, b: 2}\n", id="flow over lines"),
        pytest.param("key: ssh-ed25519\n  AAAA\n  me@host\nnext: 1\n", id="plain over lines"),
        pytest.param("--- # start\na: 1\r\nb: 2\r\n", id="start mark and carriage returns"),
        pytest.param("", id="empty"),
    ],
)
def test_documents_as_people_write_them(document: str) -> None:
    parsed = yaml.safe_load(document) or {}
    assert sorted(flatten(document)) == sorted(expected(parsed))


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"))
keys = st.from_regex(r"[a-z][a-z_0-9-]{0,8}", fullmatch=True).filter(
    lambda key: key not in {"y", "n", "no", "on"}
)
values = st.recursive(
    texts | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_documents_as_programs_write_them(value: dict[str, Any]) -> None:
    written = [json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)]
    written += [yaml.safe_dump(value), yaml.safe_dump(value, default_style='"', allow_unicode=True)]
    for document in written:
        assert sorted(flatten(document)) == sorted(expected(value)), document
