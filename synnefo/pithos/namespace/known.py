"""Which blocks somebody may name in a hash map without sending them: those that his accounts have had.

All content of all accounts lies in one store, and whoever named a block could read it. So to know a digest is
not enough: a block that is in none of his accounts is missing for him, whether it is there for others or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db import connection

from synnefo.common.caller import Caller
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.hashing import HOLE
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.models import Account, KnownBlock, Version

_BATCH = 500


def note(account: int, digests: Iterable[bytes]) -> None:
    """An account (by its number) has these blocks; in the transaction that names them, or when they come.

    In one order for all, so that none of two who note the same waits for the other.
    """
    for batch in _batches(sorted({*digests} - {HOLE})):
        rows = ", ".join(["(%s, %s)"] * len(batch))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {KnownBlock._meta.db_table} (account_id, digest) VALUES {rows}"  # noqa: S608
                " ON CONFLICT DO NOTHING",
                [value for digest in batch for value in (account, digest)],
            )


def note_upload(caller: Caller, account: str, digests: Iterable[bytes]) -> None:
    """The same for blocks that were sent to an account of his. Raises Forbidden."""
    access.account(caller, account, right=access.Right.OWN)
    note(Account.objects.only("pk").get(name=account).pk, digests)


def missing(caller: Caller, digests: Iterable[bytes], target: Version | None) -> list[bytes]:
    """The blocks that he has to send, each once, in the order of their first occurrence.

    ``target`` is what is there where he wants to write, if he may read it: its blocks are his to name.
    """
    wanted = [digest for digest in dict.fromkeys(digests) if digest != HOLE]
    his = set(target.content.digests) if target is not None else set()
    his.update(_known(caller, [digest for digest in wanted if digest not in his]))
    lost = set(blocks().missing([digest for digest in wanted if digest in his]))
    return [digest for digest in wanted if digest not in his or digest in lost]


def forget(digests: Iterable[bytes]) -> None:
    """No account has these blocks any more; they are not stored."""
    for batch in _batches(list(digests)):
        KnownBlock.objects.filter(digest__in=batch).delete()


def _known(caller: Caller, digests: Sequence[bytes]) -> Iterator[bytes]:
    mine = list(Account.objects.filter(name__in=access.names_of(caller)).values_list("pk", flat=True))
    for batch in _batches(digests):
        rows = KnownBlock.objects.filter(account__in=mine, digest__in=batch)
        yield from map(bytes, rows.values_list("digest", flat=True))


def _batches(digests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(digests), _BATCH):
        yield digests[start : start + _BATCH]
