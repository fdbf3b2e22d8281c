"""Astakos' tables on the administrators' dashboard; importing them registers them."""

from __future__ import annotations

from synnefo.astakos.accounts import admin as accounts
from synnefo.astakos.mails import admin as mails

__all__ = ["accounts", "mails"]
