"""``backend-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.backends.models import Backend


class Command(ListCommand):
    help = "List the engines that servers run on."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "kind": (attribute("kind"), "local or ganeti"),
        "url": (lambda row: row.options.get("url"), "where a cluster is"),
        "drained": (attribute("drained"), "whether it takes no new servers"),
        "offline": (attribute("offline"), "whether it is not talked to"),
        "vms": (attribute("vms"), "servers on it"),
        "instances": (attribute("instances"), "instances it has, ours or not"),
        "cpus": (attribute("vcpus"), "processors"),
        "mem": (lambda row: f"{row.ram_free_mib}/{row.ram_total_mib}", "RAM free and in all, in MiB"),
        "disk": (lambda row: f"{row.disk_free_gib}/{row.disk_total_gib}", "disk free and in all, in GiB"),
        "updated": (attribute("updated"), "when it was looked at"),
    }
    shown = ("id", "name", "kind", "drained", "offline", "vms", "cpus", "mem", "disk", "updated")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Backend]:
        return Backend.objects.annotate(vms=Count("servers", filter=Q(servers__deleted=False))).order_by("pk")
