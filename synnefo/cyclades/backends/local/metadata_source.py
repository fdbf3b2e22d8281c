"""What the metadata service is told: which networks there are, and whose an address is.

Owns the way from the instances' own records to the service, while somebody follows the engine.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from synnefo.cyclades.backends.base import BackendError, InstanceSpec, NetworkSpec, RouterSpec
from synnefo.cyclades.backends.local.fabric import Fabric
from synnefo.cyclades.backends.local.guest_documents import Guest
from synnefo.cyclades.backends.local.metadata import MetadataServer
from synnefo.cyclades.backends.local.records import Records

log = logging.getLogger(__name__)


class MetadataSource(contextlib.AbstractContextManager["MetadataSource"]):
    """Runs the service on a fabric's networks; ``data`` has what was applied of networks and routers."""

    def __init__(self, fabric: Fabric, specs: Callable[[], Iterable[InstanceSpec]], data: Path) -> None:
        self._fabric = fabric
        self._specs = specs
        self._networks = Records(data / "networks", NetworkSpec)
        self._routers = Records(data / "routers", RouterSpec)
        self._server = MetadataServer(self._guest)

    def refresh(self) -> None:
        """Serve the networks that exist now, and no others."""
        names = self._fabric.networks()
        for name in set(self._server.networks()) - set(names):
            self._server.remove_network(name)
        for name in names:
            if netns := self._fabric.namespace(name):
                try:
                    self._server.add_network(name, netns)
                except (BackendError, OSError) as error:  # it may be going, or not be whole yet
                    log.debug("no metadata service on %s yet: %s", name, error)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.close()

    def _guest(self, network: str, ip: str) -> Guest | None:
        """Whose an address is: the network's leases know it first, for cards' addresses may change."""
        record = self._networks.get(network)
        leases = record.spec.leases if record else ()
        mac = next((lease.mac for lease in leases if lease.ip == ip), None)
        for spec in self._specs():
            for nic in spec.nics:
                if nic.network == network and (nic.mac == mac if mac else ip in (nic.ip, *nic.more_ips)):
                    return Guest.of(spec, ip, self._public_address(network, ip))
        return None

    def _public_address(self, network: str, ip: str) -> str | None:
        """The address under which the world knows a card, if it does."""
        if (own := self._networks.get(network)) is None:
            return None
        if own.spec.public:
            return ip
        routers = [record.spec for name in self._routers.names() if (record := self._routers.get(name))]
        leading = [own.spec.floating]
        leading += [each.floating for each in routers if network in {name for name, _ in each.interfaces}]
        return next((outer for each in leading for outer, inner in each.items() if inner == ip), None)
