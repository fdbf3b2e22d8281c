"""Programs that use the cloud by libraries, on a whole cloud: ``python -m interop.clients``.

Apache Libcloud, and Ansible's openstack.cloud with the openstacksdk that it runs with, each in a virtual
environment of its own. Their scripts are in ``scripts/`` and fail where something is not as it should be.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from interop.furnish import FLAVOR, IMAGE, PUBLIC
from interop.programs import environment
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


def main() -> None:
    arguments = argparse.ArgumentParser(description="Libraries' programs on a cloud of their own.")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CLIENTS)}; all without")
    wanted = arguments.parse_args().names or list(CLIENTS)
    chosen = {name: CLIENTS[name]() for name in wanted}
    with whole_cloud() as whole:
        failed = [name for name, (programs, command) in chosen.items() if not run(whole, programs, command)]
    for name in chosen:
        print(f"{name}: {'FAILED' if name in failed else 'ok'}")
    sys.exit(bool(failed))


def run(whole: Whole, programs: Path, command: Sequence[str]) -> bool:
    variables = {**whole.variables(programs), **_WORDS, "ANSIBLE_LOCALHOST_WARNING": "false"}
    line = whole.cloud.machine.inside(*command)
    return subprocess.run(line, env=variables, check=False, timeout=RUN_TIMEOUT_S).returncode == 0


if __name__ == "__main__":
    main()
