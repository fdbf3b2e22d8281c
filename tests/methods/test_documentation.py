"""``docs/sign-in.md``: its examples are settings that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from synnefo.astakos import default_settings
from synnefo.astakos.methods import policies, registry
from synnefo.common import conf
from tests.docs.tables import DOCS, rows

TEXT = (DOCS / "sign-in.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
_OF_A_MODULE = re.compile(r"ASTAKOS_AUTH_PROVIDER_([A-Z]+)_(\w+)")


def is_known(name: str) -> bool:
    """A default of ours, a setting of django-auth-ldap, or one about a module."""
    from django_auth_ldap.backend import LDAPSettings

    if name.startswith("AUTH_LDAP_"):
        return name.removeprefix("AUTH_LDAP_") in LDAPSettings.defaults
    if match := _OF_A_MODULE.fullmatch(name):
        wanted = match[2].removesuffix("_POLICY").lower()
        others = {"user_attr_map", "provider_attrs", *registry.MESSAGES}
        return match[1].lower() in registry.PROVIDERS and (
            wanted in others or hasattr(policies.Policies, wanted)
        )
    return hasattr(default_settings, name)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read_and_sets_what_there_is(example: str, tmp_path: Path) -> None:
    (tmp_path / "20-sign-in.conf").write_text(example)
    made: dict[str, Any] = {}
    conf.overlay_files(made, tmp_path)
    assert [name for name in made if name.isupper() and not is_known(name)] == []


def test_policies_and_modules_of_the_tables_are_those_of_the_code() -> None:
    modules = {name for row in rows("sign-in.md") for name in re.findall(r"\w+", row[0])}
    assert modules == set(registry.PROVIDERS)
    table = TEXT.partition("## Policies")[2]
    assert [name for name in policies.Policies.__dataclass_fields__ if name.upper() not in table] == []
