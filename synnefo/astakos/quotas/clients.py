"""Who issues commissions: components, each by what it is and not by its name, and this very process."""

from __future__ import annotations

from django.db.models import CharField, F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

from synnefo.astakos.catalog.models import Component

#: Services that share this process and its database.
IN_PROCESS = "in-process"
_PREFIX = "component:"


def of_component(component: Component) -> str:
    """As which client a component issues, finds and settles commissions, whatever it is called then."""
    return f"{_PREFIX}{component.pk}"


def names() -> dict[str, str]:
    """The names of components by client."""
    return {of_component(row): row.name for row in Component.objects.all()}


def shown() -> Coalesce:
    """For queries of rows with a ``client``: its component's name, or what it is called itself."""
    text = Concat(Value(_PREFIX), Cast("pk", CharField()))
    named = Component.objects.annotate(client=text).filter(client=OuterRef("client"))
    return Coalesce(Subquery(named.values("name")[:1]), F("client"))
