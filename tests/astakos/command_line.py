"""Runs ``openstack`` command lines, given as JSON on standard input, one after the other in one process.

Starting Python and loading the client takes longer than what it is asked to do. Prints a JSON list of what
each printed and returned.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from openstackclient import shell


def main() -> None:
    told = []
    for line in json.load(sys.stdin):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = shell.main([*line])
        told.append([code, output.getvalue()])
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
