"""``floating-ip-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.common.faults import Fault
from synnefo.cyclades.networks import floating


class Command(Base):
    help = "Give floating IPs back that nothing uses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("floating_ip_ids", nargs="+", type=positive, metavar="floating_ip_id")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        ips = [floating.find(self.caller, number) for number in options["floating_ip_ids"]]
        if not options["force"]:
            self.confirm(f"Give back {', '.join(ip.address for ip in ips)}?")
        for ip in ips:
            try:
                floating.delete(self.caller, ip.uuid, unless_used=True)
            except Fault as fault:
                self.say(f"{ip.pk}: {fault.message}")
