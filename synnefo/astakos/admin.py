"""Astakos' tables on the administrators' dashboard."""

from __future__ import annotations

import synnefo.astakos.accounts.admin  # noqa: F401  registers it
