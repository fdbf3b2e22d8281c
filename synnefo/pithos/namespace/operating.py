"""What operators do to whole accounts, whoever's they are: find, delete, merge, limit their containers.

Each container is one transaction, charged; a command that is cut off is given again.
"""

from __future__ import annotations

import dataclasses

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common import locks
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.engine.charging import charged
from synnefo.pithos.namespace import containers, history, known, objects
from synnefo.pithos.namespace.history import RESOURCE, OvertakenError
from synnefo.pithos.namespace.models import (
    Account,
    Container,
    Group,
    GroupMember,
    KnownBlock,
    Object,
    Share,
    Version,
)

_ATTEMPTS = 20


def find(name: str) -> Account:
    """Raises ItemNotFound."""
    found = Account.objects.filter(name=name.replace("\x00", "")).first()
    if found is None:
        raise ItemNotFound(f"There is no account {name}.")
    return found


def as_owner(caller: Caller, account: Account, *, also_in: str | None = None) -> Caller:
    """Who may do in an account what its people may; what is noted of it names the operator.

    ``also_in`` is a project that he may charge besides the account's own.
    """
    projects = frozenset({account.name, also_in or account.name})
    return dataclasses.replace(
        caller, user=account.name, project=account.name, projects=projects,
        roles=frozenset({"member"}), scope=Scope.PROJECT, is_admin=False,
    )  # fmt: skip


def duplicates() -> QuerySet[Account]:
    """Accounts whose names differ in case alone."""
    folded = Account.objects.annotate(folded=Lower("name"))
    several = folded.values("folded").annotate(many=Count("pk")).filter(many__gt=1).values("folded")
    return folded.filter(folded__in=several).order_by("folded", "name")


def delete(caller: Caller, account: Account) -> None:
    """All of an account: objects with their history, containers, groups, what it shared and published."""
    owner = as_owner(caller, account)
    for container in Container.objects.filter(account=account).order_by("name"):
        objects.delete_all(owner, account.name, container.name)
        containers.purge(owner, account.name, container.name, timezone.now())
        containers.delete(owner, account.name, container.name)
    with atomic():
        if Container.objects.filter(account=account).exists():
            raise Conflict("The account is in use; try again.")
        account.delete()
        record(caller, "account.delete", "pithos account", account.name)


def merge(caller: Caller, source: Account, target: Account) -> list[str]:
    """Give all of an account to another one; returns the paths that both have, which stay where they are.

    What was shared with the one, or with its groups, is shared with the other. Raises BadRequest, OverLimit.
    """
    if source.pk == target.pk:
        raise BadRequest("An account cannot be merged with itself.")
    if source.of_project or target.of_project:
        raise BadRequest("The account of a project is merged with none.")
    left: list[str] = []
    for container in Container.objects.filter(account=source).order_by("name"):
        there = Container.objects.filter(account=target, name=container.name).first()
        if there is None:
            _hand_over(container, source, target)
        else:
            left += _pour(caller, container, there)
    with atomic():
        _merge_groups(source, target)
        _rename_in_shares(source.name, target.name)
        if not Container.objects.filter(account=source).exists():
            source.delete()
        record(caller, "account.merge", "pithos account", target.name, source=source.name)
    return left


def _hand_over(container: Container, source: Account, target: Account) -> None:
    """A whole container, with the history of its paths."""
    for _ in range(_ATTEMPTS):
        project = target.name if container.project == source.name else container.project
        amount = history.charged_bytes(container)
        taken = provisions_for(target.payer, project, {RESOURCE: amount})
        given_back = provisions_for(source.payer, container.project, {RESOURCE: -amount})
        try:
            with charged([*taken, *given_back], name=f"merge {container.name}"[:255]):
                locked = history.lock(container.pk)
                if (history.charged_bytes(locked), locked.project) != (amount, container.project):
                    raise OvertakenError
                Container.objects.filter(pk=container.pk).update(account=target, project=project)
                _know(source, target)
                return
        except OvertakenError:
            container.refresh_from_db()
    raise Conflict("The container is being written to; try again.")


def _pour(caller: Caller, container: Container, there: Container) -> list[str]:
    """The paths of a container into another one, with their history; those that are there stay, and are told.

    The container goes with the last of its paths.
    """
    for _ in range(_ATTEMPTS):
        taken = Object.objects.filter(container=there).values("name")
        moving = Object.objects.filter(container=container).exclude(name__in=taken)
        amount, objects_moved, size_bytes = _weight(moving)
        cost = [
            *provisions_for(there.account.payer, there.project, {RESOURCE: amount}),
            *provisions_for(container.account.payer, container.project, {RESOURCE: -amount}),
        ]
        try:
            with charged(cost, name=f"merge {container.name}"[:255]):
                locks.take(locks.Kind.CONTAINER, {container.pk, there.pk})
                if _weight(moving) != (amount, objects_moved, size_bytes):
                    raise OvertakenError
                moving.update(container=there)
                _count(there, objects_moved, size_bytes)
                _count(container, -objects_moved, -size_bytes)
                _know(container.account, there.account)
                return _left(caller, container)
        except OvertakenError:
            continue
    raise Conflict("The container is being written to; try again.")


def _weight(paths: QuerySet[Object]) -> tuple[int, int, int]:
    """What is charged for some paths, how many objects are there now, and how large these are."""
    rows = Version.objects.filter(object__in=paths)
    now = rows.filter(state=Version.State.CURRENT)
    sums = now.aggregate(objects=Count("pk"), size=Coalesce(Sum("size_bytes"), 0))
    return sums["size"] + history.cost_of(rows), sums["objects"], sums["size"]


def _count(container: Container, objects_more: int, bytes_more: int) -> None:
    Container.objects.filter(pk=container.pk).update(
        object_count=F("object_count") + objects_more, size_bytes=F("size_bytes") + bytes_more
    )


def _left(caller: Caller, container: Container) -> list[str]:
    """Paths that are in a container still; it is removed where there is none."""
    paths = Object.objects.filter(container=container).order_by("name").values_list("name", flat=True)
    if left := [f"{container.account.name}/{container.name}/{name}" for name in paths]:
        return left
    record(caller, "container.delete", "container", container.pk, name=container.name)
    container.delete()
    return []


def _know(source: Account, target: Account) -> None:
    digests = KnownBlock.objects.filter(account=source).values_list("digest", flat=True)
    known.note(target.pk, [bytes(digest) for digest in digests.iterator()])


def _merge_groups(source: Account, target: Account) -> None:
    for group in Group.objects.filter(account=source):
        there, _ = Group.objects.get_or_create(account=target, name=group.name)
        for user in group.members.values_list("user", flat=True):
            GroupMember.objects.get_or_create(group=there, user=user)
        _rename_share(f"{source.name}:{group.name}", f"{target.name}:{group.name}")
        group.delete()


def _rename_in_shares(source: str, target: str) -> None:
    _rename_share(source, target)
    there = GroupMember.objects.filter(user=target).values("group")
    GroupMember.objects.filter(user=source, group__in=list(there.values_list("group", flat=True))).delete()
    GroupMember.objects.filter(user=source).update(user=target)


def _rename_share(old: str, new: str) -> None:
    """Who has both keeps the one that gives more."""
    for share in Share.objects.filter(who=old):
        there, made = Share.objects.get_or_create(
            object=share.object, who=new, defaults={"write": share.write}
        )
        if share.write and not made and not there.write:
            Share.objects.filter(pk=there.pk).update(write=True)
        share.delete()
