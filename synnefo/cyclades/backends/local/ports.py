"""What is plugged into the fabric, and the bridges' rules for it.

Owns the list of plugged cards (in ``/run``: it ends with the fabric, at the latest with the running
system) and when which part of the rules is written. What the rules say is ``nft_cards``'; bridges, taps
and namespaces are the fabric's, which also holds the lock around every call that changes something.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from synnefo.cyclades.backends.base import CardFilter, NetworkSpec, Nic
from synnefo.cyclades.backends.local import nft, nft_cards
from synnefo.cyclades.backends.local.addresses import Range, network
from synnefo.cyclades.backends.local.nft_cards import Card, Change
from synnefo.cyclades.backends.local.records import Record, write
from synnefo.cyclades.backends.local.tenant import bridge_of


@dataclasses.dataclass(frozen=True)
class Written:
    """What the rules hold of a network: the revision of all its cards' chains, and its sets."""

    revision: int
    sets: Sequence[str]


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
        nics, written = self._stored()
        self._store({**nics, nic.name: nic}, written)
        standing = written.get(record.spec.name)
        if standing is None or standing.revision != record.spec.revision:
            self.renew(record, None)
        else:
            self._load(Change(cards=[_card(nic, record)]))

    def unplug(self, name: str) -> bool:
        """Whether it was plugged."""
        nics, written = self._stored()
        if name not in nics:
            return False
        self._load(Change(gone=[name]))
        self._store({other: nic for other, nic in nics.items() if other != name}, written)
        return True

    def renew(self, record: Record[NetworkSpec], before: Record[NetworkSpec] | None) -> None:
        """Bring the rules of a network's cards, and its sets, to what it asks for now.

        If the rules hold what stood ``before``, only what differs is written; else, and where the revision
        is the same, all of it: it may have to be repaired.
        """
        name, revision = record.spec.name, record.spec.revision
        nics, written = self._stored()
        standing = written.get(name)
        cards = {nic: _card(nic, record) for nic in nics.values() if nic.network == name}
        sets = nft_cards.set_names(record.index, record.spec.address_sets)
        change = Change(cards=list(cards.values()), sets=sets)
        if before is not None and standing and revision != standing.revision == before.spec.revision:
            old = nft_cards.set_names(before.index, before.spec.address_sets)
            change.sets = {key: members for key, members in sets.items() if old.get(key) != members}
            change.cards = [card for nic, card in cards.items() if card != _card(nic, before)]
        change.gone_sets = sorted(set(standing.sets if standing else ()) - set(sets))
        if not record.spec.public:
            change.zones = {bridge_of(record): record.index}
        self._load(change)
        self._store(nics, {**written, name: Written(revision, sorted(sets))})

    def forget(self, network_name: str) -> None:
        """Take away what is left of a network without cards."""
        nics, written = self._stored()
        standing = written.pop(network_name, None)
        if standing is not None:
            self._load(Change(gone_sets=list(standing.sets)))
            self._store(nics, written)

    # -- inside ---------------------------------------------------------------------------------
    def _load(self, change: Change) -> None:
        nft.load(change.text(), self._netns)

    def _stored(self) -> tuple[dict[str, Nic], dict[str, Written]]:
        try:
            stored = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}, {}
        if isinstance(stored, list):  # as earlier versions wrote it, under guests that run on
            stored = {"nics": stored, "networks": {}}
        nics = (Nic(**{**entry, "more_ips": tuple(entry.get("more_ips", ()))}) for entry in stored["nics"])
        return {nic.name: nic for nic in nics}, {
            name: Written(**entry) for name, entry in stored["networks"].items()
        }

    def _store(self, nics: dict[str, Nic], written: dict[str, Written]) -> None:
        listed = [dataclasses.asdict(nic) for nic in nics.values()]
        networks = {name: dataclasses.asdict(each) for name, each in written.items()}
        write(self._file, json.dumps({"nics": listed, "networks": networks}))


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
