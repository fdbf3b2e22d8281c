"""What is done on engines, one file per family of operations. Only these talk to a backend.

``register`` makes the procedures known to the engine and starts what follows engines.
"""

from __future__ import annotations

from importlib import import_module


def register() -> None:
    for family in ("networks", "servers"):
        import_module(f"{__name__}.{family}")
    import_module(f"{__name__}.follow").register()
    import_module(f"{__name__}.images").register()
