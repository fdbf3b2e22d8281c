"""The commands of kamaki 0.16, unmodified, on a whole cloud: ``python -m interop.kamaki``.

They run one after the other, and each must succeed, but for those that this client cannot; some are waited
for. ``--write FILE`` puts the table of results into a page. Where there is no CPython 2.7 nothing runs, and
the page stays as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interop import tables
from interop.furnish import FLAVOR, IMAGE, PUBLIC
from interop.programs import CACHE
from interop.tables import Result
from interop.whole import Whole, whole_cloud
from tests import old_kamaki
from tests.cloud import wait_until

COMMAND_TIMEOUT_S, WAIT_TIMEOUT_S = 300, 300
_JSON = ("--output-format", "json")


@dataclasses.dataclass(frozen=True)
class Command:
    """``keep`` is the word that the id of what is made goes by in later commands.

    ``among`` is the list, and the key with the value, by which it is found where nothing is shown. ``until``
    is what is waited for: a command, and what must be in its answer (with ``no `` before it: must not).
    """

    line: str
    keep: str = ""
    among: tuple[str, str, str] | None = None
    until: tuple[str, str] | None = None
    reason: str = ""


def _on(server: str, status: str) -> tuple[str, str]:
    return f"server info {{{server}}}", f'"status": "{status}"'


_OTHER_LIST = "fails, as with 0.21: it wants a list where that answers an object; kamaki 0.17 knows"
_LED = '"instance_id": "{server}"'
_MAKE = "server create --flavor-id {flavor} --image-id {image}"
COMMANDS = (
    *map(Command, (
        "user authenticate", "user info", "project list", "quota list", "resource list", "flavor list",
        "flavor info {flavor}", "imagecompute list", "imagecompute info {image}",
    )),
    Command("image list", reason=_OTHER_LIST),
    *map(Command, (
        "image info {image}", "network list", "keypair upload --key-name laptop --public-key {key}",
        "keypair list",
    )),
    Command("network create --name lan", "network"),
    Command("network info {network}"),
    Command("network modify {network} --name home"),
    Command("subnet create --network-id {network} --cidr 10.9.0.0/24"),
    Command("subnet list"),
    Command(
        f"{_MAKE} --name web --network {{network}} --key-name laptop", "server",
        until=_on("server", "ACTIVE"),
    ),
    *map(Command, (
        "server list", "server list -l", "server info {server}", "server info {server} --nics",
        "server info {server} --diagnostics", "server modify {server} --name site",
        "server modify {server} --metadata-set colour=blue", "server modify {server} --metadata-del colour",
    )),
    Command("server shutdown {server}", until=_on("server", "STOPPED")),
    Command("server start {server}", until=_on("server", "ACTIVE")),
    Command("server reboot {server}", until=_on("server", "ACTIVE")),
    Command("server console {server}"),
    Command(
        "port create --network-id {network} --device-id {server} --name second", "port",
        until=("port info {port}", '"status": "ACTIVE"'),
    ),
    *map(Command, ("port list", "port info {port}", "port modify {port} --name third")),
    Command("port delete {port}", until=("port list", 'no "id": "{port}"')),
    Command("ip create", "address"),
    Command("ip attach {address} --server-id {server}", until=("ip info {address}", _LED)),
    *map(Command, ("ip list", "ip info {address}")),
    Command("ip detach {address}", until=("ip info {address}", f"no {_LED}")),
    *map(Command, ("ip delete {address}", "volume types")),
    Command(
        "volume create --size 1 --name data --volume-type {volume_type}", "volume",
        ("volume list -l", "display_name", "data"),
    ),
    Command("volume list"),
    Command("volume modify {volume} --name more"),
    Command("server attach {server} --volume-id {volume}", until=("volume info {volume}", '"in_use"')),
    Command("server detach {server} --volume-id {volume}", until=("volume info {volume}", '"available"')),
    Command(
        "snapshot create --volume-id {volume} --name before", "snapshot",
        until=("snapshot info {snapshot}", '"AVAILABLE"'),
    ),
    *map(Command, (
        "snapshot list", "snapshot modify {snapshot} --name earlier", "snapshot delete {snapshot}",
        "volume delete {volume}", "container create box", "container list", "file mkdir /box/docs",
        "file upload {file} /box/docs/f", "file list /box", "file info /box/docs/f",
        "file download /box/docs/f {folder}/again", "file copy /box/docs/f /box/copy",
        "file move /box/copy /box/moved", "file append {file} /box/moved",
        "file modify /box/moved --metadata-add colour=blue", "file info /box/moved --object-versions",
    )),
    Command("image register --name mine --location /box/docs/f --no-metafile-upload", "own_image"),
    *map(Command, (
        "image modify {own_image} -p OS=linux", "image unregister {own_image}",
        "file delete /box/moved --yes", "container delete box -r --yes", "keypair delete laptop",
    )),
    Command("server delete {server}", until=("server list", 'no "site"')),
    Command("network delete {network}"),
)  # fmt: skip


class Client:
    """The unmodified command line of the cloud's administrator, where the cloud is."""

    def __init__(self, whole: Whole, python: str, packages: Path, home: Path) -> None:
        program = (python, str(packages / "bin/kamaki"), "-c", str(whole.cloud.data / "kamakirc"))
        self._command = whole.cloud.machine.inside(*program)
        self._variables = {"PYTHONPATH": str(packages), "HOME": str(home), "PATH": os.environ["PATH"]}

    def run(self, line: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [*self._command, *shlex.split(line), *more]
        return subprocess.run(
            command, env=self._variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=COMMAND_TIMEOUT_S,
        )  # fmt: skip

    def json(self, line: str) -> Any:
        done = self.run(line, *_JSON)
        if done.returncode:
            raise AssertionError(f"kamaki {line}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def wait(self, line: str, wanted: str) -> None:
        absent, text = wanted.startswith("no "), wanted.removeprefix("no ")

        def there() -> bool:
            return (text in json.dumps(self.json(line))) is not absent

        wait_until(f"{line}: {wanted}", there, WAIT_TIMEOUT_S, every_s=1)


def main() -> None:
    arguments = argparse.ArgumentParser(description="kamaki's commands, on a cloud.")
    arguments.add_argument("--write", type=Path, help="the page that has the table of results")
    given = arguments.parse_args()
    python = old_kamaki.python27()
    if python is None:
        print("kamaki: nothing run, since there is no CPython 2.7 with pip here")
        return
    packages = CACHE / f"kamaki-{old_kamaki.VERSION}"
    old_kamaki.install(python, packages)
    with tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder, whole_cloud() as whole:
        client = Client(whole, python, packages, Path(folder))
        results = run_all(client, _words(client, whole, Path(folder)))
    by = f"kamaki {old_kamaki.VERSION} under CPython 2.7"
    tables.tell(given.write, "kamaki commands", "`kamaki` ...", results, by)
    sys.exit(not all(result.good for result in results))


def run_all(client: Client, words: dict[str, str]) -> list[Result]:
    """Every command, in order; one whose wait is in vain has failed."""
    results = []
    for command in COMMANDS:
        results.append(_run(client, command, words))
        print(results[-1].line_of_log, flush=True)
    return results


def _run(client: Client, command: Command, words: dict[str, str]) -> Result:
    started, good, said = time.monotonic(), True, ""
    try:
        shown = command.keep and command.among is None
        done = client.run(command.line.format_map(words), *(_JSON if shown else ()))
        if done.returncode:
            raise AssertionError(" ".join((done.stderr or done.stdout).split()))
        if command.keep:
            words[command.keep] = _made(client, command, done.stdout)
        if command.until is not None:
            line, wanted = command.until
            client.wait(line.format_map(words), _filled(wanted, words))
    except (AssertionError, KeyError, StopIteration, json.JSONDecodeError) as error:
        good, said = False, str(error)
    return Result(command.line, good, time.monotonic() - started, said, command.reason)


def _filled(text: str, words: dict[str, str]) -> str:
    """As ``str.format_map``, in a text that may have braces of its own."""
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return text


def _made(client: Client, command: Command, output: str) -> str:
    """The id of what a command made. Some things are shown as a list of one, and some not at all."""
    if command.among is None:
        shown = json.loads(output)
        return str((shown[0] if isinstance(shown, list) else shown)["id"])
    line, key, value = command.among
    return next(str(row["id"]) for row in client.json(line) if row[key] == value)


def _words(client: Client, whole: Whole, folder: Path) -> dict[str, str]:
    """What the commands name that is different in every cloud."""
    file = folder / "f"
    file.write_bytes(os.urandom(5 * 1024 * 1024))
    return {
        "flavor": _id_of(client.json("flavor list"), FLAVOR),
        "image": whole.ids[IMAGE],
        "public": _id_of(client.json("network list"), PUBLIC),
        "volume_type": str(client.json("volume types")[0]["id"]),
        "key": shlex.quote(whole.cloud.key.with_suffix(".pub").read_text().strip()),
        "file": str(file),
        "folder": str(folder),
    }


def _id_of(rows: Sequence[dict[str, Any]], name: str) -> str:
    return next(str(row["id"]) for row in rows if row["name"] == name)


if __name__ == "__main__":
    main()
