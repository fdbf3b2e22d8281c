"""How far the import of machines has come. A table only."""

from __future__ import annotations

from synnefo.common.legacy.progress import Progress


class LegacyImport(Progress):
    pass
