"""Groups: users (or projects) to whom an account shares under one name. Changes count at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.conf import settings

from synnefo.common.accounts import accounts as seam
from synnefo.common.faults import BadRequest
from synnefo.pithos.namespace.models import Account, Group, GroupMember
from synnefo.pithos.namespace.names import MAX_VALUE, check_characters

Groups = Mapping[str, Sequence[str]]

#: What stands between names in headers, and what headers write in two ways.
_NOT_IN_NAMES = "-_:,;="


def of(account: Account) -> dict[str, list[str]]:
    """Members by the name of their group, in order."""
    rows = GroupMember.objects.filter(group__account=account).order_by("group__name", "user")
    found: dict[str, list[str]] = {}
    for name, user in rows.values_list("group__name", "user"):
        found.setdefault(name, []).append(user)
    return found


def checked(given: Groups) -> dict[str, list[str]]:
    """Groups as they are kept: names in small letters, each member once. Raises BadRequest.

    Members must be known to Astakos, which is asked: not to be called in a transaction.
    """
    found = {name.lower(): list(dict.fromkeys(filter(None, users))) for name, users in given.items()}
    for name, users in found.items():
        _check_name(name)
        if len(users) > settings.PITHOS_ACC_MAX_GROUP_MEMBERS:
            raise BadRequest(f"A group has at most {settings.PITHOS_ACC_MAX_GROUP_MEMBERS} members.")
        for user in users:
            check_characters(user)
            if len(user) > MAX_VALUE:
                raise BadRequest("Group member name too large.")
    _check_known({user for users in found.values() for user in users})
    return found


def put(account: Account, wanted: Groups, *, merge: bool) -> None:
    """Replace the account's groups, or with ``merge`` those that are named; without members they go.

    In a transaction in which the account's row is locked. Raises BadRequest for too many.
    """
    there = of(account) if merge else {}
    kept = {name: users for name, users in {**there, **wanted}.items() if users}
    if len(kept) > settings.PITHOS_ACC_MAX_GROUPS:
        raise BadRequest(f"At most {settings.PITHOS_ACC_MAX_GROUPS} groups are allowed.")
    old = Group.objects.filter(account=account)
    (old.filter(name__in=list(wanted)) if merge else old).delete()
    made = Group.objects.bulk_create(Group(account=account, name=name) for name in wanted if wanted[name])
    members = [GroupMember(group=group, user=user) for group in made for user in wanted[group.name]]
    GroupMember.objects.bulk_create(members)


def _check_name(name: str) -> None:
    check_characters(name)
    if not name or len(name) > MAX_VALUE or any(mark in name for mark in _NOT_IN_NAMES):
        raise BadRequest(f"Names of groups have 1 to {MAX_VALUE} characters, none of them {_NOT_IN_NAMES}")


def _check_known(users: Collection[str]) -> None:
    unknown = sorted(set(users) - seam().names(users).keys()) if users else []
    if unknown:
        raise BadRequest(f"Unknown displaynames: {', '.join(unknown)}")
