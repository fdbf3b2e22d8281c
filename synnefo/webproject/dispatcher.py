"""The command ``snf-dispatcher``."""

from __future__ import annotations

from synnefo.webproject.start import set_up


def main() -> None:
    set_up()
    from synnefo.engine.dispatcher import Dispatcher

    Dispatcher().run()


if __name__ == "__main__":
    main()
