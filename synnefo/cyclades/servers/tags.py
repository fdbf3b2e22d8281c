"""Words on servers, for their owners to find them by."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.servers.models import Server, ServerTag
from synnefo.cyclades.servers.states import Action, require

#: What clients know is shorter than the column by a name space that tags once had.
LONGEST = 60 - len("cyclades:user:")
#: Name spaces: what owners see, and what operators put on for themselves.
OWNERS, OPERATORS = "user", "system"


def tags_of(server: Server, namespace: str = OWNERS) -> list[str]:
    return list(statuses_of(server, namespace))


def statuses_of(server: Server, namespace: str = OWNERS) -> dict[str, str]:
    """Its owner's (or operators') tags, in the order in which they were put on, and whether they count."""
    return dict(server.tags.filter(namespace=namespace).order_by("id").values_list("tag", "status"))


def check(tags: Sequence[str]) -> None:
    """Raises BadRequest for more than a server has, and for words that are none."""
    if len(set(tags)) > settings.CYCLADES_VM_MAX_TAGS:
        raise BadRequest(f"A server has at most {settings.CYCLADES_VM_MAX_TAGS} tags.")
    for tag in tags:
        if not 1 <= len(tag) <= LONGEST or not tag.isprintable() or set(tag) & set("/,"):
            raise BadRequest(f"A tag has 1 to {LONGEST} printable characters without '/' and ','.")


def put_on(server: Server, tags: Sequence[str], *, pending: bool = False, namespace: str = OWNERS) -> None:
    """Write down checked tags; those of a server that is being built count when it is."""
    status = ServerTag.Status.PENDADD if pending else ServerTag.Status.ACTIVE
    ServerTag.objects.bulk_create(
        ServerTag(server=server, tag=tag, status=status, namespace=namespace) for tag in dict.fromkeys(tags)
    )


def add(caller: Caller, found: Server, tag: str, *, namespace: str = OWNERS) -> bool:
    """Whether it is new. Raises BadRequest."""
    with atomic():
        server = _locked(caller, found)
        kept = tags_of(server, namespace)
        if tag in kept:
            return False
        check([*kept, tag])
        put_on(server, [tag], namespace=namespace)
        record(caller, "server.tag", Server.TARGET, server.pk, added=[tag])
    return True


def replace(caller: Caller, found: Server, wanted: Sequence[str], *, namespace: str = OWNERS) -> list[str]:
    """Give it these tags and no others; returns those that are new."""
    check(wanted)
    with atomic():
        server = _locked(caller, found)
        new = [tag for tag in dict.fromkeys(wanted) if tag not in tags_of(server, namespace)]
        server.tags.filter(namespace=namespace).exclude(tag__in=wanted).delete()
        put_on(server, new, namespace=namespace)
        record(caller, "server.tag", Server.TARGET, server.pk, tags=sorted(set(wanted)))
    return new


def remove(caller: Caller, found: Server, tag: str | None = None, *, namespace: str = OWNERS) -> None:
    """Take one off, or all. Raises ItemNotFound if there is none."""
    with atomic():
        server = _locked(caller, found)
        rows = server.tags.filter(namespace=namespace, **({} if tag is None else {"tag": tag}))
        if not rows.delete()[0]:
            raise ItemNotFound("The server has no such tag.")
        record(caller, "server.tag", Server.TARGET, server.pk, removed=tag or "all")


def _locked(caller: Caller, found: Server) -> Server:
    server = Server.objects.select_for_update(of=("self",)).get(pk=found.pk)
    require(server, Action.TAG, is_admin=caller.is_admin)
    return server
