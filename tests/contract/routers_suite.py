"""The promises of engines that have routers, beside those of ``suite``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from synnefo.cyclades.backends.base import (
    Backend,
    BackendUnavailable,
    Fence,
    Fenced,
    NetworkSpec,
    RouterSpec,
)

from .suite import END_OF_TIME, BackendContract, numbers


class RouterContract(BackendContract):
    """Inherited beside ``BackendContract``, whose fixtures it uses."""

    @pytest.fixture
    def router(self, backend: Backend, network: NetworkSpec) -> Iterator[RouterSpec]:
        """A router's first picture, of a network that is there."""
        backend.apply_network(dataclasses.replace(network, routed=True), Fence(10, 1))
        number = next(numbers)
        spec = RouterSpec(f"{self.prefix}router-{number}", 1, [(network.name, f"{network.gateway}/24")])
        yield spec
        backend.remove_router(spec.name, Fence(END_OF_TIME, number))

    def test_an_applied_router_exists_until_it_is_removed(
        self, backend: Backend, reopen: Callable[[], Backend], router: RouterSpec
    ) -> None:
        assert router.name not in backend.routers()
        backend.apply_router(router, Fence(10, 1))
        backend.apply_router(router, Fence(10, 2))
        assert reopen().routers().count(router.name) == 1
        backend.remove_router(router.name, Fence(11, 1))
        backend.remove_router(router.name, Fence(11, 2))
        assert router.name not in backend.routers()

    def test_a_stale_picture_does_not_bring_back_a_removed_router(
        self, backend: Backend, reopen: Callable[[], Backend], router: RouterSpec
    ) -> None:
        backend.apply_router(router, Fence(10, 1))
        backend.remove_router(router.name, Fence(11, 1))
        with pytest.raises(Fenced):
            reopen().apply_router(router, Fence(10, 1))
        assert router.name not in backend.routers()

    def test_a_router_needs_its_networks(self, backend: Backend, router: RouterSpec) -> None:
        nowhere = dataclasses.replace(router, interfaces=[("snf-net-0", "10.0.0.1/24")])
        with pytest.raises(BackendUnavailable):
            backend.apply_router(nowhere, Fence(10, 1))
        assert router.name not in backend.routers()
