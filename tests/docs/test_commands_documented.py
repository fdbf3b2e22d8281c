"""``docs/commands.md`` against what ``snf-manage`` offers."""

from __future__ import annotations

from django.core.management import get_commands, load_command_class

from tests.docs.tables import rows


def ours() -> dict[str, str]:
    """Our commands, with the first sentence of their help."""
    found = {}
    for name, app in get_commands().items():
        if isinstance(app, str) and app.startswith("synnefo."):
            found[name] = load_command_class(app, name).help
    return found


def test_every_command_is_documented_once_and_no_other() -> None:
    assert sorted(row[0] for row in rows("commands.md")) == sorted(ours())


def test_commands_are_described_by_their_own_help() -> None:
    assert {row[0]: row[1] for row in rows("commands.md")} == ours()
