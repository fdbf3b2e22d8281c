"""The command line of an instance's QEMU.

Owns which virtual hardware a guest sees and how QEMU is confined. Starts nothing.

The serial port is appended to ``console.log``; the follower gives the disk blocks of its middle back at
each look (``layout.forget_middle``), so that a chatty guest holds half a MiB. While no process follows,
the file grows as the guest writes. A ring in QEMU's memory would be bounded then too, but loses the last
words of a guest that crashed; a pipe to a logger stalls the guest's serial port while the logger is away.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synnefo.cyclades.backends.base import InstanceSpec
from synnefo.cyclades.backends.local import cards, drives, slots, tools
from synnefo.cyclades.backends.local.accel import Accelerator
from synnefo.cyclades.backends.local.drives import Drive
from synnefo.cyclades.backends.local.layout import Home

_NAMES = uuid.UUID("5f0c2d1e-7a2b-4c55-9d4b-3c1f6f0f5a11")


@dataclass(frozen=True)
class Confinement:
    """``run_as`` is ``uid:gid`` to change to once all files are open, or None to stay who we are."""

    run_as: str | None
    nice: int

    @classmethod
    def default(cls) -> Confinement:
        # An instance's directory is root's alone: QEMU holds what it was given open and reaches nothing else.
        return cls(run_as="65534:65534" if os.geteuid() == 0 else None, nice=5)

    def prefix(self) -> list[str]:
        """What QEMU's command line is put behind."""
        return ["nice", "-n", str(self.nice), "setpriv", "--no-new-privs"]

    def arguments(self) -> list[str]:
        rules = "on,obsolete=deny,spawn=deny,resourcecontrol=deny"
        if self.run_as is None:
            return ["-sandbox", f"{rules},elevateprivileges=deny"]
        # QEMU must be let change its user; no-new-privs sees to it that it cannot change back.
        return ["-sandbox", rules, "-runas", self.run_as]


@dataclass(frozen=True)
class Machine:
    """What an instance's own record does not say.

    ``places`` are where cards and disks sat, if they must sit there again.
    ``kind`` is QEMU's name of the machine; ``incoming``: it waits for a memory to go on from.
    """

    drives: Sequence[Drive]
    netdevs: Sequence[str]
    accelerator: Accelerator
    tb_size_mib: int
    confinement: Confinement
    places: Mapping[str, str]
    kind: str = "q35"
    incoming: bool = False


def command_line(home: Home, spec: InstanceSpec, machine: Machine) -> list[str]:
    """QEMU's arguments, to be run in ``home.path``: names of sockets are of limited length, so relative."""
    tcg = f"tcg,thread=multi,tb-size={machine.tb_size_mib}"
    accelerator = machine.accelerator
    return [
        tools.QEMU,
        *("-name", f"guest={spec.name}", "-uuid", str(uuid.uuid5(_NAMES, spec.guest.instance_id))),
        *("-nodefaults", "-no-user-config", "-machine", machine.kind, "-pidfile", home.pidfile.name),
        *("-accel", tcg if accelerator.name == "tcg" else "kvm", "-cpu", accelerator.cpu),
        *("-smp", str(spec.vcpus), "-m", str(spec.ram_mib), "-rtc", "base=utc,driftfix=slew"),
        *("-action", "reboot=reset,shutdown=poweroff,panic=shutdown"),
        *("-smbios", "type=1,manufacturer=Synnefo,product=Cyclades"),
        *(("-incoming", "defer") if machine.incoming else ()),
        *machine.confinement.arguments(),
        *_monitors(home),
        *("-display", "none", "-vga", "std", "-vnc", f"unix:{home.vnc.name}"),
        *("-chardev", f"file,id=serial0,path={home.console.name},append=on"),
        *("-device", "isa-serial,chardev=serial0", "-device", "pvpanic"),
        *("-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0"),
        *_agent(home),
        *slots.arguments(),
        *drives.arguments(machine.drives, machine.places),
        *cards.arguments(spec, machine.netdevs, machine.places),
    ]


def _agent(home: Home) -> list[str]:
    """The way to an agent in the guest, as guests of QEMU expect it."""
    return [
        *("-chardev", f"socket,id=agent,path={home.agent.name},server=on,wait=off"),
        *("-device", "virtio-serial-pci"),
        *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
    ]


def _monitors(home: Home) -> list[str]:
    """One for commands, and the journal, which QEMU opens as the files ``journal.in`` and ``journal.out``."""
    return [
        *(
            "-chardev",
            f"socket,id=qmp,path={home.qmp.name},server=on,wait=off",
            "-mon",
            "chardev=qmp,mode=control",
        ),
        *("-chardev", "pipe,id=journal,path=journal", "-mon", "chardev=journal,mode=control"),
    ]
