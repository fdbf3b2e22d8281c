"""What the commands of networks have in common: options, and rows as people name them."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandError, CommandParser

from synnefo.cyclades.commanding import number_of
from synnefo.cyclades.networks.models import Network, Subnet

_WORDS = {"yes": True, "true": True, "no": False, "false": False}


def switch_option(parser: CommandParser, name: str, help: str) -> None:
    """``--name``, ``--name True`` or ``--name False``; False without it."""

    def parse(text: str) -> bool:
        if text.lower() not in _WORDS:
            raise argparse.ArgumentTypeError("True or False")
        return _WORDS[text.lower()]

    parser.add_argument(
        name, nargs="?", const=True, default=False, type=parse, metavar="True|False", help=help
    )


def pool_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--allocation-pool", action="append", metavar="FIRST,LAST", help="addresses to give out; repeatable"
    )


def pools_of(texts: list[str] | None) -> list[tuple[str, str]] | None:
    """Raises CommandError."""
    if not texts:
        return None
    found = []
    for text in texts:
        first, comma, last = text.partition(",")
        if not comma:
            raise CommandError(f"{text!r}: write FIRST,LAST")
        found.append((first.strip(), last.strip()))
    return found


def network_of(text: str) -> Network:
    """By its number or its name on the engine, also a deleted one. Raises CommandError."""
    network = Network.objects.filter(pk=number_of(text, "net-")).first()
    if network is None:
        raise CommandError(f"there is no network {text}")
    return network


def subnet_of(text: str) -> Subnet:
    subnet = Subnet.objects.select_related("network").filter(pk=number_of(text)).first()
    if subnet is None:
        raise CommandError(f"there is no subnet {text}")
    return subnet


def words_of(text: str) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]
