"""Commands and HCL mean what they were made of, whatever that is."""

from __future__ import annotations

import re
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from synnefo.common.same_request import Raw, Value, command, hcl_string, label_of, positional, resource

#: Whatever people can type; a shell's word cannot hold NUL.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def meant_by(literal: str) -> str:
    """What HCL's specification says a quoted string without templates means."""
    simple = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

    def one(match: re.Match[str]) -> str:
        text = match.group()
        if text[0] != "\\":
            return text[1:]
        return simple[text[1]] if text[1] in simple else chr(int(text[2:], 16))

    pattern = r"\\(?:u[0-9a-f]{4}|U[0-9a-f]{8}|.)|\$\$\{|%%\{"
    inside = literal[1:-1]
    bare = re.sub(pattern, "", inside)
    assert not re.search(r'["\n\r\\]|\$\{|%\{', bare), literal
    return re.sub(pattern, one, inside)


def taken(line: str) -> list[str]:
    """The words that a shell makes of a command that prints them."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=10)
    return done.stdout.decode().split("\0")[:-1]


@given(texts)
def test_a_quoted_string_means_the_text_and_no_template(text: str) -> None:
    assert meant_by(hcl_string(text)) == text


@settings(deadline=None)
@given(texts, texts)
def test_a_shell_takes_every_word_literally(name: str, value: str) -> None:
    option = ["--name=" + value] if value.startswith("-") else ["--name", value]
    wanted = [*option, *(["--"] if name.startswith("-") else []), name]
    assert taken(command("printf '%s\\0'", ("--name", value), positional(name))) == wanted


@given(texts)
def test_a_label_is_an_identifier(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", label_of(name, "server"))


def test_a_long_command_is_broken_into_lines_that_a_shell_joins() -> None:
    text = command("printf '%s\\0'", *(("--option", "x" * 20) for _ in range(4)))
    assert len(text.splitlines()) == 5
    assert taken(text) == ["--option", "x" * 20] * 4


def test_a_resource_looks_as_its_formatter_leaves_it() -> None:
    body: dict[str, Value] = {
        "name": "a",
        "no_gateway": True,
        "id": Raw("other.id"),
        "network": {"uuid": "u"},
    }
    assert resource("kind", "label", body) == (
        'resource "kind" "label" {\n  name       = "a"\n  no_gateway = true\n  id         = other.id\n\n'
        '  network {\n    uuid = "u"\n  }\n}'
    )
