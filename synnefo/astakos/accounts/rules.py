"""The life of an account: created, verified, accepted (or rejected), active or not; his rights.

Each rule is one transaction with the user's row locked, and leaves an audit event. Passwords and tokens
never appear in one. How people come to an account by themselves is in ``signup``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.accounts import addresses, notices, terms, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies, registry
from synnefo.astakos.projects import rules as projects
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic


def find(text: str) -> User:
    """A user by uuid, e-mail (in any case) or numeric id, as commands name him.

    Raises ItemNotFound; Conflict for an e-mail that several accounts have.
    """
    wanted = Q(username=text.lower()) | Q(uuid=parse_uuid(text) or text)
    if text.isascii() and text.isdigit() and len(text) < 19:
        wanted |= Q(pk=int(text))
    user = User.objects.filter(wanted, removed_at=None).first()
    if user is None:
        if addresses.with_email(text).exists():
            raise Conflict(f"Several accounts have the e-mail {text}: name one by its uuid.")
        raise ItemNotFound(f"No user {text!r}.")
    return user


def create(
    caller: Caller,
    email: str,
    first_name: str,
    last_name: str,
    *,
    password: str | None = None,
    admin: bool = False,
) -> User:
    """A new account, not verified yet and therefore not active. Without a password he cannot log in by one.

    An earlier account of the same e-mail that was never verified gives way. Raises BadRequest, Conflict.
    """
    user = User(username=email.lower(), email=email, first_name=first_name, last_name=last_name)
    check_fields(user, ("email", "first_name", "last_name"))
    if password is not None:
        check_password(password, user)
    user.set_password(password)  # takes its time, which no transaction waits for
    with atomic():
        addresses.with_email(email).filter(email_verified=False).delete()
        if addresses.is_taken(email):
            raise _taken(email)
        user.is_superuser = user.is_staff = admin
        user.terms_due = terms.due_for_new_user()
        _save_unique(user)
        audit.record(caller, "user.create", "user", user.uuid, admin=admin)
    return user


def confirm_email(caller: Caller, user: User) -> User:
    """The e-mail is his: accepted at once where that needs nobody, else somebody is told to decide.

    Raises Conflict if that was known.
    """
    with atomic():
        row = verify(caller, user)
        policy = _automatic_policy(row)
        if policy is not None:
            return accept(caller, row, policy=policy)
        if not row.moderated:
            notices.pending_moderation(row)
    return row


def verify(caller: Caller, user: User) -> User:
    """The e-mail is his. Raises Conflict if that was known."""
    with _changing(caller, user, "user.verify") as row:
        if row.email_verified:
            raise Conflict("The e-mail is verified already.")
        row.email_verified, row.verified_at = True, timezone.now()
    return row


def accept(caller: Caller, user: User, *, policy: str = "manual", tells: bool = True) -> User:
    """Let him in: system project, quota, active; ``tells`` him by mail, and those who want to know.

    Raises Conflict if not verified, or accepted already.
    """
    with _changing(caller, user, "user.accept", policy=policy) as row:
        if not row.email_verified:
            raise Conflict("The e-mail is not verified.")
        if row.moderated and not row.is_rejected:
            raise Conflict("The account is accepted already.")
        row.moderated, row.moderated_at = True, timezone.now()
        row.is_rejected, row.rejected_reason, row.accepted_policy = False, "", policy
        row.moderated_data, row.accepted_email = _snapshot(row), row.email
        row.default_project = projects.create_system_project(caller, row).uuid
        row.is_active = True
        if tells:
            notices.accepted(row)
    return row


def reject(caller: Caller, user: User, *, reason: str = "") -> User:
    """Do not let him in, and tell him why. Raises Conflict if not verified, or if it was decided already."""
    with _changing(caller, user, "user.reject", reason=reason) as row:
        if not row.email_verified:
            raise Conflict("The e-mail is not verified.")
        if row.moderated:
            raise Conflict("The account is moderated already.")
        row.moderated, row.moderated_at = True, timezone.now()
        row.is_rejected, row.rejected_reason = True, reason
        notices.rejected(row)
    return row


def activate(caller: Caller, user: User) -> User:
    """Undo ``deactivate``. Raises Conflict if the account was never accepted."""
    with _changing(caller, user, "user.activate") as row:
        _require_accepted(row)
        if not row.is_active:
            row.is_active = True
            row.deactivated_at, row.deactivated_reason = None, ""
            projects.resume_all_of(caller, row)
    return row


def deactivate(caller: Caller, user: User, *, reason: str = "") -> User:
    """Keep him out: no login, no token works, his projects and memberships are suspended.

    Raises Conflict if he was never accepted, or for oneself.
    """
    if caller.user == user.uuid:
        raise Conflict("One cannot suspend oneself.")
    with _changing(caller, user, "user.deactivate", reason=reason) as row:
        _require_accepted(row)
        if row.is_active:
            projects.suspend_all_of(caller, row)
        row.is_active = False
        row.deactivated_at, row.deactivated_reason = timezone.now(), reason
    return row


def suspend_again(caller: Caller, user: User) -> None:
    """Suspend what goes on of an inactive account. Raises Conflict for an active one."""
    with _changing(caller, user, "user.suspend-again") as row:
        if row.is_active:
            raise Conflict("The account is active.")
        projects.suspend_all_of(caller, row)


def set_admin(caller: Caller, user: User, admin: bool) -> User:
    with _changing(caller, user, "user.admin" if admin else "user.no-admin") as row:
        row.is_superuser = row.is_staff = admin
    return row


def note_profile_visit(user: User) -> None:
    """Where ``ASTAKOS_FORCE_PROFILE_UPDATE`` sends everybody once."""
    User.objects.filter(pk=user.pk, profile_visited=False).update(profile_visited=True)


def set_names(caller: Caller, user: User, first_name: str, last_name: str) -> User:
    """Raises BadRequest."""
    check_fields(User(first_name=first_name, last_name=last_name), ("first_name", "last_name"))
    with _changing(caller, user, "user.names") as row:
        row.first_name, row.last_name = first_name, last_name
    return row


def set_password(caller: Caller, user: User, password: str, *, end_api_tokens: bool = False) -> User:
    """A new password; whoever logged in with the old one is logged out. Raises BadRequest for a weak one."""
    check_password(password, user)
    with _changing(caller, user, "user.password", tokens_ended=end_api_tokens) as row:
        row.set_password(password)
        tokens.end_all(row, of_programs=end_api_tokens)
    return row


def set_email(caller: Caller, user: User, email: str) -> User:
    """A new e-mail, and with it a new login name. Raises BadRequest, Conflict."""
    check_fields(User(email=email), ("email",))
    with _changing(caller, user, "user.email") as row:
        if addresses.is_taken(email, but=row):
            raise _taken(email)
        old, row.email, row.username, row.shares_email = row.email, email, email.lower(), False
        _save_unique(row)
        addresses.settle(old)
    return row


def set_default_project(caller: Caller, user: User, uuid: str) -> User:
    """Raises Conflict unless he may work in that project now."""
    with _changing(caller, user, "user.default-project") as row:
        if not projects.projects_of(row).filter(uuid=uuid).exists():
            raise Conflict(f"The user is no member of a running project {uuid}.")
        row.default_project = uuid
    return row


def add_group(caller: Caller, user: User, name: str) -> None:
    """Put a user into a group, which is made if need be; groups are roles in the APIs. Raises BadRequest."""
    check_fields(Group(name=name), ("name",))
    with _changing(caller, user, "user.group-add", group=name) as row:
        row.groups.add(Group.objects.get_or_create(name=name)[0])


def remove_group(caller: Caller, user: User, name: str) -> None:
    """Raises ItemNotFound if he is not in that group."""
    with _changing(caller, user, "user.group-remove", group=name) as row:
        group = row.groups.filter(name=name).first()
        if group is None:
            raise ItemNotFound(f"The user is in no group {name!r}.")
        row.groups.remove(group)


def create_group(caller: Caller, name: str) -> Group:
    """Raises BadRequest for a name that cannot be one, Conflict if there is such a group."""
    group = Group(name=name)
    check_fields(group, ("name",))
    with atomic():
        if Group.objects.filter(name=name).exists():
            raise Conflict(f"There is a group {name!r} already.")
        group.save()
        audit.record(caller, "group.create", "group", group.pk, name=name)
    return group


def add_permission(caller: Caller, user: User, name: str) -> None:
    """Give a user one of Django's permissions, as ``app.action_model``. Raises ItemNotFound."""
    with _changing(caller, user, "user.permission-add", permission=name) as row:
        row.user_permissions.add(_permission(name))


def remove_permission(caller: Caller, user: User, name: str) -> None:
    """Raises ItemNotFound if he was not given that one himself."""
    with _changing(caller, user, "user.permission-remove", permission=name) as row:
        permission = _permission(name)
        if not row.user_permissions.contains(permission):
            raise ItemNotFound(f"The user was not given the permission {name!r}.")
        row.user_permissions.remove(permission)


def set_legacy(caller: Caller, user: User, *, level: int | None, invitations: int | None) -> User:
    """What older systems kept of how users invited each other; nothing here depends on it."""
    with _changing(caller, user, "user.legacy", level=level, invitations=invitations) as row:
        row.level = row.level if level is None else level
        row.invitations = row.invitations if invitations is None else invitations
    return row


def delete(caller: Caller, user: User) -> None:
    """Remove an account that was never accepted. Raises Conflict otherwise."""
    with atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if row.is_accepted:
            raise Conflict(
                "Only accounts that were never accepted can be deleted; deactivate this one, or remove it."
            )
        audit.record(caller, "user.delete", "user", row.uuid)
        row.delete()
        addresses.settle(row.email)


@contextmanager
def _changing(caller: Caller, user: User, action: str, **details: Any) -> Iterator[User]:
    """The user's row, locked; saved and recorded when the block ends well."""
    with atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        yield row
        row.save()
        audit.record(caller, action, "user", row.uuid, **details)


def _save_unique(row: User) -> None:
    """Raises Conflict if somebody else has just taken the e-mail."""
    try:
        with atomic():
            row.save()
    except IntegrityError as error:
        raise _taken(row.email) from error


def _taken(email: str) -> Conflict:
    return Conflict(f"An account with the e-mail {email} exists already.")


def _permission(name: str) -> Permission:
    app, _, codename = name.partition(".")
    permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
    if permission is None:
        raise ItemNotFound(f"No permission {name!r}: write APP.ACTION_MODEL, as in astakos.change_user.")
    return permission


def _require_accepted(row: User) -> None:
    if not row.is_accepted:
        raise Conflict(f"The account was not accepted: {row.status}.")


def _automatic_policy(row: User) -> str | None:
    """By what rule a verified account is accepted without anybody's decision, None if by none."""
    if row.moderated:
        return None
    if not settings.ASTAKOS_MODERATION_ENABLED:
        return "auto_moderation"
    if any(re.match(pattern, row.email) for pattern in settings.ASTAKOS_RE_USER_EMAIL_PATTERNS):
        return "email"
    modules = set(row.auth_methods.filter(active=True).values_list("module", flat=True))
    for provider in registry.enabled():
        if provider.module in modules and policies.of(provider, row).automoderate:
            return f"auth_provider_{provider.module}"
    return None


def _snapshot(row: User) -> dict[str, Any]:
    """What was known of him when it was decided."""
    return {
        "email": row.email,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "affiliation": row.affiliation,
        "methods": list(row.auth_methods.values("module", "identifier", "affiliation")),
    }


def check_password(password: str, user: User) -> None:
    """Raises BadRequest for one that is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadRequest(" ".join(error.messages)) from error
