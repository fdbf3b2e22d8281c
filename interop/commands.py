"""The ``openstack`` commands that people use, on a whole cloud: ``python -m interop.commands``.

They run one after the other, and each must succeed. Some are waited for; before some is done what a real
cloud wants to have done. ``--write FILE`` puts the table of results between its marks in a page.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from interop import tables
from interop.furnish import FLAVOR, IMAGE, OTHER_FLAVOR, PUBLIC
from interop.programs import environment
from interop.tables import Result
from interop.whole import whole_cloud
from tests.cloud import wait_until

VERSION = "10.5.0"
COMMAND_TIMEOUT_S, WAIT_TIMEOUT_S = 300, 300
_MAKE = f"server create --image {IMAGE} --flavor {FLAVOR}"


@dataclasses.dataclass(frozen=True)
class Command:
    """``after`` are commands that are not counted: what the world must be like before this one."""

    line: str
    until: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def wanted(line: str, *until: str, after: Sequence[str] = ()) -> Command:
    """``until``: ``KIND NAME STATUS``, waited for when the command is through."""
    return Command(line, until, tuple(after))


COMMANDS = (
    *map(Command, (
        "token issue", "catalog list", "project list", "user show {user}", "versions show", "flavor list",
        f"flavor show {FLAVOR}", "keypair create --public-key {key} kp", "keypair create kpgen",
        "keypair list", "keypair show kp", "keypair delete kpgen", "network create net1", "network list",
        "network show net1", "subnet create --network net1 --subnet-range 10.1.0.0/24 sub1", "subnet list",
        "port create --network net1 port1", "port list", "router create r1", "router add subnet r1 sub1",
        f"floating ip create {PUBLIC}", "floating ip list", "security group create sg1",
        "security group list", "security group rule create --proto tcp --dst-port 22 sg1",
        "security group rule list sg1", "image list",
    )),
    wanted(
        "image create --disk-format raw --container-format bare --file {file} img1", "image img1 active"
    ),
    *map(Command, (
        "image show img1", "image save --file {folder}/o.bin img1", "image set --property a=b img1",
    )),
    wanted(f"{_MAKE} --network default-net --key-name kp srv1", "server srv1 ACTIVE"),
    wanted(f"{_MAKE} --nic none srvnn", "server srvnn ACTIVE"),
    *map(Command, ("server list", "server list --long", "server list --no-name-lookup", "server show srv1")),
    wanted("server stop srv1", "server srv1 SHUTOFF"),
    wanted("server start srv1", "server srv1 ACTIVE"),
    wanted("server reboot srv1", "server srv1 ACTIVE"),
    wanted("server reboot --hard srv1", "server srv1 ACTIVE"),
    wanted(f"server resize --flavor {OTHER_FLAVOR} srv1", "server srv1 VERIFY_RESIZE"),
    wanted("server resize confirm srv1", "server srv1 ACTIVE"),
    wanted("console url show srv1"),
    wanted("console log show srv1"),
    wanted("server add floating ip srv1 {address}"),
    wanted("server remove floating ip srv1 {address}"),
    wanted("server add network srv1 net1", "server srv1 ACTIVE"),
    wanted("server set --property k=v srv1"),
    wanted("volume create --size 1 vol1", "volume vol1 available"),
    wanted("volume list"),
    wanted("volume show vol1"),
    wanted("server add volume srv1 vol1", "volume vol1 in-use"),
    wanted("server remove volume srv1 vol1", "volume vol1 available"),
    wanted("volume snapshot create --volume vol1 snap1", "volume snapshot snap1 available"),
    wanted("volume snapshot list"),
    wanted("volume type list"),
    wanted("server image create --name si srv1", "image si active"),
    wanted("server delete srv1", "server srv1 gone", after=("server delete srvnn",)),
    wanted("volume snapshot delete snap1", "volume snapshot snap1 gone"),
    wanted("volume delete vol1", "volume vol1 gone"),
    wanted("floating ip delete {address}"),
    wanted("port delete port1"),
    wanted("network delete net1", after=("router remove subnet r1 sub1", "router delete r1")),
    *map(Command, (
        "security group delete sg1", "image delete img1", "quota show", "quota show --compute",
        "quota show --network", "quota show --volume", "limits show --absolute", "availability zone list",
        "extension list", "container create c1", "container list", "object create c1 {file}",
        "object list c1", "object show c1 {file}", "object save --file {folder}/o2.bin c1 {file}",
        "object delete c1 {file}", "container delete c1", "object store account show",
    )),
    *map(Command, (
        "hypervisor list", "compute service list", "usage list", "usage show", "aggregate list",
        "server group create --policy anti-affinity sgr1", "server group list", "server group delete sgr1",
        "flavor create --ram 64 --disk 1 --vcpus 1 --private f1", "flavor set --property a=b f1",
        "flavor set --project {project} f1", "flavor unset --project {project} f1", "flavor delete f1",
    )),
)  # fmt: skip


class Client:
    """The unmodified command line, where the cloud is."""

    def __init__(self, inside: Sequence[str], variables: Mapping[str, str], program: Path) -> None:
        self._inside, self._variables, self._program = inside, variables, str(program)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        command = [*self._inside, self._program, *shlex.split(line)]
        return subprocess.run(
            command, env=dict(self._variables), capture_output=True, text=True, check=False,
            timeout=COMMAND_TIMEOUT_S,
        )  # fmt: skip

    def field(self, line: str, name: str) -> str:
        """One field of what a command shows; ``gone`` if it finds nothing."""
        done = self.run(f"{line} -f json")
        return str(json.loads(done.stdout)[name]) if done.returncode == 0 else "gone"

    def wait(self, what: str) -> None:
        kind_and_name, _, status = what.rpartition(" ")
        kind, _, name = kind_and_name.rpartition(" ")

        def there() -> bool:
            found = self.field(f"{kind} show {name}", "status")
            if found.lower() == "error" != status.lower():
                raise AssertionError(f"{kind} {name} is in error")
            return found == status

        wait_until(what, there, WAIT_TIMEOUT_S, every_s=1)


def main() -> None:
    arguments = argparse.ArgumentParser(description="The openstack commands that people use, on a cloud.")
    arguments.add_argument("--write", type=Path, help="the page that has the table of results")
    given = arguments.parse_args()
    program = environment(f"openstackclient-{VERSION}", [f"python-openstackclient=={VERSION}"]) / "openstack"
    with tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder, whole_cloud() as whole:
        client = Client(whole.cloud.machine.inside(), whole.variables(program.parent), program)
        results = run_all(client, _words(client, Path(folder), f"{whole.cloud.key}.pub"))
    tables.tell(
        given.write, "openstack commands", "`openstack` ...", results, f"python-openstackclient {VERSION}"
    )
    sys.exit(not all(result.done for result in results))


def run_all(client: Client, words: dict[str, str]) -> list[Result]:
    """Every command, in order; one whose wait is in vain has failed."""
    results = []
    for command in COMMANDS:
        for line in command.after:
            client.run(line)
        if "{address}" in command.line and "address" not in words:
            listed = json.loads(client.run("floating ip list -f json").stdout or "[]")
            words["address"] = listed[0]["Floating IP Address"] if listed else "none"
        result = _run(client, command, words)
        print(result.line_of_log, flush=True)
        results.append(result)
    return results


def _run(client: Client, command: Command, words: Mapping[str, str]) -> Result:
    started = time.monotonic()
    done = client.run(command.line.format(**words))
    said = (done.stderr.strip().splitlines() or [""])[-1]
    good = done.returncode == 0
    try:
        for what in command.until if good else ():
            client.wait(what)
    except AssertionError as error:
        good, said = False, str(error)
    return Result(command.line, good, time.monotonic() - started, said)


def _words(client: Client, folder: Path, key: str) -> dict[str, str]:
    """What the commands name that is different in every cloud."""
    file = folder / "f.bin"
    file.write_bytes(bytes(1024 * 1024))
    token = json.loads(client.run("token issue -f json").stdout)
    return {
        "user": token["user_id"],
        "project": token["project_id"],
        "key": key,
        "file": str(file),
        "folder": str(folder),
    }


if __name__ == "__main__":
    main()
