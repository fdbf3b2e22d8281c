"""``group-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet

from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List groups of users."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "users_count": (attribute("users"), "how many users are in it"),
    }
    shown = ("id", "name", "users_count")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Group]:
        return Group.objects.annotate(users=Count("user")).order_by("pk")
