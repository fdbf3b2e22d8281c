"""What may be done with containers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common import locks
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.engine.charging import charged
from synnefo.pithos.namespace import access, accounts
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Account, Container, Object, Version
from synnefo.pithos.namespace.names import check_attributes, check_container, merged

RESOURCE = "pithos.diskspace"
TARGET = "container"

_ATTEMPTS = 20
_REFUSAL = "User does not have write access to the container"


def containers_for(caller: Caller, account: str) -> QuerySet[Container]:
    """All containers of an account of his, by name. Raises Forbidden."""
    return Container.objects.filter(account=accounts.get(caller, account)).order_by("name")


def get(caller: Caller, account: str, name: str) -> Container:
    """Raises Forbidden, ItemNotFound."""
    return access.container(caller, account, name, Right.LIST)


def lock(key: int) -> Container:
    """The container, of which nobody changes objects until the transaction ends. Raises ItemNotFound."""
    locks.take(locks.Kind.CONTAINER, [key])
    found = Container.objects.select_for_update(of=("self",)).select_related("account").filter(pk=key).first()
    if found is None:
        raise ItemNotFound("Container does not exist")
    return found


def put(
    caller: Caller, account: str, name: str, *, attributes: Mapping[str, str], policy: Mapping[str, str]
) -> bool:
    """Make a container, or change what is given of the one that is there; says whether it was made.

    Raises Forbidden, BadRequest, OverLimit.
    """
    check_container(name)
    access.account(caller, account, right=Right.OWN, refusal=_REFUSAL)
    found = accounts.get(caller, account, right=Right.OWN)
    wanted = _policy(caller, found, policy)
    with atomic():
        defaults: dict[str, Any] = {
            **_default_policy(account),
            **wanted,
            "attributes": merged({}, attributes),
        }
        check_attributes(defaults["attributes"])
        container, created = Container.objects.get_or_create(account=found, name=name, defaults=defaults)
        if created:
            record(caller, "container.create", TARGET, container.pk, name=name)
    if not created and (attributes or policy):
        update(caller, account, name, attributes=attributes, policy=policy, merge=True)
    return created


def update(
    caller: Caller, account: str, name: str, *, attributes: Mapping[str, str], policy: Mapping[str, str],
    merge: bool,
) -> Container:  # fmt: skip
    """Change metadata and policy. Without ``merge`` what is not given is reset, but for the project.

    Another project is charged from then on for all that is there. Raises Forbidden, BadRequest,
    ItemNotFound, OverLimit.
    """
    found = access.container(caller, account, name, Right.OWN)
    wanted = _policy(caller, found.account, policy)
    if policy and not merge:
        wanted = {**_default_policy(account), "project": found.project, **wanted}
    new_attributes = merged(found.attributes if merge else {}, attributes)
    check_attributes(new_attributes)
    moving = wanted.get("project", found.project) != found.project
    if moving:
        _reassign(caller, found, str(wanted["project"]))
    with atomic():
        container = lock(found.pk)
        container.attributes = merged(container.attributes if merge else {}, attributes)
        check_attributes(container.attributes)
        container.versioning = wanted.get("versioning", container.versioning)
        container.quota_bytes = wanted.get("quota_bytes", container.quota_bytes)
        container.modified = timezone.now()
        container.save(update_fields=("attributes", "versioning", "quota_bytes", "modified"))
        record(caller, "container.modify", TARGET, container.pk, name=name)
    return container


def delete(caller: Caller, account: str, name: str) -> None:
    """Remove an empty container and its history. Raises Forbidden, ItemNotFound, Conflict."""
    found = access.container(caller, account, name, Right.OWN)
    with atomic():
        container = lock(found.pk)
        if container.object_count:
            raise Conflict("Container is not empty")
        container.delete()
        record(caller, "container.delete", TARGET, found.pk, name=name)


def purge(caller: Caller, account: str, name: str, until: datetime.datetime) -> None:
    """Forget history and tombstones up to a time; what is there now stays. Raises as ``delete``."""
    found = access.container(caller, account, name, Right.OWN)
    with atomic():
        container = lock(found.pk)
        old = Version.objects.filter(object__container=container, modified__lte=until)
        old.exclude(state=Version.State.CURRENT).delete()
        Object.objects.filter(container=container, versions=None).delete()
        record(caller, "container.purge", TARGET, found.pk, name=name)


def totals_at(container: Container, moment: datetime.datetime) -> tuple[int, int]:
    """How many objects it had before a moment, and how many bytes these had."""
    rows = versions_at(container, moment)
    sums = rows.aggregate(objects=Count("pk"), size=Coalesce(Sum("size_bytes"), 0))
    return sums["objects"], sums["size"]


def versions_at(container: Container, moment: datetime.datetime) -> QuerySet[Version]:
    """What was under each path just before a moment."""
    latest = Version.objects.filter(object=OuterRef("object"), modified__lt=moment).order_by("-id")
    rows = Version.objects.filter(object__container=container, pk=Subquery(latest.values("pk")[:1]))
    return rows.exclude(state=Version.State.TOMBSTONE)


def _default_policy(account: str) -> dict[str, Any]:
    return {
        "project": account,
        "versioning": settings.PITHOS_BACKEND_VERSIONING,
        "quota_bytes": settings.PITHOS_BACKEND_CONTAINER_QUOTA,
    }


def _policy(caller: Caller, account: Account, given: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a policy as clients write it means. Raises BadRequest.

    What is in the account of a project is charged to that project, and to no other.
    """
    payers = {account.name} if account.of_project else caller.projects
    wanted: dict[str, Any] = {}
    for key, raw in given.items():
        value = raw.replace(" ", "")
        if key == "quota":
            if not (value.isascii() and value.isdigit() and int(value) < 2**63):
                raise BadRequest("The quota policy value should be a positive integer.")
            wanted["quota_bytes"] = int(value)
        elif key == "versioning":
            if value not in Container.Versioning.values:
                raise BadRequest("The versioning policy value should be either 'auto' or 'none'.")
            wanted["versioning"] = value
        elif key == "project":
            if value not in payers:
                raise BadRequest("The project policy value should be a project of yours.")
            wanted["project"] = value
        else:
            raise BadRequest(f"There is no policy called {key!r}.")
    return wanted


class _OvertakenError(Exception):
    """The container is not as it was when its price was asked for."""


def _reassign(caller: Caller, found: Container, project: str) -> None:
    """Charge another project for what is in the container, and the old one no more, in one."""
    for _ in range(_ATTEMPTS):
        try:
            return _reassign_as_it_is(caller, found, project)
        except _OvertakenError:
            found = Container.objects.select_related("account").get(pk=found.pk)
    raise Conflict("The container is being written to; try again.")


def _reassign_as_it_is(caller: Caller, found: Container, project: str) -> None:
    user, name = found.account.payer, f"{found.account.name}/{found.name}"
    taken = provisions_for(user, project, {RESOURCE: found.size_bytes})
    given_back = provisions_for(user, found.project, {RESOURCE: -found.size_bytes})
    with charged([*taken, *given_back], name=name):
        container = lock(found.pk)
        if (container.size_bytes, container.project) != (found.size_bytes, found.project):
            raise _OvertakenError
        container.project = project
        container.save(update_fields=("project",))
        record(caller, "container.reassign", TARGET, container.pk, project=project, name=found.name)
