"""The first page: quota, and what each enabled service has to show."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import conditional_page

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.dashboard import Part
from synnefo.common.pages import BUSY_REFRESH_S, CALM_REFRESH_S, page
from synnefo.common.quota_shown import bars


@page
def home(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "dashboard.html", _context(caller))


@conditional_page
@page
def live(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The part of it that lives."""
    return render(request, "dashboard_live.html", _context(caller))


def _context(caller: Caller) -> dict[str, object]:
    parts = _parts(caller)
    return {
        "bars": bars(accounts().quotas(caller.user, caller.project)),
        "parts": parts,
        "steps": [step for part in parts for step in part.steps] if all(part.empty for part in parts) else [],
        "refresh_s": BUSY_REFRESH_S if any(part.busy for part in parts) else CALM_REFRESH_S,
    }


def _parts(caller: Caller) -> list[Part]:
    modules = [import_module(f"synnefo.{name}.pages") for name in settings.SYNNEFO_SERVICES]
    return [module.dashboard(caller) for module in modules if hasattr(module, "dashboard")]
