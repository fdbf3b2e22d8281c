"""``docs/errors.md`` against the family of faults."""

from __future__ import annotations

from importlib import import_module

from synnefo.common.faults import fault_family
from tests.docs.tables import rows


def test_every_fault_is_documented_as_it_is() -> None:
    for views in ("synnefo.webproject.urls", "synnefo.pithos.faces.s3.urls"):  # with all that they may raise
        import_module(views)
    documented = {row[0]: tuple(row[1:4]) for row in rows("errors.md")}
    family = {name: (str(kind.status), kind.name, kind.title) for name, kind in fault_family().items()}
    assert documented == family
