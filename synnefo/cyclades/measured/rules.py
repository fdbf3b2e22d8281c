"""What a server has used, out of the samples that its engine keeps. Changes nothing."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import ServiceUnavailable
from synnefo.common.transactions import forbid_in_transaction
from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, Sample
from synnefo.cyclades.backends.registry import engine
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server


@dataclasses.dataclass(frozen=True)
class Use:
    """What a server used from ``start`` to ``end``: per cent of all its CPUs, and bytes a second.

    ``ram_bytes`` is what it held at the end.
    """

    start: datetime.datetime
    end: datetime.datetime
    cpu_percent: float
    ram_bytes: float
    received: float
    sent: float
    read: float
    written: float


def use_of(caller: Caller, server_uuid: str, span: datetime.timedelta) -> tuple[Server, list[Use]]:
    """A server and what it used in that time, oldest first; times that nothing is known of are left out.

    Raises as ``samples_of``.
    """
    server, samples = samples_of(caller, server_uuid, span)
    return server, _uses(samples, server.flavor.cpu)


def samples_of(caller: Caller, server_uuid: str, span: datetime.timedelta) -> tuple[Server, Sequence[Sample]]:
    """A server and what its engine measured in that time, oldest first.

    Raises ItemNotFound, ServiceUnavailable (the engine does not answer).
    """
    forbid_in_transaction("reading samples")
    server = servers.get(caller, server_uuid)
    if server.backend is None:
        return server, []
    try:
        return server, engine(server.backend).samples(server.engine_name, timezone.now() - span)
    except BackendUnavailable as error:
        raise ServiceUnavailable("The server's engine does not answer now; try again.") from error
    except BackendError:
        return server, []


def summed(uses: Sequence[Use], parts: int) -> list[Use]:
    """The same in at most as many parts of equal length, each the mean of what it is made of."""
    if len(uses) <= parts:
        return list(uses)
    begin, end = uses[0].start, uses[-1].end
    step = (end - begin) / parts
    binned: dict[int, list[Use]] = {}
    for use in uses:
        binned.setdefault(min(parts - 1, int((use.end - begin) / step)), []).append(use)
    return [_mean(rows) for _, rows in sorted(binned.items())]


def _uses(samples: Iterable[Sample], cpus: int) -> list[Use]:
    """What was used between neighbours; counters that fell began anew with another run of the server."""
    found: list[Use] = []
    before: Sample | None = None
    for sample in samples:
        if before is not None and (use := _between(before, sample, cpus)) is not None:
            found.append(use)
        before = sample
    return found


def _between(before: Sample, now: Sample, cpus: int) -> Use | None:
    seconds = (now.at - before.at).total_seconds()
    grown = [
        now.cpu_s - before.cpu_s, now.rx_bytes - before.rx_bytes, now.tx_bytes - before.tx_bytes,
        now.read_bytes - before.read_bytes, now.written_bytes - before.written_bytes,
    ]  # fmt: skip
    if seconds <= 0 or min(grown) < 0:
        return None
    cpu, received, sent, read, written = (amount / seconds for amount in grown)
    return Use(
        start=before.at, end=now.at, cpu_percent=min(100.0, 100.0 * cpu / max(1, cpus)),
        ram_bytes=now.ram_mib * 2.0**20, received=received, sent=sent, read=read, written=written,
    )  # fmt: skip


def _mean(rows: Sequence[Use]) -> Use:
    """Of times of different length, weighed by it."""
    weights = [(row.end - row.start).total_seconds() for row in rows]
    names = [field.name for field in dataclasses.fields(Use) if field.name not in ("start", "end")]
    means = {
        name: sum(getattr(row, name) * weight for row, weight in zip(rows, weights, strict=True))
        / sum(weights)
        for name in names
    }
    return Use(start=rows[0].start, end=rows[-1].end, **means)
