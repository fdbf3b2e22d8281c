"""Programs that use the cloud by libraries, on a whole cloud: ``python -m interop.clients``.

Apache Libcloud, and Ansible's openstack.cloud with the openstacksdk that it runs with, each in a virtual
environment of its own. Their scripts are in ``scripts/`` and fail where something is not as it should be.
``--write FILE`` puts the tables of what they did into a page.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from interop import tables
from interop.furnish import FLAVOR, IMAGE, PUBLIC
from interop.programs import environment
from interop.tables import Result
from interop.whole import Whole, whole_cloud

SCRIPTS = Path(__file__).with_name("scripts")
RUN_TIMEOUT_S = 1800
_WORDS = {"IMAGE": IMAGE, "FLAVOR": FLAVOR, "PUBLIC": PUBLIC, "NETWORK": "default-net"}


def libcloud() -> tuple[Path, Sequence[str]]:
    """The environment's programs, and the command."""
    programs = environment("libcloud-3.9.1", ["apache-libcloud==3.9.1"])
    return programs, (str(programs / "python"), str(SCRIPTS / "with_libcloud.py"))


def ansible() -> tuple[Path, Sequence[str]]:
    """Newer ones of openstacksdk do not run with the collection that Ansible brings."""
    programs = environment("ansible-12.3.0", ["ansible==12.3.0", "openstacksdk==4.5.0"])
    python = f"ansible_python_interpreter={programs / 'python'}"
    return programs, (str(programs / "ansible-playbook"), "-e", python, str(SCRIPTS / "playbook.yml"))


CLIENTS: dict[str, Callable[[], tuple[Path, Sequence[str]]]] = {"libcloud": libcloud, "ansible": ansible}
#: Of each: the head of its table, who it is, and how its output tells of a step and of its end.
_TOLD = {
    "libcloud": ("Libcloud", "Apache Libcloud 3.9.1, compute 2.2", r"(?P<verdict>ok|FAILED)  (?P<step>.*)"),
    "ansible": (
        "Ansible task", "Ansible 12.3.0, openstack.cloud 2.5.0, openstacksdk 4.5.0",
        r"TASK \[(?P<step>.*)\] \*+|(?P<verdict>ok|changed|fatal|skipping): \[.*",
    ),
}  # fmt: skip
_GOOD = ("ok", "changed")


def main() -> None:
    arguments = argparse.ArgumentParser(description="Libraries' programs on a cloud of their own.")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CLIENTS)}; all without")
    arguments.add_argument("--write", type=Path, help="the page that has the tables of results")
    given = arguments.parse_args()
    chosen = {name: CLIENTS[name]() for name in given.names or CLIENTS}
    with whole_cloud() as whole:
        done = {name: run(whole, name, *how) for name, how in chosen.items()}
    for name, (results, _) in done.items():
        head, by, _ = _TOLD[name]
        tables.tell(given.write, f"{name} steps", head, results, by)
    sys.exit(not all(good and all(row.done for row in results) for results, good in done.values()))


def run(whole: Whole, name: str, programs: Path, command: Sequence[str]) -> tuple[list[Result], bool]:
    """What its steps became, and whether it ended well; its output is shown as it comes."""
    variables = {**whole.variables(programs), **_WORDS, "ANSIBLE_LOCALHOST_WARNING": "false"}
    line, form = whole.cloud.machine.inside(*command), re.compile(_TOLD[name][2])
    process = subprocess.Popen(line, env=variables, stdout=subprocess.PIPE, text=True)
    ending = threading.Timer(RUN_TIMEOUT_S, process.kill)
    ending.start()
    results: list[Result] = []
    step, started = "", time.monotonic()
    for text in process.stdout or ():
        print(text, end="", flush=True)
        told = form.fullmatch(text.rstrip())
        if told is None:
            continue
        step = told["step"] or step
        if verdict := told["verdict"]:
            now = time.monotonic()
            results.append(Result(step, verdict in _GOOD, now - started, text.strip()))
            started = now
    ended_well = process.wait() == 0
    ending.cancel()
    return results, ended_well


if __name__ == "__main__":
    main()
