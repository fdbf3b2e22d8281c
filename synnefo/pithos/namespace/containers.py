"""What may be done with containers."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.accounts import accounts as seam
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.engine.charging import charged
from synnefo.pithos.namespace import access, accounts, history, numbers
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.history import RESOURCE as RESOURCE
from synnefo.pithos.namespace.history import OvertakenError
from synnefo.pithos.namespace.history import lock as lock
from synnefo.pithos.namespace.models import Account, Container, Object, PublicLink, Share, Version
from synnefo.pithos.namespace.names import check_attributes, check_container, merged

TARGET = "container"

_ATTEMPTS = 20
_FIELDS = {"quota": "quota_bytes", "versioning": "versioning", "project": "project"}
_REFUSAL = "User does not have write access to the container"


def containers_for(caller: Caller, account: str) -> QuerySet[Container]:
    """All containers of an account of his, by name. Raises Forbidden."""
    return Container.objects.filter(account=accounts.get(caller, account)).order_by("name")


def with_any(rows: QuerySet[Container], account: str, *kinds: str) -> QuerySet[Container]:
    """Those of the account's containers with anything in it that is ``shared`` or ``public``."""
    shares = Share.objects.exclude(who=Share.EVERYBODY)
    sources: dict[str, QuerySet[Any]] = {"shared": shares, "public": PublicLink.objects.all()}
    inside = (sources[kind].filter(object__container__account__name=account) for kind in kinds)
    wanted = (Q(pk__in=found.values("object__container")) for found in inside)
    return rows.filter(Q(*wanted, _connector=Q.OR))


def get(caller: Caller, account: str, name: str) -> Container:
    """Raises Forbidden, ItemNotFound."""
    return access.container(caller, account, name, Right.LIST)


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
    wanted = _policy(caller, found.account, policy, found.size_bytes)
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
        numbers.follow(container, wanted.get("versioning", container.versioning))
        container.quota_bytes = wanted.get("quota_bytes", container.quota_bytes)
        container.modified = timezone.now()
        container.save(update_fields=("attributes", "versioning", "options", "quota_bytes", "modified"))
        record(caller, "container.modify", TARGET, container.pk, name=name)
    return container


def delete(caller: Caller, account: str, name: str) -> None:
    """Remove an empty container and its history. Raises Forbidden, ItemNotFound, Conflict."""
    found = access.container(caller, account, name, Right.OWN)
    if found.object_count:
        raise Conflict("Container is not empty")

    def remove(container: Container) -> None:
        if container.object_count:
            raise Conflict("Container is not empty")
        container.delete()
        record(caller, "container.delete", TARGET, found.pk, name=name)

    history.forget(found, Object.objects.filter(container=found), remove)


def purge(caller: Caller, account: str, name: str, until: datetime.datetime) -> None:
    """Forget history and tombstones up to a time; what is there now stays. Raises as ``delete``."""
    found = access.container(caller, account, name, Right.OWN)
    history.forget(
        found, Object.objects.filter(container=found),
        lambda _: record(caller, "container.purge", TARGET, found.pk, name=name), until,
    )  # fmt: skip


def totals_at(container: Container, moment: datetime.datetime) -> tuple[int, int]:
    """How many objects it had before a moment, and how many bytes these had."""
    rows = versions_at(container, moment)
    sums = rows.aggregate(objects=Count("pk"), size=Coalesce(Sum("size_bytes"), 0))
    return sums["objects"], sums["size"]


def all_totals_at(found: Sequence[Container], moment: datetime.datetime) -> dict[int, tuple[int, int]]:
    """The same for several containers, by their numbers; those that had none are left out."""
    rows = _at(Version.objects.filter(object__container__in=[one.pk for one in found]), moment)
    sums = rows.order_by().values("object__container").annotate(count=Count("pk"), total=Sum("size_bytes"))
    return {row["object__container"]: (row["count"], row["total"]) for row in sums}


def versions_at(container: Container, moment: datetime.datetime) -> QuerySet[Version]:
    """What was under each path just before a moment."""
    return _at(Version.objects.filter(object__container=container), moment)


def _at(rows: QuerySet[Version], moment: datetime.datetime) -> QuerySet[Version]:
    latest = Version.objects.filter(object=OuterRef("object"), modified__lt=moment).order_by("-id")
    return rows.filter(pk=Subquery(latest.values("pk")[:1])).exclude(state=Version.State.TOMBSTONE)


def _default_policy(account: str) -> dict[str, Any]:
    return {
        "project": account,
        "versioning": settings.PITHOS_BACKEND_VERSIONING,
        "quota_bytes": settings.PITHOS_BACKEND_CONTAINER_QUOTA,
    }


def _policy(
    caller: Caller, account: Account, given: Mapping[str, str], size_bytes: int = 0
) -> dict[str, Any]:
    """The fields that a policy as clients write it means; empty values are the defaults.

    What is in the account of a project is charged to that project, and to no other. Raises BadRequest,
    ItemNotFound (a project that is not his, or none; ``data`` says what could not be charged).
    """
    payers = {account.name} if account.of_project else caller.projects
    defaults = _default_policy(account.name)
    wanted: dict[str, Any] = {}
    for key, raw in given.items():
        value, field = raw.replace(" ", ""), _FIELDS.get(key, "")
        if field and not value:
            wanted[field] = defaults[field]
        elif key == "quota":
            if not (value.isascii() and value.isdigit() and int(value) < 2**63):
                raise BadRequest("The quota policy value should be a positive integer.")
            wanted[field] = int(value)
        elif key == "versioning":
            if value not in Container.Versioning.values:
                raise BadRequest("The versioning policy value should be either 'auto' or 'none'.")
            wanted[field] = value
        elif key == "project":
            if value not in payers:
                raise _no_share(account, value, size_bytes)
            wanted[field] = value
        else:
            raise BadRequest(f"There is no policy called {key!r}.")
    return wanted


def _no_share(account: Account, project: str, size_bytes: int) -> ItemNotFound:
    """What there is no holding for: of a project that there is, his share; of another one, its pool."""
    share, pool = provisions_for(account.payer or account.name, project, {RESOURCE: size_bytes or 1})
    missing = share if seam().names([project]) else pool
    provision = {**dataclasses.asdict(missing), "quantity": size_bytes}
    return ItemNotFound("There is no such project of yours.", data={"provision": provision})


def _reassign(caller: Caller, found: Container, project: str) -> None:
    """Charge another project for what is in the container, and the old one no more, in one."""
    for _ in range(_ATTEMPTS):
        try:
            return _reassign_as_it_is(caller, found, project)
        except OvertakenError:
            found = Container.objects.select_related("account").get(pk=found.pk)
    raise Conflict("The container is being written to; try again.")


def _reassign_as_it_is(caller: Caller, found: Container, project: str) -> None:
    user, name = found.account.payer, f"{found.account.name}/{found.name}"
    amount = history.charged_bytes(found)
    taken = provisions_for(user, project, {RESOURCE: amount})
    given_back = provisions_for(user, found.project, {RESOURCE: -amount})
    with charged([*taken, *given_back], name=name):
        container = lock(found.pk)
        if (history.charged_bytes(container), container.project) != (amount, found.project):
            raise OvertakenError
        container.project = project
        container.save(update_fields=("project",))
        record(caller, "container.reassign", TARGET, container.pk, project=project, name=found.name)
