"""The command ``snf-manage``."""

from __future__ import annotations

import sys

from django.core.management import execute_from_command_line

from synnefo.webproject.start import set_up


def main() -> None:
    set_up()
    execute_from_command_line(["snf-manage", *sys.argv[1:]])


if __name__ == "__main__":
    main()
