"""Amounts of resources as commands show them."""

from __future__ import annotations

from collections.abc import Callable

from synnefo.astakos.catalog.models import Resource
from synnefo.common.units import show_amount


def amounts(style: str) -> Callable[[str, int], str]:
    """A function that shows an amount of a resource in its unit, in this style."""
    units = dict(Resource.objects.values_list("name", "unit"))
    return lambda resource, amount: show_amount(amount, units.get(resource), style)
