"""``authpolicy-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from synnefo.astakos.methods import profiles
from synnefo.astakos.methods.models import AuthPolicy
from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List profiles of what users may do with a way to sign in."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "provider": (attribute("provider"), "the way to sign in"),
        "exclusive": (attribute("is_exclusive"), "whether all others are meant"),
        "priority": (attribute("priority"), "of several the highest counts"),
        "active": (attribute("active"), "whether it counts"),
        "groups": (lambda row: [group.name for group in row.groups.all()], "groups that it is for"),
        "users": (lambda row: [user.email for user in row.users.all()], "users that it is for"),
    }
    shown = ("id", "name", "provider", "exclusive", "groups", "users")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[AuthPolicy]:
        return profiles.listed()
