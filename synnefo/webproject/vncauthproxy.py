"""The command ``snf-vncauthproxy``."""

from __future__ import annotations

from synnefo.webproject.start import set_up


def main() -> None:
    set_up()
    from synnefo.cyclades.console.proxy import serve

    serve()


if __name__ == "__main__":
    main()
