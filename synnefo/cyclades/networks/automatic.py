"""A network for who has none and asks for one to be chosen."""

from __future__ import annotations

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.cyclades.networks import rules

NAME, RANGE = "auto_allocated_network", "10.0.0.0/24"


def ensure(caller: Caller) -> None:
    """Make one, with a way out, if there is none to choose and the cloud's settings choose none.

    Raises OverLimit.
    """
    own = rules.networks_for(caller).filter(public=False, deleting=False)
    unfinished = own.filter(name=NAME, subnets=None)  # whoever made it was killed before it had a range
    if settings.CYCLADES_DEFAULT_SERVER_NETWORKS or own.exclude(pk__in=unfinished.values("pk")).exists():
        return
    network = unfinished.first() or rules.create(caller, name=NAME)
    rules.create_subnet(caller, network.uuid, name=NAME, cidr=RANGE)
