"""The places of an instance's machine that cards and disks come into and leave while the guest runs.

Owns their names, how many there are, and who sits where. A q35 machine lets devices come and go in PCIe
root ports only, so some are there from the start. Guests name their disks in the order of these places,
so what the guest is told by disk sits behind the volumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qemu.qmp import QMPClient

from synnefo.cyclades.backends.base import BackendError

CARDS = tuple(f"slot{number}" for number in range(8))
BAYS = tuple(f"bay{number}" for number in range(14))
#: For the seed and the configuration drive.
TAILS = ("tail0", "tail1")
_FUNCTIONS = 8
_FIRST_BAY_ADDRESS, _FIRST_BAY_CHASSIS = 0x14, 32


def arguments() -> list[str]:
    """QEMU's arguments for all places."""
    ports = [
        f"pcie-root-port,id={slot},chassis={number},slot={number}"
        for number, slot in enumerate(CARDS, start=1)
    ]
    for number, slot in enumerate((*BAYS, *TAILS)):
        address, function = divmod(number, _FUNCTIONS)
        where = f"addr={_FIRST_BAY_ADDRESS + address:#x}.{function:#x}"
        shared = ",multifunction=on" if function == 0 else ""
        chassis = _FIRST_BAY_CHASSIS + number
        ports.append(f"pcie-root-port,id={slot},chassis={chassis},slot={chassis},{where}{shared}")
    return [word for port in ports for word in ("-device", port)]


def assign(devices: Sequence[str], slots: Sequence[str], taken: Mapping[str, str]) -> dict[str, str]:
    """Places of devices: where they sat (``taken``), else the first free ones, as far as there are any."""
    found = {device: taken[device] for device in devices if device in taken}
    free = (slot for slot in slots if slot not in found.values())
    for device in devices:
        if device not in found and (slot := next(free, None)):
            found[device] = slot
    return found


async def devices(client: QMPClient) -> set[str]:
    """The ids of devices that have one."""
    found: Any = await client.execute("qom-list", {"path": "/machine/peripheral"})
    return {entry["name"] for entry in found}


async def occupied(client: QMPClient) -> dict[str, str]:
    """Device and the place it sits in."""
    return {device["qdev_id"]: slot for slot, inside in (await _ports(client)).items() for device in inside}


async def free(client: QMPClient, slots: Iterable[str], what: str) -> str:
    """An empty place. Raises BackendError."""
    ports = await _ports(client)
    for slot in slots:
        if slot in ports and not ports[slot]:
            return slot
    raise BackendError(f"No slot for another {what}; stop the server and start it again")


async def _ports(client: QMPClient) -> dict[str, list[dict[str, Any]]]:
    buses: Any = await client.execute("query-pci")
    return {
        device["qdev_id"]: device.get("pci_bridge", {}).get("devices", [])
        for bus in buses
        for device in bus["devices"]
        if "pci_bridge" in device
    }
