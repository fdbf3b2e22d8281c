"""Machines for the network's tests: guests and a world, each a network namespace.

A guest is a namespace with a veth whose other end has a NIC's name and lies in the fabric, where
``NamespaceFabric.plug`` takes it for the NIC's tap.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from synnefo.cyclades.backends.base import Nic
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

DEADLINE_S = 10.0
WORLD = "203.0.113.1"


def run(*argv: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=30, check=False)
    assert not check or done.returncode == 0, f"{' '.join(argv)}: {done.stdout}{done.stderr}"
    return done


def eventually(holds: Callable[[], object], deadline_s: float = DEADLINE_S) -> bool:
    """Whether it comes to hold before the deadline."""
    end = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def fetch(url: str, timeout_s: float = 3) -> str:
    """The page's text as seen from the host, or "" if it cannot be had in time."""
    return _page(run("curl", "-sf", "--max-time", str(timeout_s), url, check=False))


def _page(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout if done.returncode == 0 else ""


class Machine:
    """A network namespace with processes of its own."""

    def __init__(self, netns: str) -> None:
        self.netns = netns
        self._started: list[subprocess.Popen[bytes]] = []
        run("ip", "netns", "add", netns)
        self.ip("link", "set", "lo", "up")

    def ip(self, *argv: str) -> str:
        return run("ip", "-n", self.netns, *argv).stdout

    def exec(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return run(*self._within(argv), check=False)

    def start(self, *argv: str) -> None:
        null = subprocess.DEVNULL
        self._started.append(subprocess.Popen(self._within(argv), stdout=null, stderr=null))

    def serve(self, directory: Path, text: str, port: int = 80) -> None:
        """A web server: ``/`` says ``text``, ``/cgi-bin/caller`` the address it is called from."""
        caller = directory / "cgi-bin" / "caller"
        caller.parent.mkdir(parents=True, exist_ok=True)
        caller.write_text('#!/bin/sh\nprintf "Content-type: text/plain\\r\\n\\r\\n$REMOTE_ADDR"\n')
        caller.chmod(0o755)
        (directory / "index.html").write_text(text)
        self.start("busybox", "httpd", "-f", "-p", f"0.0.0.0:{port}", "-h", str(directory))
        assert eventually(lambda: self.fetch(f"http://127.0.0.1:{port}/") == text)

    def fetch(self, url: str, timeout_s: float = 3) -> str:
        """The page's text, or "" if it cannot be had in time."""
        return _page(self.exec("curl", "-sf", "--max-time", str(timeout_s), url))

    def pings(self, address: str) -> bool:
        return self.exec("ping", "-c1", "-W1", address).returncode == 0

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        run("ip", "netns", "delete", self.netns)

    def _within(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.netns}", *argv)


class Guest(Machine):
    """A guest with one NIC, ``eth0``, plugged into the fabric; it has no address until it asks."""

    def __init__(self, fabric: NamespaceFabric, tag: str, directory: Path, nic: Nic) -> None:
        super().__init__(f"{tag}-guest-{nic.name}")
        self.nic = nic
        self._fabric = fabric
        self._directory = directory
        self._script = directory / f"{nic.name}.script"
        self._told = directory / f"{nic.name}.told"
        wire = f"type veth peer name eth0 address {nic.mac} netns {self.netns}"
        run("ip", "-n", f"syn-{tag}-fab", "link", "add", nic.name, *wire.split())
        self.ip("link", "set", "eth0", "up")
        fabric.plug(nic)

    def dhcp(self, tries: int = 5) -> dict[str, str]:
        """Ask for an address and take it; what was told (ip, router, dns, hostname, ...), or {}."""
        self._script.write_text(
            f'#!/bin/sh\n[ "$1" = bound ] || exit 0\nenv > {self._told}\n'
            'ip address replace "$ip/$mask" dev eth0\n'
            '[ -z "$router" ] || ip route replace default via "$router"\n'
        )
        self._script.chmod(0o755)
        self._told.unlink(missing_ok=True)
        options = ["-i", "eth0", "-f", "-n", "-q", "-t", str(tries), "-T1", "-O", "staticroutes"]
        self.exec("busybox", "udhcpc", *options, "-s", str(self._script))
        if not self._told.exists():
            return {}
        return dict(line.split("=", 1) for line in self._told.read_text().splitlines() if "=" in line)

    def says(self, text: str) -> None:
        """Serve ``text`` on port 80."""
        self.serve(self._directory / f"{self.nic.name}.www", text)

    def resolve(self, name: str, server: str) -> str:
        """The IPv4 address of a name, or ""."""
        lines = self.exec("busybox", "nslookup", "-type=a", name, server).stdout.splitlines()
        found = [line.split()[-1] for line in lines[2:] if line.startswith("Address")]
        return found[0] if found else ""

    def end(self) -> None:
        self._fabric.unplug(self.nic.name)
        super().end()


class World(Machine):
    """The host's way out: a neighbour with the address 203.0.113.1, a web and a name server."""

    def __init__(self, tag: str, directory: Path) -> None:
        super().__init__(f"{tag}-world")
        run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        run("ip", "-batch", "-", stdin="address add 203.0.113.2/24 dev eth0\nlink set eth0 up\n"
            f"route add default via {WORLD}\n")  # fmt: skip
        self.ip("address", "add", f"{WORLD}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        self.serve(directory / "www", "the world")
        names = f"--listen-address={WORLD} --bind-interfaces --address=/www.example.org/{WORLD}"
        apart = f"--conf-file=/dev/null --pid-file={directory / 'pid'} --user=root --no-hosts --no-resolv"
        self.start("dnsmasq", "--keep-in-foreground", *names.split(), *apart.split())
        # Not in pytest's directory: the forwarder, without rights by then, must be able to read it.
        self.resolv_conf = Path(tempfile.gettempdir(), f"{tag}-resolv.conf")
        self.resolv_conf.write_text(f"nameserver {WORLD}\n")

    def end(self) -> None:
        self.resolv_conf.unlink()
        super().end()
