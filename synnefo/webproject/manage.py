"""The command ``snf-manage``, and those of its verbs that are commands of their own."""

from __future__ import annotations

import sys

from django.core.management import execute_from_command_line

from synnefo.webproject.start import set_up


def main() -> None:
    _run()


def component_register() -> None:
    """``snf-component-register``"""
    _run("component-register")


def service_export() -> None:
    """``snf-service-export``"""
    _run("service-export")


def pithos_manage_accounts() -> None:
    """``pithos-manage-accounts``"""
    _run("pithos-manage-accounts")


def pithos_migrate() -> None:
    """``pithos-migrate``"""
    _run("pithos-migrate")


def _run(*verb: str) -> None:
    set_up()
    execute_from_command_line(["snf-manage", *verb, *sys.argv[1:]])


if __name__ == "__main__":
    main()
