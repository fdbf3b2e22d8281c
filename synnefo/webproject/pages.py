"""The console's own routes, below ``/ui/``: the dashboard, the choice of a project, the colours."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.pages import action, choose_project, go
from synnefo.webproject import branding, dashboard


@action
def project(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = request.POST.get("project", "")
    choose_project(request, caller, wanted)
    messages.success(request, f"You work in {accounts().names([wanted]).get(wanted, wanted)} now.")
    return go(request, "/ui/")


@require_safe
@cache_control(max_age=300)
@condition(etag_func=lambda request: f'"{branding.accent()}"')
def colours(request: HttpRequest) -> HttpResponse:
    return HttpResponse(branding.style_sheet(), content_type="text/css")


urlpatterns: list[URLPattern | URLResolver] = [
    path("", dashboard.home, name="home"),
    path("dashboard/", dashboard.live, name="dashboard-live"),
    path("project/", project, name="choose-project"),
    path("branding.css", colours, name="branding-colours"),
]
