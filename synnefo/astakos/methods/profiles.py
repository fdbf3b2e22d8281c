"""Policy profiles: made, changed, given to users and groups, removed; each rule is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.contrib.auth.models import Group
from django.db.models import QuerySet

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods.models import AuthPolicy
from synnefo.astakos.methods.policies import PROFILE_POLICIES
from synnefo.astakos.methods.registry import PROVIDERS
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

#: By policy; None: no opinion.
Opinions = Mapping[str, bool | int | None]


def listed() -> QuerySet[AuthPolicy]:
    return AuthPolicy.objects.prefetch_related("users", "groups").order_by("pk")


def get(name: str) -> AuthPolicy:
    """Raises ItemNotFound."""
    row = listed().filter(name=name).first()
    if row is None:
        raise ItemNotFound(f"There is no policy profile {name!r}.")
    return row


def add(
    caller: Caller,
    name: str,
    provider: str,
    opinions: Opinions,
    *,
    is_exclusive: bool = False,
    priority: int | None = None,
    update: bool = False,
) -> AuthPolicy:
    """A new profile; with ``update`` the one of that name is changed in what is said, if there is one.

    Raises BadRequest (name, provider, policy), Conflict (there is one of that name).
    """
    if provider not in PROVIDERS:
        raise BadRequest(f"There is no provider {provider!r}; there are {', '.join(PROVIDERS)}.")
    if unknown := set(opinions) - set(PROFILE_POLICIES):
        raise BadRequest(f"No such policy: {', '.join(sorted(unknown))}.")
    with atomic():
        row = AuthPolicy.objects.select_for_update().filter(name=name).first() or AuthPolicy(name=name)
        if row.pk and not update:
            raise Conflict(f"There is a policy profile {name!r} already; --update changes it.")
        row.provider, row.is_exclusive = provider, is_exclusive
        row.priority = row.priority if priority is None else priority
        for policy, opinion in opinions.items():
            setattr(row, f"policy_{policy}", opinion)
        check_fields(row, ("name", "provider", "priority", "policy_limit"))
        row.save()
        audit.record(caller, "policy.set", "auth_policy", row.pk, name=name, provider=provider)
    return row


def assign(caller: Caller, row: AuthPolicy, users: Sequence[User], groups: Sequence[Group]) -> None:
    """The profile is for these from now on, and for nobody else."""
    with atomic():
        row.users.set(users)
        row.groups.set(groups)
        audit.record(
            caller,
            "policy.assign",
            "auth_policy",
            row.pk,
            users=[user.uuid for user in users],
            groups=[group.name for group in groups],
        )


def remove(caller: Caller, name: str) -> None:
    """Raises ItemNotFound."""
    with atomic():
        row = get(name)
        audit.record(caller, "policy.remove", "auth_policy", row.pk, name=name)
        row.delete()


def group(text: str) -> Group:
    """A group by number or name. Raises ItemNotFound."""
    rows = Group.objects.filter(name=text)
    if text.isascii() and text.isdigit() and len(text) < 19:
        rows = rows | Group.objects.filter(pk=int(text))
    found = rows.order_by("pk").first()
    if found is None:
        raise ItemNotFound(f"No group {text!r}.")
    return found
