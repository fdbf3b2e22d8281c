"""PUT, GET and lists of objects on OpenStack Swift beside the product, in turns, by the same client.

Swift comes from PyPI into a virtual environment of its own below the user's cache directory. It is a whole
one on this machine: one replica on the same disk as the product's blocks, tempauth, two proxy and two object
processes, memcached. The product serves its Swift face with the processes and the database of a real cloud.
Both make the same answers to the same requests.
"""

from __future__ import annotations

import dataclasses
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.common import Client, Figure, Web, free_places, median, tell, web_alone
from bench.object_load import Connection, Load, Work, run
from tests.cloud import wait_until

VERSION = "2.38.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "synnefo-bench"
USER, KEY = "bench:bench", "bench-key-1"
KIB, MIB, GIB = 1024, 1024**2, 1024**3
ROUNDS, WARM_UP_S = int(os.environ.get("BENCH_ROUNDS", "3")), 2.0
SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
LISTED, LISTS_A_ROUND, LIST_AIM = 10_000, 10, 10
KNOWN_AIM_S = 1.0

#: Size, connections, how many are there to be read, and how many times Swift's rates are aimed at.
SIZES = (
    ("1 KiB", KIB, 8, 1000, 5.0, 10.0),
    ("1 MiB", MIB, 8, 64, None, 4.0),
    ("64 MiB", 64 * MIB, 2, 8, 1.3, 3.0),
)
IN_BLOCKS_AIM = 3.0

SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = {workers}
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
log_level = ERROR
log_address = {folder}/log
[pipeline:main]
pipeline = {pipeline}
[app:{kind}-server]
use = egg:swift#{kind}
"""
PIPELINE = (
    "catch_errors gatekeeper healthcheck proxy-logging cache listing_formats tempauth copy "
    "slo dlo versioned_writes proxy-logging proxy-server"
)
PROXY = """
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_bench_bench = {key} .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = {memcached}
"""
PLAIN_FILTERS = (
    "catch_errors", "gatekeeper", "healthcheck", "proxy_logging", "listing_formats", "copy", "slo", "dlo",
    "versioned_writes",
)  # fmt: skip
#: Servers behind the proxy and how many processes each has; these are no bottleneck but for objects.
BEHIND = (("account", 1), ("container", 1), ("object", 2))


@dataclasses.dataclass(frozen=True)
class Store:
    """An object store to be measured; ``base`` is its account's path."""

    name: str
    place: str
    token: str
    base: str

    def work(self, path: str, method: str, size_bytes: int, connections: int, count: int = 0) -> Work:
        return Work(
            self.place, self.token, f"{self.base}/{path}", method, size_bytes, SECONDS, connections, count
        )

    def client(self) -> Client:
        return Client(self.place, self.token)


def main() -> None:
    programs = _installed()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synnefo-bench-")))
        swift = stack.enter_context(_serving(programs, folder))
        with web_alone("objects") as web:
            ours = _our_store(web)
            for size in SIZES:
                _compare(ours, swift, *size)
            _compare_lists(ours, swift)
            _known_blocks(ours)
            tell(Figure("memory of the processes that served all this", _memory_mib(web), "MiB"))
        os.environ["PITHOS_INLINE_BYTES"] = "0"
        with web_alone("objects") as web:
            name, size_bytes, connections, count, _, aim = SIZES[0]
            ours = _our_store(web, "in blocks")
            _compare(ours, swift, f"{name} in blocks", size_bytes, connections, count, IN_BLOCKS_AIM, aim)


def _our_store(web: Web, more: str = "") -> Store:
    from bench import seed

    owner = seed.person(f"swift{more.replace(' ', '')}")
    return Store("Synnefo", web.place, seed.login(owner), f"/pithos/object-store/swift/v1/AUTH_{owner.uuid}")


def _compare(
    ours: Store, swift: Store, name: str, size_bytes: int, connections: int, count: int,
    put_aim: float | None, get_aim: float | None,
) -> None:  # fmt: skip
    container = name.replace(" ", "")
    for store in (ours, swift):
        store.client().call("PUT", f"{store.base}/{container}")
        store.client().call("PUT", f"{store.base}/{container}-read")
        writer = Connection(store.work(f"{container}-read/", "PUT", size_bytes, 1), 0)
        assert all(writer.put(number) == 201 for number in range(count))
    for method, path, aim in (("PUT", f"{container}/", put_aim), ("GET", f"{container}-read/", get_aim)):
        works = [store.work(path, method, size_bytes, connections, count) for store in (ours, swift)]
        here, there = _in_turns(works)
        for store, rounds in ((ours, here), (swift, there)):
            tell(_figure(f"{store.name}: {method} {name}", rounds, size_bytes))
        ratio = round(_rate(here) / _rate(there), 2)
        tell(Figure(f"Synnefo over Swift {VERSION}: {method} {name}", ratio, "times", aim))


def _in_turns(works: list[Work]) -> list[list[Load]]:
    """Rounds of all, in turns, so that what else the machine does meets all alike."""
    rounds: list[list[Load]] = [[] for _ in works]
    for number in range(ROUNDS + 1):
        for done, work in zip(rounds, works, strict=True):
            path = f"{work.path}{number}-" if work.method == "PUT" else work.path
            seconds = work.seconds if number else WARM_UP_S
            load = run(dataclasses.replace(work, path=path, seconds=seconds))
            assert not load.rejected, load
            done += [load] if number else []
    return rounds


def _rate(rounds: list[Load]) -> float:
    return median([one.per_second for one in rounds])


def _figure(name: str, rounds: list[Load], size_bytes: int) -> Figure:
    more = {
        "rounds": [one.per_second for one in rounds],
        "p50_ms": median([one.p50_ms for one in rounds]),
        "p99_ms": median([one.p99_ms for one in rounds]),
    }
    if size_bytes < MIB:
        return Figure(name, _rate(rounds), "requests/s", None, more)
    return Figure(name, round(_rate(rounds) * size_bytes / 1e6, 1), "MB/s", None, more)


def _compare_lists(ours: Store, swift: Store) -> None:
    """In turns, too: several lists by each, as who looks again and again asks for them."""
    stores = (ours, swift)
    for store in stores:
        store.client().call("PUT", f"{store.base}/listed")
        writer = Connection(store.work("listed/photos/2031/holidays-", "PUT", 0, 1), 0)
        assert all(writer.put(number) == 201 for number in range(LISTED))
    took_ms: list[list[float]] = [[] for _ in stores]
    for _ in range(ROUNDS):
        for store, took in zip(stores, took_ms, strict=True):
            client, path = store.client(), f"{store.base}/listed?format=json&limit={LISTED}"
            assert len(client.call("GET", path)[1]) == LISTED
            took += [1000 * client.call("GET", path)[0] for _ in range(LISTS_A_ROUND)]
    here, there = map(median, took_ms)
    for store, middle in zip(stores, (here, there), strict=True):
        tell(Figure(f"{store.name}: a JSON list of {LISTED:,}", round(middle, 1), "ms"))
    ratio = round(there / here, 2)
    tell(Figure(f"Synnefo over Swift {VERSION}: a JSON list of {LISTED:,}", ratio, "times", LIST_AIM))


def _known_blocks(ours: Store) -> None:
    """A file of 1 GiB of which all blocks are there already: only its hash map is sent."""
    base = ours.base.replace("swift/v1/AUTH_", "v1/")
    client = ours.client()
    container = f"{base}/64MiB-read"
    hashes = [
        client.call("GET", f"{container}/{number}?hashmap&format=json")[1]["hashes"] for number in range(8)
    ]
    known = [text for row in hashes for text in row]
    count = GIB // (4 * MIB)
    body = {"bytes": GIB, "hashes": (known * -(-count // len(known)))[:count]}
    took_s = [client.call("PUT", f"{container}/gib{number}?hashmap", body)[0] for number in range(5)]
    tell(Figure("Synnefo: 1 GiB of known blocks", round(median(took_s), 3), "s", KNOWN_AIM_S))


def _memory_mib(web: Web) -> float:
    """What all web processes have taken at their worst, memory that they share counted for each."""
    children = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
    lines = [line for pid in children for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return round(sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)


def _installed() -> Path:
    """The directory of the programs of an environment with Swift."""
    programs = CACHE / f"swift-{VERSION}" / "bin"
    if not (programs / "swift-proxy-server").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(programs.parent)], check=True)
        packages = [f"swift=={VERSION}", "setuptools<81"]
        subprocess.run([str(programs / "pip"), "install", "-q", *packages], check=True, stdout=sys.stderr)
    return programs


@contextmanager
def _serving(programs: Path, folder: Path) -> Iterator[Store]:
    """Swift with its rings, in a directory of its own."""
    ports = (int(place.rpartition(":")[2]) for place in free_places())
    memcached, proxy = next(ports), next(ports)
    behind = [(kind, workers, next(ports)) for kind, workers in BEHIND]
    _configure(folder, memcached, proxy, behind)
    for kind, _, port in behind:
        _make_ring(programs, folder, kind, port)
    program = shutil.which("memcached")
    assert program, "run this first: sudo apt-get install memcached"
    command = [program, "-u", "root", "-l", "127.0.0.1", "-p", str(memcached)]
    with ExitStack() as stack:
        stack.enter_context(_running(command, folder / "memcached.out"))
        for kind in (*(kind for kind, _, _ in behind), "proxy"):
            command = [str(programs / f"swift-{kind}-server"), str(folder / f"{kind}.conf")]
            stack.enter_context(_running(command, folder / f"{kind}.out"))
        place = f"127.0.0.1:{proxy}"
        wait_until("Swift", lambda: _answers(place), timeout_s=60)
        yield _signed_in(place)


def _configure(folder: Path, memcached: int, proxy: int, behind: list[tuple[str, int, int]]) -> None:
    (folder / "devices" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = bench\n")
    for kind, workers, port in behind:
        (folder / f"{kind}.conf").write_text(_server(kind, port, workers, folder, f"{kind}-server"))
    text = _server("proxy", proxy, 2, folder, PIPELINE)
    text += PROXY.format(key=KEY, memcached=f"127.0.0.1:{memcached}")
    for name in PLAIN_FILTERS:
        text += f"[filter:{name.replace('proxy_logging', 'proxy-logging')}]\nuse = egg:swift#{name}\n"
    (folder / "proxy.conf").write_text(text)


def _server(kind: str, port: int, workers: int, folder: Path, pipeline: str) -> str:
    user = getpass.getuser()
    return SERVER.format(
        kind=kind, port=port, workers=workers, user=user, folder=folder, pipeline=pipeline
    )  # fmt: skip


def _make_ring(programs: Path, folder: Path, kind: str, port: int) -> None:
    builder = [str(programs / "swift-ring-builder"), str(folder / f"{kind}.builder")]
    for words in (
        ("create", "8", "1", "0"),
        ("add", "--region", "1", "--zone", "1", "--ip", "127.0.0.1", "--port", str(port),
         "--device", "d1", "--weight", "1"),
        ("rebalance",),
    ):  # fmt: skip
        subprocess.run([*builder, *words], cwd=folder, check=True, capture_output=True, timeout=60)


@contextmanager
def _running(command: list[str], output: Path) -> Iterator[None]:
    environment = {**os.environ, "SWIFT_DIR": str(output.parent), "PYTHONWARNINGS": "ignore"}
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=output.parent, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # its workers, too
        process.wait(30)


def _answers(place: str) -> bool:
    with suppress(OSError, AssertionError):
        Client(place).call("GET", "/info")
        return True
    return False


def _signed_in(place: str) -> Store:
    client = Client(place)
    client.headers |= {"X-Storage-User": USER, "X-Storage-Pass": KEY}
    client.call("GET", "/auth/v1.0")
    found = client.answered
    return Store("Swift", place, found["X-Auth-Token"], "/" + found["X-Storage-Url"].split("/", 3)[3])


if __name__ == "__main__":
    main()
