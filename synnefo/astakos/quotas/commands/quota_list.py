"""``quota-list``"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, Substr

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.quotas.models import Holding
from synnefo.astakos.quotas.reading import reachable
from synnefo.common.accounts import QuotaUse
from synnefo.common.commands import Filter, ListCommand, amount_of, flag_option, unit_style_option
from synnefo.common.units import parse_amount, show_amount

#: In queries: what is used, counting what is pending and what was appended.
_USED = ExpressionWrapper(F("folded_max") + F("appended"), output_field=BigIntegerField())


def bare(name: str) -> Any:
    """A getter of the uuid in ``user:<uuid>`` or ``project:<uuid>``."""
    return lambda row: getattr(row, name).partition(":")[2]


def effective(row: Any) -> str:
    use = QuotaUse(
        limit=row.limit,
        usage=row.usage_max,
        pending=row.usage_max - row.usage_min,
        project_limit=row.project_limit,
        project_usage=row.project_usage,
        project_pending=0,
    )
    return show_amount(reachable(use), row.unit, row.style)


def holder(text: str) -> str:
    """A user as an operator names him, or as the quotaholder does."""
    return f"user:{accounts.find(text.removeprefix('user:')).uuid}"


class Command(ListCommand):
    help = "List what users may use of each project's resources, and what they use."
    columns = {
        "displayname": (lambda row: row.displayname, "e-mail of the user"),
        "holder": (bare("holder"), "uuid of the user"),
        "source": (bare("source"), "uuid of the project"),
        "resource": (lambda row: row.resource, "resource"),
        "limit": (amount_of("limit"), "the most that he may use"),
        "usage": (amount_of("usage_max"), "what he uses, counting what is pending"),
        "sure_usage": (amount_of("usage_min"), "what he uses for sure"),
        "project_limit": (amount_of("project_limit"), "the most that all members may use together"),
        "project_usage": (amount_of("project_usage"), "what all members use together"),
        "effective_limit": (effective, "the most that he can reach: the others may have used the rest"),
    }
    shown = ("holder", "source", "resource", "limit", "usage")
    filters = {
        "user": Filter("holder", holder, "uuid, number or e-mail of the user"),
        "holder": Filter("holder", holder, "the same"),
        "source": Filter(
            "source", lambda text: f"project:{text.removeprefix('project:')}", "uuid of the project"
        ),
        "base_quota": Filter("base_quota", parse_amount, "the limit of his system project (Synnefo 0.15)"),
        "total_quota": Filter("limit", parse_amount, "the limit (Synnefo 0.15)"),
        "limit": Filter("limit", parse_amount, "an amount, as 4 or 20GiB"),
        "usage": Filter("used", parse_amount, "an amount, as 4 or 20GiB"),
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--overlimit", action="store_true", help="only where more is used than allowed")
        parser.add_argument("--display-mails", action="store_true", help="show the users' e-mails, too")
        flag_option(
            parser, "--with-custom", "only system projects whose limit is not the resource's default; no: is"
        )
        unit_style_option(parser)

    def names(self, options: Mapping[str, Any]) -> Sequence[str]:
        names = super().names(options)
        return ("displayname", *names) if options["display_mails"] and "displayname" not in names else names

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Holding]:
        people = User.objects.filter(email_verified=True, moderated=True, is_rejected=False).annotate(
            holder=Concat(Value("user:"), "uuid", output_field=CharField())
        )
        person = User.objects.filter(uuid=Substr(OuterRef("holder"), len("user:") + 1))
        pools = Holding.objects.filter(holder=OuterRef("source"), source="", resource=OuterRef("resource"))
        resource = Resource.objects.filter(name=OuterRef("resource"))
        own = Concat(Value("project:"), Substr("holder", len("user:") + 1))
        rows = Holding.objects.filter(holder__in=people.values("holder")).annotate(
            base_quota=Case(When(source=own, then="limit")),
            default=Subquery(resource.values("system_default")),
            displayname=Subquery(person.values("email")),
            project_limit=_number(pools.values("limit")),
            project_usage=_number(pools.annotate(used=_USED).values("used")),
            used=_USED,
            unit=Subquery(resource.values("unit")),
            style=Value(options["unit_style"]),  # getters see nothing but the row
        )
        if options["overlimit"]:
            rows = rows.filter(used__gt=F("limit"))
        if options["with_custom"] is not None:
            usual = Q(base_quota=F("default"))
            rows = rows.filter(base_quota__isnull=False).filter(~usual if options["with_custom"] else usual)
        return rows.order_by("holder", "source", "resource")


def _number(rows: QuerySet[Any, Any]) -> Coalesce:
    """A pool without a holding counts as empty."""
    return Coalesce(Subquery(rows), Value(0), output_field=BigIntegerField())
