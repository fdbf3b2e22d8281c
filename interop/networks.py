"""What tempest's network tests need beside the cloud's web processes: a public network, room for networks.

No engine is needed: nothing that these tests ask for runs on one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_PUBLIC_RANGE = "198.18.0.0/24"
_ROOM = {"cyclades.network.private": 1000, "cyclades.floating_ip": 100}


@contextlib.contextmanager
def surroundings(place: Path) -> Iterator[str]:
    """Make the public network, and say what tempest must know of it."""
    from synnefo.astakos.catalog.models import Resource
    from synnefo.common.caller import system_caller
    from synnefo.cyclades.networks import rules

    for name, limit in _ROOM.items():
        Resource.objects.filter(name=name).update(project_default=limit)
    caller = system_caller("interop")
    public = rules.create_with_subnet(caller, name="public", cidr=_PUBLIC_RANGE, floating_ip_pool=True)
    yield f"""
[network]
public_network_id = {public.uuid}
floating_network_name = public
[network-feature-enabled]
ipv6 = true
ipv6_subnet_attributes = true
floating_ips = true
api_extensions = all
[service_available]
neutron = true
"""
