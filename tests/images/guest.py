"""A virtual machine for tests of images: QEMU with user networking, a seed disk, SSH and QMP."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import pycdlib

Value = TypeVar("Value")


def eventually(ask: Callable[[], Value], *, timeout_s: float, what: str | Callable[[], str]) -> Value:
    """Ask until the answer is true; the answer. Fails the test when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not (answer := ask()):
        in_time = time.monotonic() < deadline
        assert in_time, f"not within {timeout_s} s: {what() if callable(what) else what}"
        time.sleep(0.05)
    return answer


def make_seed(
    path: Path, *, meta_data: str, user_data: str = "", network_config: str = "version: 2\n"
) -> Path:
    """A NoCloud seed like the one the local backend makes."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    files = {"meta-data": meta_data, "user-data": user_data, "network-config": network_config}
    for name, text in files.items():
        content = text.encode()
        iso_name = "/" + name.upper().replace("-", "_") + ".;1"
        iso.add_fp(io.BytesIO(content), len(content), iso_name, rr_name=name, joliet_path=f"/{name}")
    iso.write(str(path))
    iso.close()
    return path


def make_key(folder: Path, name: str = "id") -> tuple[Path, str]:
    """A new SSH key: the private file and the public line."""
    private = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test key", "-f", str(private)]
    subprocess.run(command, check=True, timeout=30)
    return private, private.with_suffix(".pub").read_text().strip()


def free_port() -> int:
    """A TCP port below the ephemeral range."""
    for port in range(21000 + os.getpid() % 5000, 32000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class Guest:
    """One run of a virtual machine on a disk."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int, key: Path) -> None:
        self.process = process
        self.folder = folder
        self.port = port
        self.key = key
        self._qmp: IO[Any] | None = None

    def serial(self) -> str:
        return (self.folder / "serial.log").read_text(errors="replace")

    def run(self, command: str, *, user: str = "root", timeout_s: float = 20, check: bool = True) -> str:
        """What a command prints, run over SSH with the key."""
        done = self.ssh(command, user=user, timeout_s=timeout_s)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def ssh(
        self, command: str, *, user: str = "root", timeout_s: float = 20
    ) -> subprocess.CompletedProcess[str]:
        options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "BatchMode=yes",
        ]
        words = [
            word for option in [*options, "ConnectTimeout=2", "IdentitiesOnly=yes"] for word in ("-o", option)
        ]
        target = [f"{user}@127.0.0.1", "-p", str(self.port), "-i", str(self.key)]
        return subprocess.run(
            ["ssh", *words, *target, command], capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def host_key(self) -> str:
        """The Ed25519 key that the guest shows."""
        command = ["ssh-keyscan", "-t", "ed25519", "-p", str(self.port), "127.0.0.1"]
        key = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        assert "ssh-ed25519" in key
        return key

    def accepts_password(self, user: str, password: str) -> bool:
        """Whether SSH lets the user in by password alone."""
        ask = self.folder / "askpass"
        ask.write_text(f"#!/bin/sh\necho '{password}'\n")
        ask.chmod(0o700)
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "PubkeyAuthentication=no"]
        words = [word for option in [*options, "NumberOfPasswordPrompts=1"] for word in ("-o", option)]
        environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        command = ["ssh", *words, "-p", str(self.port), f"{user}@127.0.0.1", "true"]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    def wait_for_ssh(self, *, timeout_s: float = 90, user: str = "root") -> None:
        def answers() -> bool:
            assert self.process.poll() is None, f"QEMU ended: {self.serial()[-2000:]}"
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                # The forwarded port accepts at once; only the guest sends the greeting.
                with socket.create_connection(("127.0.0.1", self.port), timeout=0.3) as probe:
                    if not probe.recv(4).startswith(b"SSH"):
                        return False
                return self.ssh("true", user=user, timeout_s=10).returncode == 0
            return False

        eventually(answers, timeout_s=timeout_s, what=lambda: f"SSH login; console: {self.serial()[-1500:]}")

    def wait_for_console(self, text: str, *, timeout_s: float = 60) -> None:
        eventually(lambda: text in self.serial(), timeout_s=timeout_s, what=f"{text!r} on the console")

    def qmp(self, command: str, **arguments: Any) -> Any:
        if self._qmp is None:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(20)
                connection.connect(str(self.folder / "qmp.sock"))
                self._qmp = connection.makefile("rw", encoding="utf-8")
            self._qmp.readline()
            self._order("qmp_capabilities")
        return self._order(command, arguments)

    def _order(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        assert self._qmp is not None
        self._qmp.write(json.dumps({"execute": command, "arguments": arguments or {}}) + "\n")
        self._qmp.flush()
        while True:
            answer = json.loads(self._qmp.readline())
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def close(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)
        if self._qmp is not None:
            self._qmp.close()

    def type_keys(self, text: str) -> None:
        """Press keys on the virtual keyboard: small letters, digits, blank, dash, newline."""
        names = {" ": "spc", "-": "minus", "\n": "ret", "/": "slash", ".": "dot"}
        for letter in text:
            key = [{"type": "qcode", "data": names.get(letter, letter)}]
            self.qmp("send-key", keys=key, **{"hold-time": 20})

    def ended(self) -> bool:
        return self.process.poll() is not None


@contextlib.contextmanager
def booted(
    disk: Path,
    folder: Path,
    key: Path,
    *,
    seed: Path | None = None,
    cdrom: bool = False,
    machine: str = "q35",
    ram_mib: int = 128,
    vcpus: int = 1,
    tb_size_mib: int = 64,
    network: str = "",
) -> Iterator[Guest]:
    """A running virtual machine; it is killed at the end if it has not powered off by itself."""
    folder.mkdir(exist_ok=True)
    (folder / "serial.log").unlink(missing_ok=True)
    port = free_port()
    command = ["qemu-system-x86_64", "-accel", f"tcg,thread=multi,tb-size={tb_size_mib}", "-machine", machine]
    command += ["-nodefaults", "-vga", "std", "-m", str(ram_mib), "-smp", str(vcpus), "-display", "none"]
    command += ["-drive", f"file={disk},if=none,id=root,format=qcow2,discard=unmap,detect-zeroes=unmap"]
    command += ["-device", "virtio-blk-pci,drive=root,bootindex=0"]
    if seed is not None:
        command += [
            "-drive",
            f"file={seed},if=none,id=seed,format=raw,readonly=on" + (",media=cdrom" if cdrom else ""),
        ]
        command += ["-device", "ide-cd,drive=seed" if cdrom else "virtio-blk-pci,drive=seed"]
    command += [
        "-netdev",
        f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:22" + (f",{network}" if network else ""),
    ]
    command += ["-device", "virtio-net-pci,netdev=net0,romfile=", "-device", "virtio-rng-pci"]
    command += ["-serial", f"file:{folder}/serial.log", "-qmp", f"unix:{folder}/qmp.sock,server=on,wait=off"]
    with (folder / "qemu.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    guest = Guest(process, folder, port, key)
    try:
        eventually(
            lambda: (folder / "serial.log").exists() and (folder / "qmp.sock").exists(),
            timeout_s=20,
            what=lambda: f"QEMU starts: {(folder / 'qemu.log').read_text()}",
        )
        yield guest
    finally:
        guest.close()
