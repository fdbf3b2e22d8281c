"""Whether there is room for an import: nothing but this machine's engine, as set-up makes it.

It keeps its name and gets another number: old clusters come under theirs.
"""

from __future__ import annotations

from django.db.models import Model

from synnefo.common.legacy import numbers
from synnefo.common.legacy.source import Source
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.networks.models import IPAddressHistory, Network, Pool, Router
from synnefo.cyclades.servers.models import RescueImage, Server
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.models import Commission

#: What must not be there.
_NOUNS: tuple[tuple[str, type[Model]], ...] = (
    ("server", Server),
    ("volume", Volume),
    ("network", Network),
    ("router", Router),
    ("image", Image),
    ("flavor", Flavor),
    ("volume type", VolumeType),
    ("rescue image", RescueImage),
    ("key pair", KeyPair),
    ("pool", Pool),
    ("line of the history of addresses", IPAddressHistory),
)
_EXAMPLES = 10
_ROOM_FOR_MORE = 1000


def collisions(source: Source) -> list[str]:
    """What is in the way, a line for each."""
    found = []
    for noun, model in _NOUNS:
        rows = model._default_manager.order_by("pk")
        found += [f"{noun} {row}: is here already" for row in rows[:_EXAMPLES]]
        if (more := rows.count() - _EXAMPLES) > 0:
            found.append(f"{noun}: {more} more are here already")
    others = Backend.objects.exclude(kind=Backend.Kind.LOCAL)
    found += [f"cluster {row}: is here already" for row in others[:_EXAMPLES]]
    serials = [row["serial"] for row in source.all("SELECT serial FROM db_quotaholderserial")]
    if serials and Commission.objects.filter(serial__lte=max(serials)).exists():
        found.append("commissions with the old ones' serials are here: import accounts first")
    return found


def make(source: Source) -> None:
    """Give this machine's engine another number. In the caller's transaction."""
    [row] = source.all("SELECT coalesce(max(id), 0) AS last FROM db_backend")
    first = max(int(row["last"]) + 1, source.next_number("db_backend", "id")) + _ROOM_FOR_MORE
    for place, engine in enumerate(Backend.objects.order_by("pk")):
        numbers.renumber(engine, first + place)
