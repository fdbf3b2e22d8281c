"""``server-create``"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.commanding import acting_as, number_of, wait_for, wait_option
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.networks.models import IPAddress, Network, Port
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import DeviceRequest, NicRequest, ServerRequest
from synnefo.cyclades.volumes.models import Volume

_SOURCES = ("image", "snapshot")


class Command(Base):
    help = (
        "Make a server for a user, in his name and charged as if he had asked for it. Without --image the"
        " first --volume says what it boots from; without --port it has no network card."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--user", required=True, metavar="UUID|EMAIL", help="whose it becomes")
        parser.add_argument("--password", help="of its administrator (default: made and printed)")
        parser.add_argument("--flavor", required=True, metavar="ID")
        parser.add_argument("--image", default="", metavar="UUID")
        parser.add_argument("--project", metavar="UUID", help="that pays (default: the user's)")
        parser.add_argument("--backend-id", metavar="ID", help="the engine, whatever placement would choose")
        parser.add_argument(
            "--port", action="append", default=[], metavar="network:ID[,address=IP]|id:PORT|floatingip:ID",
            help="a network card: a new one, a port that is there, or one with a floating IP; repeatable",
        )  # fmt: skip
        parser.add_argument(
            "--volume", action="append", default=[], metavar="size=N[,image=UUID|,snapshot=UUID]|id=V",
            help="a disk: a new one of N GiB, or a volume that is there; repeatable",
        )  # fmt: skip
        parser.add_argument(
            "--floating-ips", default="", metavar="ID,...", help="the same as --port floatingip:ID for each"
        )
        parser.add_argument("--tags", default="", metavar="TAG,...")
        parser.add_argument("--helper", action="store_true", help="it serves the cloud itself")
        wait_option(parser, default=False)

    def handle(self, *args: Any, **options: Any) -> None:
        caller = acting_as(options["user"], options["project"])
        cards = options["port"] + [f"floatingip:{one}" for one in _words(options["floating_ips"])]
        disks = [_disk(text) for text in options["volume"]]
        boots = bool(disks) and disks[0].source != "blank"
        if boots:
            disks[0] = dataclasses.replace(disks[0], boot_index=0)
        if boots and options["image"] not in ("", disks[0].uuid):
            raise CommandError("--image is not what the first --volume is made of: it boots from that")
        request = ServerRequest(
            name=options["name"],
            image="" if boots else options["image"],
            flavor=flavors.find(self.caller, number_of(options["flavor"])).uuid,
            nics=[_card(text) for text in cards],
            devices=disks,
            admin_password=options["password"],
            tags=_words(options["tags"]),
            backend=backends.find(options["backend_id"]).pk if options["backend_id"] else None,
        )
        server, password = rules.create(caller, request)
        if options["helper"]:
            Server.objects.filter(pk=server.pk).update(helper=True)
        self.stdout.write(f"{server.pk} {server.name}")
        if not options["password"]:
            self.stdout.write(password)
        if options["wait"]:
            wait_for(Server.TARGET, server.pk)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _card(text: str) -> NicRequest:
    """Raises CommandError."""
    kind, _, rest = text.partition(":")
    number, _, more = rest.partition(",")
    if kind == "id" and not more:
        return NicRequest(port=_row(Port, number_of(number, "nic-")).uuid)
    if kind == "floatingip" and not more:
        address = _row(IPAddress, number_of(number), floating_ip=True)
        return NicRequest(network=address.network.uuid, fixed_ip=address.address)
    key, _, value = more.partition("=")
    if kind == "network" and (not more or (key == "address" and value)):
        network = _row(Network, number_of(number, "net-"), deleted=False)
        return NicRequest(network=network.uuid, fixed_ip=value or None)
    raise CommandError(f"--port {text!r}: write network:ID[,address=IP], id:PORT or floatingip:ID")


def _disk(text: str) -> DeviceRequest:
    """Raises CommandError."""
    given = dict(part.partition("=")[::2] for part in text.split(","))
    if set(given) == {"id"}:
        volume = _row(Volume, number_of(given["id"], "vol-"), deleted=False)
        return DeviceRequest("volume", volume.uuid)
    source = next((name for name in _SOURCES if name in given), None)
    if set(given) - {source} != {"size"} or not given["size"].isdigit():
        raise CommandError(
            f"--volume {text!r}: write size=N, size=N,image=UUID, size=N,snapshot=UUID or id=V"
        )
    return DeviceRequest(source or "blank", given[source] if source else None, int(given["size"]))


def _row(model: Any, number: int, **more: Any) -> Any:
    found = model.objects.filter(pk=number, **more).first()
    if found is None:
        raise CommandError(f"there is no {model._meta.verbose_name} {number}")
    return found
