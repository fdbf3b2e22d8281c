"""What is plugged into the fabric, and the bridges' rules for it.

Owns the list of plugged cards (in ``/run``: it ends with the fabric, at the latest with the running
system) and when which part of the rules is written. What the rules say is ``nft_cards``'; bridges, taps
and namespaces are the fabric's, which also holds the lock around every call that changes something.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from synnefo.cyclades.backends.base import CardFilter, NetworkSpec, Nic
from synnefo.cyclades.backends.local import nft, nft_cards
from synnefo.cyclades.backends.local.addresses import Range, network
from synnefo.cyclades.backends.local.nft_cards import Card, Change
from synnefo.cyclades.backends.local.records import Record, write
from synnefo.cyclades.backends.local.tenant import PUBLIC_BRIDGE, bridge_of


class Ports:
    """The cards of the fabric namespace ``netns``, remembered in ``file``."""

    def __init__(self, file: Path, netns: str) -> None:
        self._file = file
        self._netns = netns

    def reset(self) -> None:
        """Begin with a fabric in which nothing is plugged."""
        self._store({}, {})
        self._load(Change())

    def plugged(self) -> dict[str, Nic]:
        return self._stored()[0]

    def users(self, network_name: str) -> list[str]:
        return sorted(nic.name for nic in self.plugged().values() if nic.network == network_name)

    def plug(self, nic: Nic, record: Record[NetworkSpec]) -> None:
        """Let the card speak, and only so; the tap itself is the caller's."""
        nics, sets = self._stored()
        self._store({**nics, nic.name: nic}, sets)
        self._renew(record, [nic])

    def unplug(self, name: str) -> bool:
        """Whether it was plugged."""
        nics, sets = self._stored()
        if name not in nics:
            return False
        self._load(Change(gone=[name]))
        self._store({other: nic for other, nic in nics.items() if other != name}, sets)
        return True

    def renew(self, record: Record[NetworkSpec]) -> None:
        """Bring the rules of all cards of a network, and its sets, to what it asks for now."""
        self._renew(record, [nic for nic in self.plugged().values() if nic.network == record.spec.name])

    def forget(self, network_name: str) -> None:
        """Take away what is left of a network without cards."""
        nics, sets = self._stored()
        if stale := sets.pop(network_name, []):
            self._load(Change(gone_sets=stale))
            self._store(nics, sets)

    # -- inside ---------------------------------------------------------------------------------
    def _renew(self, record: Record[NetworkSpec], nics: Iterable[Nic]) -> None:
        wanted = nft_cards.set_names(record.index, record.spec.address_sets)
        everybody, sets = self._stored()
        stale = sorted(set(sets.get(record.spec.name, [])) - set(wanted))
        bridge = bridge_of(record)
        zones = {bridge: record.index} if bridge != PUBLIC_BRIDGE else {}
        cards = [_card(nic, record) for nic in nics]
        if stale:  # rules of all cards must let go of a set before it goes
            others = [nic for nic in everybody.values() if nic.network == record.spec.name]
            cards = [_card(nic, record) for nic in others]
        self._load(Change(cards=cards, sets=wanted, gone_sets=stale, zones=zones))
        self._store(everybody, {**sets, record.spec.name: sorted(wanted)})

    def _load(self, change: Change) -> None:
        nft.load(change.text(), self._netns)

    def _stored(self) -> tuple[dict[str, Nic], dict[str, list[str]]]:
        try:
            stored = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}, {}
        return {entry["name"]: Nic(**entry) for entry in stored["nics"]}, stored["sets"]

    def _store(self, nics: dict[str, Nic], sets: dict[str, list[str]]) -> None:
        listed = [dataclasses.asdict(nic) for nic in nics.values()]
        write(self._file, json.dumps({"nics": listed, "sets": sets}))


def _card(nic: Nic, record: Record[NetworkSpec]) -> Card:
    spec = record.spec
    chosen = next((each for each in spec.filters if each.nic == nic.name), CardFilter(nic.name))
    return Card(
        name=nic.name,
        mac=nic.mac.lower(),
        network=record.index,
        addresses=_addresses(nic, spec),
        filter=chosen if spec.up else dataclasses.replace(chosen, up=False),
        shared=spec.public,
    )


def _addresses(nic: Nic, spec: NetworkSpec) -> Sequence[Range] | None:
    """What the card may use: what the network's leases say of it, else what it was plugged with.

    On a network without subnets a card without an address may use any.
    """
    leased = [lease.ip for lease in spec.leases if lease.mac.lower() == nic.mac.lower()]
    own = leased or [*([nic.ip] if nic.ip else []), *nic.more_ips]
    if not own and spec.cidr is None and not spec.more_subnets:
        return None
    return [network(each) for each in own]
