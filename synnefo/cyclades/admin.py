"""Cyclades' tables on the administrators' dashboard."""

from __future__ import annotations

import synnefo.cyclades.flavors.admin
import synnefo.cyclades.servers.admin  # noqa: F401  registers it, as the other one does
