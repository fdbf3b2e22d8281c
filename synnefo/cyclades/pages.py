"""The console's pages of Cyclades, mounted under ``/ui/``, and its part of the dashboard."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from synnefo.cyclades.console import pages as console
from synnefo.cyclades.dashboard import dashboard
from synnefo.cyclades.flavors import pages as flavors
from synnefo.cyclades.images import pages as images
from synnefo.cyclades.keypairs import pages as keypairs
from synnefo.cyclades.measured import pages as measured
from synnefo.cyclades.networks import pages as networks
from synnefo.cyclades.networks import pages_groups as groups
from synnefo.cyclades.networks import pages_ports as ports
from synnefo.cyclades.networks import pages_routers as routers
from synnefo.cyclades.networks import pages_subnets as subnets
from synnefo.cyclades.servers import pages as servers
from synnefo.cyclades.servers import pages_floating as floating
from synnefo.cyclades.servers import pages_systems as systems
from synnefo.cyclades.servers import pages_volumes as volumes
from synnefo.cyclades.topology import pages as topology
from synnefo.cyclades.volumes import pages as snapshots

__all__ = ["dashboard", "urlpatterns"]

urlpatterns: list[URLPattern | URLResolver] = [
    *servers.urlpatterns,
    *systems.urlpatterns,
    *volumes.urlpatterns,
    *snapshots.urlpatterns,
    *flavors.urlpatterns,
    *images.urlpatterns,
    *keypairs.urlpatterns,
    *networks.urlpatterns,
    *subnets.urlpatterns,
    *ports.urlpatterns,
    *routers.urlpatterns,
    *groups.urlpatterns,
    *floating.urlpatterns,
    *measured.urlpatterns,
    *topology.urlpatterns,
    *console.urlpatterns,
]
