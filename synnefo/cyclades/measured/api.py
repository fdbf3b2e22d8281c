"""What a server uses now, in compute v2.1: Nova's diagnostics, in the words of its first version."""

from __future__ import annotations

import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.faults import Conflict
from synnefo.cyclades.backends.base import Sample
from synnefo.cyclades.measured import rules
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.models import Server

router = Router()

_LATELY = datetime.timedelta(minutes=10)


@router.get("/servers/{server_id}/diagnostics")
def show_diagnostics(request: HttpRequest, server_id: str) -> HttpResponse:
    """Counters since it was switched on; none, if its engine measured nothing yet."""
    uuid = kit.known_id(server_id, "Instance")
    server, samples = rules.samples_of(kit.caller_of(request), uuid, _LATELY)
    if server.operstate != Server.Oper.STARTED:
        raise Conflict(f"Cannot 'get_diagnostics' instance {uuid} while it is in vm_state stopped")
    return kit.answer({"memory": server.flavor.ram * 1024, **(_counters(samples[-1]) if samples else {})})


def _counters(sample: Sample) -> dict[str, Any]:
    """Nanoseconds, KiB and bytes; all disks and all cards are one."""
    return {
        "cpu0_time": int(sample.cpu_s * 1e9),
        "memory-rss": sample.ram_mib * 1024,
        "vda_read": sample.read_bytes,
        "vda_write": sample.written_bytes,
        "vnet0_rx": sample.rx_bytes,
        "vnet0_tx": sample.tx_bytes,
    }
