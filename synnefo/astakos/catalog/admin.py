"""Components and resources on the administrators' dashboard, to be looked at; commands change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from synnefo.admin.site import site
from synnefo.admin.tables import Part, Table
from synnefo.admin.words import events, mono
from synnefo.astakos.catalog.models import Component, Endpoint, Resource
from synnefo.astakos.shown import amount_words


@admin.register(Component, site=site)
class Components(Table):
    icon = "dns"
    states = {"with a token": Q(token_digest__isnull=False)}
    list_display = ("name", "url", "services")
    list_display_links = ("name",)
    search_fields = ("name",)
    search_help_text = "Name"
    ordering = ("name",)

    @admin.display(description="Services", ordering="number")
    def services(self, row: Any) -> int:
        return int(row.number)

    def facts(self, row: Any) -> Mapping[str, object]:
        return {
            "Name": row.name,
            "Console": row.url or "none",
            "Base URL": row.base_url or "none",
            "Service token": "yes" if row.token_digest else "no",
            "Services": self.services(row),
        }

    def parts(self, row: Component) -> Sequence[Part]:
        rows = Endpoint.objects.filter(service__component=row).select_related("service")
        told = [
            (one.service.name, one.service.type, mono(one.public_url))
            for one in rows.order_by("service__name", "pk")
        ]
        return (
            Part("Endpoints", ("Service", "Type", "Address"), told, "None of its services has one."),
            events("component", row.name),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Component.objects.annotate(number=Count("services"))


@admin.register(Resource, site=site)
class Resources(Table):
    icon = "tune"
    states = {"shown": Q(ui_visible=True), "hidden": Q(ui_visible=False)}
    list_display = ("name", "own", "others", "is_shown")
    list_display_links = ("name",)
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    ordering = ("name",)

    @admin.display(description="Of a new user", ordering="system_default")
    def own(self, row: Resource) -> str:
        return amount_words(row.system_default, row.unit)

    @admin.display(description="Of a new project", ordering="project_default")
    def others(self, row: Resource) -> str:
        return amount_words(row.project_default, row.unit)

    @admin.display(description="Shown", ordering="ui_visible")
    def is_shown(self, row: Resource) -> str:
        return "to people" if row.ui_visible else "in the API" if row.api_visible else "nowhere"

    def facts(self, row: Resource) -> Mapping[str, object]:
        return {
            "Name": mono(row.name),
            "What it is": row.description,
            "Service": f"{row.service_origin} ({row.service_type})",
            "Of a new user": self.own(row),
            "Of a new project": self.others(row),
            "Shown": self.is_shown(row),
        }

    def parts(self, row: Resource) -> Sequence[Part]:
        return (events("resource", row.name),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Resource.objects.all()
