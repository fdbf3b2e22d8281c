"""dnsmasq as a daemon of its own: one a tenant network (DHCP, DNS), and the host's forwarder.

Owns the life of the processes and their files; what a network's is told stands in ``dhcp``. A daemon
belongs to no other process: it outlives the dispatcher, is found again by its pid file, and is started
anew if it died.

Its files are in the runtime directory (``/run``), not in the state directory: dnsmasq gives up its
rights after start and must still be able to read its hosts again.
"""

from __future__ import annotations

import grp
import os
import pwd
import select
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import AddressPlan

STOP_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Settings:
    """What one daemon is told: its options, and the two files that it rereads on SIGHUP."""

    options: tuple[str, ...]
    hosts: str = ""
    names: str = ""


class Dnsmasq:
    """The daemon whose files are in ``directory``, running in the namespace ``netns``."""

    def __init__(self, directory: Path, netns: str | None) -> None:
        self._directory = directory
        self._netns = netns
        self._conf = directory / "dnsmasq.conf"
        self._pid_file = directory / "dnsmasq.pid"

    @property
    def pid(self) -> int | None:
        """The running daemon's process id, or None."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if f"--conf-file={self._conf}".encode() in command else None

    def apply(self, settings: Settings) -> None:
        """Have the daemon run with these settings: start, restart, reread or leave it, as needed."""
        user, group = _account()
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        os.chown(self._directory, 0, grp.getgrnam(group).gr_gid)
        options = [
            *settings.options, "no-hosts", "bind-interfaces", f"user={user}", f"group={group}",
            f"pid-file={self._pid_file}", f"log-facility={self._directory / 'dnsmasq.log'}",
            f"addn-hosts={self._directory / 'names'}", f"dhcp-hostsfile={self._directory / 'hosts'}",
        ]  # fmt: skip
        forgets = self._forgets(settings.hosts)
        renewed = self._write("dnsmasq.conf", "\n".join([*options, ""])) or forgets
        changed = [self._write("hosts", settings.hosts), self._write("names", settings.names)]
        pid = self.pid
        if pid is not None and not renewed:
            if any(changed):
                os.kill(pid, signal.SIGHUP)
            return
        self._halt()
        namespaces.inside(self._netns, lambda: namespaces.run("dnsmasq", f"--conf-file={self._conf}"))

    def stop(self) -> None:
        """End the daemon and remove its files; absent is success."""
        self._halt()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _halt(self) -> None:
        if (pid := self.pid) is None:
            return
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], STOP_TIMEOUT_S)[0]:
                    return
        except ProcessLookupError:
            return
        finally:
            os.close(handle)

    def _forgets(self, hosts: str) -> bool:
        """Whether a host is gone. Only a daemon that starts anew gives its address to another one."""
        file = self._directory / "hosts"
        return file.is_file() and not set(file.read_text().splitlines()) <= set(hosts.splitlines())

    def _write(self, name: str, text: str) -> bool:
        """Whether the file's content changed."""
        file = self._directory / name
        if file.is_file() and file.read_text() == text:
            return False
        draft = file.with_suffix(".new")
        draft.write_text(text)
        draft.chmod(0o644)
        draft.replace(file)
        return True


def forwarder(plan: AddressPlan, resolv_conf: Path) -> Settings:
    """The host's daemon: answers on the transit gateway what the host's own name servers say."""
    return Settings((f"listen-address={plan.gateway}", f"resolv-file={resolv_conf}", "domain-needed"))


def _account() -> tuple[str, str]:
    """The user and group that the daemons run as."""
    for user in ("dnsmasq", "nobody"):
        try:
            return user, grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        except KeyError:
            continue
    return "root", "root"
