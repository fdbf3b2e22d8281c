"""Terms of use, users with their groups and permissions, and the token that each user has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nh3
from django.contrib.auth.hashers import identify_hasher, is_password_usable, make_password
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.utils import timezone
from django.utils.html import escape

from synnefo.astakos.accounts.models import Terms, Token, User
from synnefo.astakos.accounts.tokens import NEVER, digest_of
from synnefo.astakos.legacy.world import World
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table

#: Of the tokens that come.
NAME = "imported"
#: In what was noted of an account when it was accepted, and no business of anybody's.
_SECRETS = {"auth_token", "password", "verification_code", "_state"}
_LARGEST_TERMS = 1 << 20  # bytes

_ACCOUNTS = "im_astakosuser a JOIN auth_user u ON u.id = a.user_ptr_id"
#: Old models of which there is one here, for permissions about them.
_MODELS = {
    ("auth", "group"): ("auth", "group"),
    ("im", "astakosuser"): ("astakos", "user"),
    ("im", "component"): ("astakos", "component"),
    ("im", "project"): ("astakos", "project"),
    ("im", "projectmembership"): ("astakos", "membership"),
    ("im", "resource"): ("astakos", "resource"),
    ("im", "service"): ("astakos", "service"),
}


def _users(source: Source) -> Sql:
    return (
        "SELECT u.id AS key, u.*, a.*,"  # noqa: S608  constants of ours
        " count(*) OVER (PARTITION BY lower(u.email)) AS same_emails,"
        " (SELECT max(t.id) FROM im_approvalterms t) AS last_terms,"
        " (SELECT max(t.date) FROM im_approvalterms t) AS last_terms_at"
        f" FROM {_ACCOUNTS}"
    )


def _user(row: Row, world: World) -> Iterator[Model]:
    accepted = row["email_verified"] and row["moderated"] and not row["is_rejected"]
    shared = row["same_emails"] > 1  # in different spellings; ours are unique by lower case
    if shared:
        what = "e-mail of several accounts: nobody signs in by it until they are merged, or one is removed"
        world.report.note(what, f"{row['email']} of {row['uuid']}")
    if row["is_active"] and not accepted:
        world.report.note("active, but never accepted: comes in inactive", row["username"])
    if row["is_superuser"]:
        world.report.note("superuser: an administrator of the whole cloud here", row["username"])
    yield User(
        pk=row["id"],
        uuid=row["uuid"],
        username=row["uuid"] if shared else row["email"].lower(),
        email=row["email"],
        shares_email=shared,
        first_name=row["first_name"],
        last_name=row["last_name"],
        password=_password(row, world),
        last_login=row["last_login"],
        date_joined=row["date_joined"],
        is_superuser=row["is_superuser"],
        is_staff=row["is_staff"] or row["is_superuser"],
        is_active=row["is_active"] and accepted,
        email_verified=row["email_verified"],
        verified_at=row["verified_at"],
        moderated=row["moderated"],
        moderated_at=row["moderated_at"],
        accepted_policy=row["accepted_policy"] or "",
        is_rejected=row["is_rejected"],
        rejected_reason=row["rejected_reason"] or "",
        deactivated_at=row["deactivated_at"],
        deactivated_reason=row["deactivated_reason"] or "",
        # A column of 0.21; before, everybody worked in his system project.
        default_project=row.get("default_project") or (row["uuid"] if accepted else ""),
        activation_sent=row["activation_sent"],
        accepted_email=row["accepted_email"] or "",
        moderated_data=_told(row["moderated_data"]),
        signed_terms_id=row["last_terms"] if row["has_signed_terms"] else None,
        date_signed_terms=row["date_signed_terms"],
        terms_due=None if row["has_signed_terms"] else row["last_terms_at"],
        profile_visited=row["is_verified"],
        affiliation=row["affiliation"] or "",
        level=row["level"],
        invitations=row["invitations"],
        updated=row["updated"],
    )


def _told(text: str | None) -> dict[str, object]:
    """A text of JSON, as it was kept; without secrets."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return (
        {name: value for name, value in told.items() if name not in _SECRETS}
        if isinstance(told, dict)
        else {}
    )


def _terms(row: Row, world: World) -> Iterator[Model]:
    """The old system kept a path. What cannot be read there is named."""
    path = Path(row["location"])
    try:
        with path.open(encoding="utf-8") as stream:
            content = nh3.clean(stream.read(_LARGEST_TERMS))
    except (OSError, UnicodeDecodeError):
        world.report.note("terms whose text is not at this path: copy it there, or use term-add later", path)
        content = f"<p>{escape(path.name)}</p>"
    yield Terms(pk=row["id"], content=content, created=row["date"])


def _password(row: Row, world: World) -> str:
    """The hash as it was kept, if one can sign in by it at all."""
    encoded: str = row["password"]
    if not is_password_usable(encoded) or not encoded:
        world.report.counts["  without a password"] += 1
        return make_password(None)
    try:
        hasher = identify_hasher(encoded)
        hasher.decode(encoded)
    except (ValueError, AssertionError, IndexError):
        world.report.note("password kept in an unknown way: a new one is needed", row["username"])
        return make_password(None)
    world.report.counts[f"  password kept as {hasher.algorithm}"] += 1
    return encoded


def _token(row: Row, world: World) -> Iterator[Model]:
    expires = row["auth_token_expires"]
    if expires is not None and expires <= timezone.now():
        world.report.counts["  expired"] += 1
    yield Token(
        user_id=row["key"],
        digest=digest_of(row["auth_token"]),
        kind=Token.Kind.API,
        name=NAME,
        created=row["auth_token_created"] or timezone.now(),
        expires=NEVER if expires is None else expires,
    )


def _membership_of_group(row: Row, world: World) -> Iterator[Model]:
    yield User.groups.through(user_id=row["user_id"], group_id=row["group_id"])


def _permission(row: Row, world: World) -> Permission | None:
    app, model = _MODELS.get((row["app_label"], row["model"]), ("", ""))
    action = row["codename"].partition("_")[0]
    found = Permission.objects.filter(
        content_type__app_label=app, content_type__model=model, codename=f"{action}_{model}"
    ).first()
    if found is None:
        name = f"{row['app_label']}.{row['codename']}"
        world.report.note("permission about something that is not here: left behind", name)
    return found


def _permission_of_user(row: Row, world: World) -> Iterator[Model]:
    found = _permission(row, world)
    if found is not None:
        yield User.user_permissions.through(user_id=row["user_id"], permission_id=found.pk)


def _permission_of_group(row: Row, world: World) -> Iterator[Model]:
    found = _permission(row, world)
    if found is not None:
        yield Group.permissions.through(group_id=row["group_id"], permission_id=found.pk)


def _with_permission(table: str, accounts: bool) -> Sql:
    only = " JOIN im_astakosuser a ON a.user_ptr_id = t.user_id" if accounts else ""
    return (
        f"SELECT t.id AS key, t.*, p.codename, c.app_label, c.model FROM {table} t{only}"  # noqa: S608
        " JOIN auth_permission p ON p.id = t.permission_id"
        " JOIN django_content_type c ON c.id = p.content_type_id"
    )


STEPS: tuple[Step[World], ...] = (
    Step("terms", of_table("im_approvalterms"), _terms, (Numbered(Terms, "im_approvalterms"),)),
    Step(
        "groups",
        of_table("auth_group"),
        lambda row, world: [Group(pk=row["id"], name=row["name"])],
        (Numbered(Group, "auth_group"),),
    ),
    Step("users", _users, _user, (Numbered(User, "auth_user"),)),
    Step(
        "users in groups",
        lambda source: (
            "SELECT g.id AS key, g.* FROM auth_user_groups g"
            " JOIN im_astakosuser a ON a.user_ptr_id = g.user_id"
        ),
        _membership_of_group,
    ),
    Step(
        "permissions of users",
        lambda source: _with_permission("auth_user_user_permissions", accounts=True),
        _permission_of_user,
    ),
    Step(
        "permissions of groups",
        lambda source: _with_permission("auth_group_permissions", accounts=False),
        _permission_of_group,
    ),
    Step(
        "tokens",
        lambda source: (
            "SELECT u.id AS key, u.username, a.auth_token, a.auth_token_created, a.auth_token_expires"  # noqa: S608
            f" FROM {_ACCOUNTS} WHERE a.auth_token IS NOT NULL AND a.auth_token <> ''"
        ),
        _token,
    ),
)
