"""Objects that say of themselves that they are images, for ``common.objects``: as 0.21 kept them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from synnefo.common.objects import DescribedObject, StoredObject
from synnefo.pithos.namespace.models import GroupMember, Share, Version

_PREFIX = "plankton:"
_AVAILABLE = 1


def described(domain: str, stored: Callable[[Version], StoredObject]) -> Iterator[DescribedObject]:
    """What is there now and has attributes in the domain, in the order of versions."""
    rows = Version.objects.filter(state=Version.State.CURRENT, attributes__has_key=domain)
    for version in rows.select_related("map", "object__container__account").order_by("pk"):
        said = version.attributes[domain]
        if f"{_PREFIX}name" not in said:
            continue
        yield DescribedObject(
            found=stored(version),
            owner=version.object.container.account.name,
            said={key.removeprefix(_PREFIX): value for key, value in said.items()},
            readers=_readers(version),
            is_snapshot=version.is_snapshot,
            available=version.available,
            is_readable=version.is_written and version.available == _AVAILABLE,
            modified=version.modified,
        )


def _readers(version: Version) -> frozenset[str]:
    found: set[str] = set()
    for who in Share.objects.filter(object=version.object).values_list("who", flat=True):
        account, colon, group = who.partition(":")
        if not colon:
            found.add(who)
        elif who != Share.EVERYBODY:
            members = GroupMember.objects.filter(group__account__name=account, group__name=group)
            found.update(members.values_list("user", flat=True))
    return frozenset(found)
