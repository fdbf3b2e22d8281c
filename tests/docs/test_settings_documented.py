"""``docs/settings.md`` against the modules that hold the defaults."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.docs.tables import rows

MODULES = ("common", "up", "astakos", "cyclades", "pithos")
LONGEST_DEFAULT = 60


def defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in MODULES:
        module = import_module(f"synnefo.{name}.default_settings")
        found.update({key: value for key, value in vars(module).items() if key.isupper()})
    return found


def test_every_setting_is_documented_once_and_no_other() -> None:
    documented = [row[0] for row in rows("settings.md")]
    assert sorted(documented) == sorted(defaults())


def test_types_and_defaults_are_those_of_the_code() -> None:
    for name, kind, default, meaning in rows("settings.md"):
        value = defaults()[name]
        assert kind == type(value).__name__ or value is None, name
        shown = repr(value)
        assert default == (shown if len(shown) <= LONGEST_DEFAULT else "see the source"), name
        assert len(meaning) > 10, name
