"""What is done on engines, one file per family of operations. Only these talk to a backend.

``register`` makes the procedures known to the engine and starts what follows engines.
"""

from __future__ import annotations

from importlib import import_module

_FAMILIES = (
    "networks", "routers", "groups", "servers", "cards", "power", "sizes", "systems", "volumes",
    "server_volumes", "orphans",
)  # fmt: skip


def register() -> None:
    for family in _FAMILIES:
        import_module(f"{__name__}.{family}")
    import_module(f"{__name__}.follow").register()
    import_module(f"{__name__}.reconcile_networks").register()
    import_module(f"{__name__}.images").register()
    import_module(f"{__name__}.volumes").register()
