"""Network cards of an instance: in its command line, and put into or taken out of a running QEMU.

Owns how a card is described and changed while the guest runs. The cable's other end is the fabric's;
whether an instance is on, and its lock, are the caller's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import BackendError, InstanceSpec, Nic
from synnefo.cyclades.backends.local import qmp, slots
from synnefo.cyclades.backends.local.layout import Home

#: The text of a netdev, and the open tap where there is a real one.
Cable = AbstractContextManager[tuple[str, int | None]]
#: How long a guest may take to let go of a card; then the card stays, without a cable, until it is off.
_LET_GO_S = 5.0
_LOOK_S = 0.1
_TALK_S = 15.0


def arguments(spec: InstanceSpec, netdevs: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """QEMU's arguments for the cards that are there from the start; ``places`` are their slots."""
    seats = slots.assign([device(nic.name) for nic in spec.nics], slots.CARDS, places)
    found = []
    for nic in spec.nics:
        card = device(nic.name)
        where = f",bus={seats[card]}" if card in seats else ""
        found.append(f"virtio-net-pci,id={card},netdev={nic.name},mac={nic.mac},romfile={where}")
    return [*netdevs, *(word for card in found for word in ("-device", card))]


def put_in(home: Home, nic: Nic, cable: Cable) -> None:
    """Give a running guest a card, unless it has it; only then the cable is asked for.

    Raises BackendError if there is no slot left, BackendUnavailable if QEMU does not answer.
    """

    async def talk(client: QMPClient) -> None:
        if device(nic.name) in await slots.devices(client):
            return
        slot = await slots.free(client, slots.CARDS, "network card")
        with contextlib.suppress(ExecuteError):  # left by a call that was cut off
            await client.execute("netdev_del", {"id": nic.name})
        with cable as (netdev, tap):
            await _lay_cable(client, nic.name, netdev, tap)
        card = {"driver": "virtio-net-pci", "id": device(nic.name), "netdev": nic.name, "mac": nic.mac}
        await client.execute("device_add", {**card, "romfile": "", "bus": slot})

    _talk(home, talk, f"plugging {nic.name}")


def take_out(home: Home, nic_name: str) -> None:
    """Take a card from a running guest; at least its cable. Absent is success."""

    async def talk(client: QMPClient) -> None:
        card = device(nic_name)
        with contextlib.suppress(ExecuteError):  # absent, or asked before
            await client.execute("device_del", {"id": card})
        for _ in range(int(_LET_GO_S / _LOOK_S)):
            if card not in await slots.devices(client):
                break
            await asyncio.sleep(_LOOK_S)
        with contextlib.suppress(ExecuteError):
            await client.execute("netdev_del", {"id": nic_name})

    _talk(home, talk, f"unplugging {nic_name}")


def _talk(home: Home, talk: qmp.Talk[None], what: str) -> None:
    try:
        qmp.converse(home.qmp, talk, what, timeout_s=_TALK_S)
    except ExecuteError as refusal:
        raise BackendError(f"{home.name}: {what}: {refusal}") from refusal


async def _lay_cable(client: QMPClient, name: str, netdev: str, tap: int | None) -> None:
    if tap is None:
        # QEMU's own network: its options have one form for people only.
        said = await client.execute("human-monitor-command", {"command-line": f"netdev_add {netdev}"})
        if said:
            raise BackendError(f"{name}: {str(said).strip()}")
        return
    client.send_fd_scm(tap)
    await client.execute("getfd", {"fdname": name})
    await client.execute("netdev_add", {"type": "tap", "id": name, "fd": name})


def device(nic_name: str) -> str:
    """The id of a card."""
    return f"card-{nic_name}"
