"""``backend-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.backends.models import Backend


class Command(ListCommand):
    help = "List the engines that servers run on."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "kind": (attribute("kind"), "local or ganeti"),
        "clustername": (attribute("name"), "name, as older scripts ask for it"),
        "port": (lambda row: urlsplit(row.options.get("url", "")).port, "of a cluster's RAPI"),
        "username": (lambda row: row.options.get("username"), "who asks a cluster"),
        "public": (attribute("public"), "whether projects without engines of their own use it"),
        "hypervisor": (lambda row: row.options.get("hypervisor"), "of a cluster"),
        "disk_templates": (lambda row: row.options.get("volume_types", []), "kinds of disks that it has"),
        "ips": (attribute("ips"), "addresses of servers on it"),
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
        live = Q(servers__deleted=False)
        return Backend.objects.annotate(
            vms=Count("servers", filter=live, distinct=True),
            ips=Count("servers__ports__addresses", filter=live, distinct=True),
        ).order_by("pk")
