"""The engine's calls about networks and routers: who may act (fences), then the fabric does it.

Owns nothing but the order of these two. It must not know what a network is made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from synnefo.cyclades.backends.base import BackendError, Fence, InstanceSpec, NetworkSpec, RouterSpec
from synnefo.cyclades.backends.local import layout
from synnefo.cyclades.backends.local.fabric import Fabric
from synnefo.cyclades.backends.local.fencing import Fences


class NetworkCalls:
    """The part of ``Backend`` that is about networks; see there."""

    fabric: Fabric
    _network_fences: Fences
    _router_fences: Fences

    def _specs(self) -> Iterator[InstanceSpec]:
        """What is known of the instances."""
        raise NotImplementedError

    def apply_network(self, spec: NetworkSpec, fence: Fence) -> None:
        with self._network_fences.passing(layout.check_name(spec.name), fence):
            self.fabric.apply(spec)

    def remove_network(self, name: str, fence: Fence) -> None:
        with self._network_fences.passing(layout.check_name(name), fence):
            users = [spec.name for spec in self._specs() if name in {nic.network for nic in spec.nics}]
            if users:
                raise BackendError(f"{name} is in use by {', '.join(users)}")
            self.fabric.remove(name)

    def networks(self) -> list[str]:
        return self.fabric.networks()

    def apply_router(self, spec: RouterSpec, fence: Fence) -> None:
        with self._router_fences.passing(layout.check_name(spec.name), fence):
            self.fabric.apply_router(spec)

    def remove_router(self, name: str, fence: Fence) -> None:
        with self._router_fences.passing(layout.check_name(name), fence):
            self.fabric.remove_router(name)

    def routers(self) -> list[str]:
        return self.fabric.routers()

    def prune_network_fences(self) -> None:
        """Forget the fences of what has been gone for long."""
        self._network_fences.prune(set(self.networks()))
        self._router_fences.prune(set(self.routers()))
