"""Users as administrators make and change them through identity v3: verified and accepted at once.

A user who was made so is called by any name, which need not be an e-mail; whoever signed up himself is called
by his e-mail, and renaming him changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synnefo.astakos.accounts import addresses, removal
from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import entries
from synnefo.astakos.directory.models import Domain, UserEntry
from synnefo.astakos.roles.models import Assignment
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.fields import check_fields
from synnefo.common.ids import new_uuid, parse_uuid
from synnefo.common.transactions import atomic

REASON = "disabled through identity v3"


def create(
    caller: Caller,
    name: str,
    *,
    domain: Domain | None,
    password: str | None = None,
    email: str | None = None,
    enabled: bool = True,
    changes: Mapping[str, Any],
) -> User:
    """``changes`` are ``description``, ``default_project``, ``options`` and ``extra``.

    Raises BadRequest, Conflict (the name).
    """
    with atomic():
        _require_free(name)
        stand_in = f"{new_uuid()}@accounts.invalid"
        user = accounts.create(caller, stand_in, "", "", password=password)
        entry = UserEntry(user=user, domain=domain)
        _rename(user, entry, name, email if email is not None else name if "@" in name else "")
        user = accounts.accept(caller, accounts.verify(caller, user), policy="identity v3")
        _describe(entry, changes)
        if not enabled:
            user = accounts.deactivate(caller, user, reason=REASON)
    return user


def modify(caller: Caller, user: User, changes: Mapping[str, Any]) -> User:
    """Change ``name``, ``email``, ``password``, ``enabled``, or what ``create`` takes as ``changes``.

    Raises BadRequest, Conflict.
    """
    with atomic():
        made_here = UserEntry.objects.filter(user=user).exclude(name="").first()
        if "name" in changes or "email" in changes:
            if made_here is not None:
                name = changes.get("name", made_here.name)
                if name.lower() != user.username:
                    _require_free(name)
                email = changes.get("email", user.email or made_here.extra.get("email"))
                _rename(user, made_here, name, email or "")
            else:
                user = _readdress(caller, user, changes)
        if changes.get("password") is not None:
            user = accounts.set_password(caller, user, changes["password"])
        if made_here is None and changes.get("default_project"):
            user = accounts.set_default_project(caller, user, parse_uuid(changes["default_project"]) or "")
        _describe(made_here or entries.entry_of(user, UserEntry), changes)
        enabled = changes.get("enabled")
        if enabled is False and user.is_active:
            user = accounts.deactivate(caller, user, reason=REASON)
        elif enabled and not user.is_active:
            user = accounts.activate(caller, user)
    return User.objects.get(pk=user.pk)


def delete(caller: Caller, user: User) -> None:
    """Remove the account; what it says of somebody goes, its name is free again.

    Raises Forbidden for oneself, Conflict as long as it uses something or owns a project.
    """
    if caller.user == user.uuid:
        raise Forbidden("One cannot delete oneself.")
    with atomic():
        Assignment.objects.filter(user=user).delete()
        if user.is_accepted:
            removal.remove(caller, user)
        else:
            accounts.delete(caller, user)


def _readdress(caller: Caller, user: User, changes: Mapping[str, Any]) -> User:
    wanted = {changes[key] for key in ("name", "email") if changes.get(key)}
    if len({text.lower() for text in wanted}) > 1:
        raise BadRequest("This user is called by his e-mail: name and email must be the same.")
    for email in wanted:
        if email.lower() != user.username or "email" in changes:
            return accounts.set_email(caller, user, changes.get("email") or email)
    return user


def _rename(user: User, entry: UserEntry, name: str, email: str) -> None:
    """An address that is another account's already is told of him, but no mail goes there for him."""
    own = email if email and not addresses.is_taken(email, but=user) else ""
    user.username, user.email, entry.name = name.lower(), own, name
    check_fields(user, ("username", "email") if own else ("username",))
    check_fields(entry, ("name",))
    entries.set_attributes(entry, {}, {"email": email if email != own else None})
    user.save(update_fields=("username", "email"))
    entry.save()


def _describe(entry: UserEntry, changes: Mapping[str, Any]) -> None:
    entry.description = changes.get("description", entry.description) or ""
    entry.default_project = changes.get("default_project", entry.default_project) or ""
    entries.set_attributes(entry, changes.get("options", {}), changes.get("extra", {}))
    entry.save()


def _require_free(name: str) -> None:
    if addresses.is_taken(name):
        raise Conflict(f"There is a user {name!r} already.")
