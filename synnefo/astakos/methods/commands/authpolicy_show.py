"""``authpolicy-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.methods import profiles
from synnefo.astakos.methods.policies import PROFILE_POLICIES
from synnefo.common.commands import ShowCommand


class Command(ShowCommand):
    help = "Show a profile of what users may do with a way to sign in; what it leaves open is empty."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        row = profiles.get(options["name"])
        return {
            "id": row.pk,
            "name": row.name,
            "provider": row.provider,
            "exclusive": row.is_exclusive,
            "priority": row.priority,
            "active": row.active,
            "groups": [group.name for group in row.groups.all()],
            "users": [user.email for user in row.users.all()],
            **{name: getattr(row, f"policy_{name}") for name in PROFILE_POLICIES},
        }
