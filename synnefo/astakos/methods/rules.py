"""A user's ways to sign in: found, added, removed, exchanged; identities that wait for their sign-up.

Each rule is one transaction and leaves an audit event. Whether the identity is genuine was checked before.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import addresses, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import notices, policies, registry
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import LOCAL, AuthMethod, PendingThirdParty
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic

#: How long an identity waits for its sign-up.
PENDING_LIFETIME = datetime.timedelta(days=30)


def methods_of(user: User) -> QuerySet[AuthMethod]:
    return AuthMethod.objects.filter(user=user).order_by("created", "pk")


def get(user: User, pk: int) -> AuthMethod:
    """Raises ItemNotFound: it is not there, or not the user's."""
    row = methods_of(user).filter(pk=pk).first()
    if row is None:
        raise ItemNotFound("You have no such way to sign in.")
    return row


def find(identity: Identity) -> AuthMethod | None:
    """The method of a verified account that this identity is, if there is one."""
    rows = AuthMethod.objects.filter(
        module=identity.module, identifier=identity.identifier, user__email_verified=True
    )
    return rows.select_related("user").first()


def add(caller: Caller, user: User, identity: Identity) -> AuthMethod:
    """Let a user sign in by one more identity. Raises Forbidden (policy), Conflict (it is another's)."""
    provider = registry.get(identity.module)
    with atomic():
        User.objects.select_for_update().get(pk=user.pk)
        own = methods_of(user).filter(module=identity.module, identifier=identity.identifier).first()
        if own is not None and own.active:
            return own
        can = policies.possible(provider, user)
        if not can.add:
            raise Forbidden(provider.message("cannot_add"))
        _require_free(identity, user)
        row = own or AuthMethod(user=user, module=identity.module, identifier=identity.identifier)
        _store(row, identity)
        join_groups(user, can.policies.add_groups)
        audit.record(caller, "method.add", "user", user.uuid, module=identity.module)
        notices.changed(user, f"{provider.title} was added to the ways to sign in.")
    return row


def remove(caller: Caller, user: User, pk: int) -> AuthMethod:
    """One way less to sign in. Raises ItemNotFound, Forbidden (policy, or it is the last one)."""
    with atomic():
        row_of_user = User.objects.select_for_update().get(pk=user.pk)
        row = get(user, pk)
        provider = registry.get(row.module)
        if not policies.possible(provider, user).remove:
            raise Forbidden(provider.message("cannot_remove"))
        if row.module == LOCAL:
            row_of_user.set_unusable_password()
            row_of_user.save(update_fields=["password"])
        row.delete()
        audit.record(caller, "method.remove", "user", user.uuid, module=row.module)
        notices.changed(user, f"{provider.title} was removed from the ways to sign in.")
    return row


def switch(caller: Caller, user: User, pk: int, identity: Identity) -> AuthMethod:
    """Another identity of the same provider in place of one. Raises ItemNotFound, Forbidden, Conflict."""
    provider = registry.get(identity.module)
    with atomic():
        User.objects.select_for_update().get(pk=user.pk)
        row = get(user, pk)
        if row.module != identity.module or not policies.possible(provider, user).switch:
            raise Forbidden(provider.message("cannot_add"))
        _require_free(identity, user)
        methods_of(user).filter(module=identity.module, identifier=identity.identifier).exclude(
            pk=pk
        ).delete()
        row.identifier = identity.identifier
        _store(row, identity)
        audit.record(caller, "method.switch", "user", user.uuid, module=identity.module)
        notices.changed(user, f"Another {provider.title} identity signs in from now on.")
    return row


def take_over(method: AuthMethod, identity: Identity) -> None:
    """What the provider says of somebody now: what it imposes, its groups if they are mirrored."""
    with atomic():
        method.info, method.affiliation = dict(identity.info), identity.affiliation
        method.save(update_fields=["info", "affiliation"])
        _impose(method.user, identity)
        if policies.of(registry.get(method.module), method.user).mirror_groups:
            mirror_groups(method.user, identity.groups)


def stamp(user: User, module: str, identifier: str = "") -> None:
    """He signed in by it now."""
    rows = AuthMethod.objects.filter(user=user, module=module, identifier=identifier)
    rows.update(last_login=timezone.now())


def pend(identity: Identity) -> str:
    """Keep an identity until its person has signed up; returns the token of the form's address."""
    token = secrets.token_urlsafe(32)
    values = {
        "token_digest": tokens.digest_of(token),
        "email": identity.email,
        "first_name": identity.first_name,
        "last_name": identity.last_name,
        "affiliation": identity.affiliation,
        "info": {**identity.info, "imposed": sorted(identity.imposed), "groups": sorted(identity.groups)},
        "created": timezone.now(),
    }
    with atomic():
        PendingThirdParty.objects.update_or_create(
            module=identity.module, identifier=identity.identifier, defaults=values
        )
    return token


def pending(token: str) -> Identity:
    """The identity that a token stands for. Raises ItemNotFound if it is unknown or too old."""
    return _identity_of(_pending_row(token))


def vouches_for(identity: Identity, email: str) -> bool:
    """Whether this e-mail needs no verification: the provider's policy is to believe it, and it says so."""
    if not policies.general(registry.get(identity.module)).autoverify:
        return False
    return email.lower() == identity.email.lower() and identity.info.get("email_verified") is not False


def attach_pending(caller: Caller, user: User, token: str, *, is_new: bool) -> AuthMethod:
    """Give a waiting identity to an account: to the one that has just been made for it, or to one that
    signed in by another method. Earlier accounts of that identity that were never verified give way.

    Raises ItemNotFound (token), Conflict (it is another's by now), Forbidden (policy).
    """
    with atomic():
        row = _pending_row(token)
        identity = _identity_of(row)
        method = first_method(caller, user, identity) if is_new else add(caller, user, identity)
        row.delete()
    return method


def first_method(caller: Caller, user: User, identity: Identity) -> AuthMethod:
    """The method with which an account begins. Raises Conflict, Forbidden (policy)."""
    provider = registry.get(identity.module)
    rights = policies.general(provider)
    if not rights.create:
        raise Forbidden(provider.message("disabled_for_create"))
    with atomic():
        _require_free(identity, user)
        row = AuthMethod(user=user, module=identity.module, identifier=identity.identifier)
        _store(row, identity)
        join_groups(user, (*rights.creation_groups, *rights.add_groups))
        if rights.mirror_groups:
            mirror_groups(user, identity.groups)
        audit.record(caller, "method.add", "user", user.uuid, module=identity.module)
    return row


def forget_pending() -> int:
    """Remove identities that nobody came back for; returns how many."""
    border = timezone.now() - PENDING_LIFETIME
    return PendingThirdParty.objects.filter(created__lte=border).delete()[0]


def rename_identifier(module: str, old: str, new: str) -> bool:
    """A provider calls somebody by another name from now on; returns whether he was known by the old one."""
    with atomic():
        if AuthMethod.objects.filter(module=module, identifier=new).exists():
            return False
        PendingThirdParty.objects.filter(module=module, identifier=new).delete()
        found = AuthMethod.objects.filter(module=module, identifier=old).update(identifier=new)
        found += PendingThirdParty.objects.filter(module=module, identifier=old).update(identifier=new)
    return bool(found)


def ensure_local(user: User) -> None:
    """Whoever has a password signs in by it; whoever has none does not."""
    if user.has_usable_password():
        AuthMethod.objects.get_or_create(user=user, module=LOCAL, defaults={"identifier": ""})
    else:
        AuthMethod.objects.filter(user=user, module=LOCAL).delete()


def join_groups(user: User, names: Iterable[str]) -> None:
    for name in names:
        user.groups.add(Group.objects.get_or_create(name=name)[0])


def mirror_groups(user: User, names: Iterable[str]) -> None:
    """The user's groups become these."""
    user.groups.set([Group.objects.get_or_create(name=name[:150])[0] for name in sorted(names)])


def _require_free(identity: Identity, user: User) -> None:
    """Nobody else has it. Raises Conflict; an account that was never verified gives way."""
    others = AuthMethod.objects.filter(module=identity.module, identifier=identity.identifier)
    others = others.exclude(user=user)
    if others.filter(user__email_verified=True).exists():
        raise Conflict(registry.get(identity.module).message("belongs_to_other"))
    User.objects.filter(auth_methods__in=others, email_verified=False).delete()


def _store(row: AuthMethod, identity: Identity) -> None:
    row.active, row.affiliation, row.info = True, identity.affiliation, dict(identity.info)
    try:
        with atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(registry.get(identity.module).message("belongs_to_other")) from error


def _impose(user: User, identity: Identity) -> None:
    """Imposed attributes are as the provider says; an e-mail that another account has is left as it was."""
    values = identity.imposed_values()
    email = values.pop("email", "")
    if email and not addresses.is_taken(email, but=user):
        values |= {"email": email, "username": email.lower()}
    changed = [name for name, value in values.items() if value and getattr(user, name) != value]
    for name in changed:
        setattr(user, name, values[name])
    if changed:
        user.save(update_fields=changed)


def _pending_row(token: str) -> PendingThirdParty:
    border = timezone.now() - PENDING_LIFETIME
    row = PendingThirdParty.objects.filter(token_digest=tokens.digest_of(token), created__gt=border).first()
    if row is None:
        raise ItemNotFound("This sign-up has been finished, or it was too long ago. Sign in again.")
    return row


def _identity_of(row: PendingThirdParty) -> Identity:
    info = dict(row.info)
    return Identity(
        row.module,
        row.identifier,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        affiliation=row.affiliation,
        imposed=frozenset(info.pop("imposed", ())),
        groups=frozenset(info.pop("groups", ())),
        info=info,
    )
