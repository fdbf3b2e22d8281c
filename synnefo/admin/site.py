"""The site at ``/admin/``: who may open it, where one can go, what browsers are told about its pages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Fault, Forbidden, Unauthorized
from synnefo.common.http.context import client_address
from synnefo.common.pages import fault_page, identity_of_session

#: As tight as works: Alpine.js evaluates what stands in attributes, and writes ``style`` attributes. Nothing
#: comes from other hosts, nothing is inline but those.
POLICY = (
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval'",
    "style-src-elem 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)

View = Callable[..., HttpResponse]


def administrator(request: HttpRequest) -> Caller:
    """Who is signed in, acting on the whole cloud. Raises Unauthorized, Forbidden."""
    identity = identity_of_session(request)
    if not identity.is_admin:
        raise Forbidden("This part of the cloud is for its administrators.")
    return identity.caller(
        Scope.CLOUD, request_id=getattr(request, "id", ""), address=client_address(request)
    )


class Dashboard(UnfoldAdminSite):
    """Django's site without what would go round the rules: no forms, no log-in, no passwords, no history."""

    index_title = "Overview"
    index_template = "synnefo_admin/index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        try:
            return bool(administrator(request))
        except Fault:
            return False

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """A view for administrators: strangers go to the sign-in page, others get the console's 403."""

        @functools.wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                administrator(request)
                response = view(request, *args, **kwargs)
            except Unauthorized:
                logout(request)
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/admin/")
            except Fault as fault:
                return fault_page(request, fault)
            response["Content-Security-Policy"] = "; ".join(POLICY)
            return response

        return answer if cacheable else never_cache(answer)

    def get_urls(self) -> Sequence[URLPattern | URLResolver]:
        """The overview and the tables."""
        tables: list[URLPattern | URLResolver] = [
            path(f"{table.opts.model_name}s/", include(table.urls)) for table in self._registry.values()
        ]
        return [
            path("", self.admin_view(self.index), name="index"),
            path("jsi18n/", self.admin_view(self.i18n_javascript, cacheable=True), name="jsi18n"),
            *tables,
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """None: the tables stand in the navigation, and are no applications' to administrators."""
        return []

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        places = [
            {
                "title": table.title,
                "icon": table.icon,
                "link": table.address("changelist"),
            }
            for table in self._registry.values()
        ]
        return {
            **context,
            "site_title": f"{settings.BRANDING_SERVICE_NAME} administration",
            "site_header": settings.BRANDING_SERVICE_NAME,
            "site_subheader": "Administration",
            "site_symbol": "cloud",
            "site_url": "/ui/",
            "colors": None,  # they are in our style sheet: no inline styles
            "styles": [reverse("branding-colours"), static("synnefo_admin/admin.css")],
            "scripts": [static("synnefo_admin/admin.js")],
            "sidebar_navigation": [{"items": self._get_navigation_items(request, places)}],
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        summaries = [
            {
                "title": table.title,
                "address": table.address("changelist"),
                "counts": table.counts(request),
            }
            for table in self._registry.values()
        ]
        shown: TemplateResponse = super().index(request, {"summaries": summaries})
        return shown


site = Dashboard()
