"""``user-find-duplicates``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from synnefo.astakos.accounts import addresses
from synnefo.astakos.accounts.models import User
from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List accounts whose e-mails differ in case only: nobody signs in by these until one is left."
    columns = {
        "address": (attribute("address"), "the e-mail in lower case"),
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in the APIs"),
        "email": (attribute("email"), "as it was written"),
        "realname": (attribute("realname"), "first and last name"),
        "status": (attribute("status"), "how far the account is, in words"),
        "joined": (attribute("date_joined"), "when the account was made"),
        "last_login": (attribute("last_login"), "when he signed in to the pages"),
    }
    shown = ("address", "id", "uuid", "email", "realname", "status", "last_login")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[User]:
        return addresses.shared()
