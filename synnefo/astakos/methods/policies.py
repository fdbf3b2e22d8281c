"""What may be done with a provider, in general and by one user (spec: astakos 2.2).

The setting for the provider, else the one for all, else the default; over that the profiles of the user,
over these the profiles of his groups; and what follows from the methods that he has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import registry
from synnefo.astakos.methods.models import LOCAL, AuthMethod, AuthPolicy
from synnefo.astakos.methods.registry import Provider

#: What a profile can have an opinion on.
PROFILE_POLICIES = ("add", "remove", "create", "login", "limit", "required", "automoderate", "switch")


@dataclasses.dataclass(frozen=True)
class Policies:
    """``limit``: how many identities of the provider an account may have. Groups are names."""

    login: bool = True
    create: bool = True
    add: bool = True
    remove: bool = True
    limit: int = 1
    switch: bool = False
    required: bool = False
    automoderate: bool = False
    autoverify: bool = False
    mirror_groups: bool = False
    add_groups: Sequence[str] = ()
    creation_groups: Sequence[str] = ()


def general(provider: Provider) -> Policies:
    """What holds for somebody who has no account yet."""
    defaults = Policies(
        switch=provider.switchable, automoderate=not getattr(settings, "ASTAKOS_MODERATION_ENABLED", True)
    )
    found: dict[str, Any] = {}
    for field in dataclasses.fields(Policies):
        value = registry.provider_setting(provider.module, f"{field.name.upper()}_POLICY")
        if value is not None:
            found[field.name] = value
    return dataclasses.replace(defaults, **found)


def of(provider: Provider, user: User) -> Policies:
    """What the settings and the user's profiles say."""
    speaking = Q(provider=provider.module, is_exclusive=False) | (
        ~Q(provider=provider.module) & Q(is_exclusive=True)
    )
    profiles = AuthPolicy.objects.filter(speaking, active=True).order_by("priority", "pk")
    of_groups = profiles.filter(groups__in=user.groups.all()).distinct()
    opinions: dict[str, Any] = {}
    for profile in (*profiles.filter(users=user), *of_groups):
        opinions |= opinions_of(profile)
    return dataclasses.replace(general(provider), **opinions)


def opinions_of(profile: AuthPolicy) -> dict[str, bool | int]:
    values = {name: getattr(profile, f"policy_{name}") for name in PROFILE_POLICIES}
    return {name: value for name, value in values.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Possible:
    """What a user can do with a provider now."""

    policies: Policies
    add: bool
    remove: bool
    switch: bool


def possible(provider: Provider, user: User) -> Possible:
    """The last active method stays; and where nothing can be added, that one can be exchanged."""
    policies = of(provider, user)
    methods = list(active_methods(user))
    add = policies.add and sum(row.module == provider.module for row in methods) < policies.limit
    remove = policies.remove and len(methods) > 1
    switch = policies.switch and (add or not remove)
    return Possible(policies, add=add, remove=remove, switch=switch)


def active_methods(user: User) -> QuerySet[AuthMethod]:
    """The user's methods whose provider is enabled."""
    modules = [provider.module for provider in registry.enabled()]
    return AuthMethod.objects.filter(user=user, active=True, module__in=modules).order_by("pk")


def may_use_password(user: User) -> bool:
    """Whether passwords are a way to sign in here, and for him."""
    return (
        any(row.module == LOCAL for row in active_methods(user)) and of(registry.PROVIDERS[LOCAL], user).login
    )


def missing(user: User) -> list[Provider]:
    """Providers that every user must have a method of, and this one has none."""
    present = set(active_methods(user).values_list("module", flat=True))
    wanted = [provider for provider in registry.enabled() if provider.module not in present]
    return [provider for provider in wanted if of(provider, user).required]
