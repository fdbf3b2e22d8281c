"""Astakos' tables on the administrators' dashboard; importing them registers them."""

from __future__ import annotations

from synnefo.astakos.accounts import admin as accounts
from synnefo.astakos.catalog import admin as catalog
from synnefo.astakos.mails import admin as mails
from synnefo.astakos.projects import admin as projects
from synnefo.astakos.requests import admin as requests

__all__ = ["accounts", "catalog", "mails", "projects", "requests"]
