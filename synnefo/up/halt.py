"""Ending the guests and networks of this machine (``python -m synnefo.up.halt``); see ``stopping``."""

from __future__ import annotations

import sys

from synnefo.webproject.start import set_up


def main() -> None:
    set_up()
    from django.db import DatabaseError

    from synnefo.cyclades.backends import registry
    from synnefo.cyclades.backends.base import BackendError
    from synnefo.cyclades.backends.local import LocalBackend
    from synnefo.cyclades.backends.local.halt import halt
    from synnefo.cyclades.backends.models import Backend
    from synnefo.up.stopping import GUESTS_S

    try:
        for row in Backend.objects.filter(kind=Backend.Kind.LOCAL):
            engine = registry.engine(row)
            if isinstance(engine, LocalBackend):
                count = halt(engine, timeout_s=GUESTS_S)
                sys.stdout.write(f"synnefo: stopped {count} virtual machines\n")
    except (BackendError, DatabaseError) as error:
        sys.stderr.write(f"synnefo: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
