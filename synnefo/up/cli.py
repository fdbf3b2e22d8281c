"""The command ``synnefo``: ``up`` runs the cloud of this machine, ``down`` ends it and its machines."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import socket
import sys
import time

import synnefo
from synnefo.up import greeting
from synnefo.up.journal import Terminal
from synnefo.up.place import Address, Place, UpError
from synnefo.up.services import SET_UP, services
from synnefo.up.stopping import down
from synnefo.up.supervisor import Supervisor

_PORT_WAIT_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="synnefo", description="The cloud of one machine.")
    parser.add_argument("--version", action="version", version=f"synnefo {synnefo.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="set up what is missing and run the cloud until Ctrl-C")
    commands.add_parser("down", help="stop the cloud, its virtual machines and networks; nothing is lost")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synnefo.settings")
    try:
        {"up": up, "down": down}[arguments.command]()
    except UpError as error:
        sys.stderr.write(f"synnefo: {error}\n")
        raise SystemExit(1) from None


def up() -> None:
    """Run the cloud in the foreground. Raises UpError."""
    place = Place.from_settings()
    place.prepare()
    with place.exclusively():
        _require_free("SYNNEFO_LISTEN", place.listen)
        _require_free("CYCLADES_CONSOLE_LISTEN", place.console)
        if place.objects:
            _require_free("PITHOS_LISTEN", place.objects)
        if place.s3:
            _require_free("PITHOS_S3_LISTEN", place.s3)
        terminal = Terminal()
        supervisor = Supervisor(place.log, place.environment(), terminal)
        asyncio.run(supervisor.run(SET_UP, services(place), lambda: greeting.greet(place, terminal)))


def _require_free(name: str, address: Address) -> None:
    """Processes of a cloud that was killed a moment ago may need time to let go of their ports."""
    deadline = time.monotonic() + _PORT_WAIT_S
    while True:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address.host, address.port))
                return
            except OSError as error:
                if time.monotonic() > deadline or error.errno != errno.EADDRINUSE:
                    raise UpError(
                        f"cannot listen on {address}: {error.strerror}; {name} names another one"
                    ) from error
        time.sleep(0.1)


if __name__ == "__main__":
    main()
