"""Tokens in exchange for proof (a password, another token, an application credential), in a scope.

Every refusal is the same Unauthorized, so that nobody learns which part was wrong.
"""

from __future__ import annotations

import dataclasses
import datetime
import hmac

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.accounts import login, throttle, tokens
from synnefo.astakos.accounts.models import ApplicationCredential, Token, User
from synnefo.astakos.directory.models import UserEntry
from synnefo.astakos.methods import second_factor
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles import effective
from synnefo.common.faults import Unauthorized
from synnefo.common.ids import parse_uuid

#: How tokens came about that a signature was exchanged for.
SIGNATURE_METHOD = "ec2credential"

_PAGE_TOKEN_LIFETIME, _PAGE_TOKEN_SERVICE = datetime.timedelta(hours=1), "object-store"


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """The project a token is wanted for: by uuid, or by name and domain; the user's default one otherwise.

    ``wide`` is wanted instead of a project: ``system``, or ``domain:`` and the uuid of one (or ``default``).
    """

    project_id: str | None = None
    project_name: str | None = None
    project_domain: str = "default"
    unscoped: bool = False
    wide: str = ""


def refusal() -> Unauthorized:
    return Unauthorized("The request you have made requires authentication.")


def open_by_password(
    name: str, password: str, scope: Scope, *, address: str, passcode: str | None = None
) -> str:
    """A token for a user known by e-mail or uuid; ``passcode`` is of his second factor, where he has one.

    Raises Unauthorized, TooManyRequests.
    """
    user = login.by_password(name, password, address=address)
    if user is None:
        raise refusal()
    second_factor.require(user, passcode, address=address)
    return tokens.issue(
        user,
        kind=Token.Kind.LOGIN,
        methods="password" if passcode is None else "password,totp",
        project=_project_for(user, scope),
        scope=_wide_for(user, scope),
        expires=_expiry(),
    )


def exchangeable(token: str, *, address: str) -> tokens.Grant:
    """A token that is good now, as ``tokens.lookup``; who tries many that there are not is told to wait.

    Raises Unauthorized, TooManyRequests.
    """
    try:
        return tokens.lookup(token)
    except Unauthorized as fault:
        if fault.message == tokens.UNKNOWN:
            throttle.count("token", tokens.digest_of(token), address)
        raise


def open_by_token(token: str, scope: Scope, *, address: str) -> str:
    """Another token for the same user, in another scope; it lives no longer and may do no more.

    One made from an API token ends with that.
    """
    grant = exchangeable(token, address=address)
    if grant.application_credential_id is not None or grant.methods == SIGNATURE_METHOD:
        raise refusal()
    row = Token.objects.select_related("user", "project", "parent").get(digest=grant.digest)
    project = row.project if row.confined and scope == Scope() else _project_for(row.user, scope)
    if row.confined and (project != row.project or scope.wide):
        raise refusal()
    methods = grant.methods.split(",")
    return tokens.issue(
        row.user,
        kind=Token.Kind.LOGIN,
        methods=",".join([*methods, *({"token"} - set(methods))]),
        project=project,
        scope=_wide_for(row.user, scope),
        parent=row if row.kind == Token.Kind.API else row.parent,
        roles=filter(None, row.only_roles.split(",")),
        services=grant.only_services,
        confined=row.confined,
        read_only=grant.read_only,
        expires=min(grant.expires, _expiry()),
    )


def open_by_application_credential(
    secret: str, *, uuid: str | None, name: str | None, user: str | None, address: str
) -> str:
    """A token in the credential's project, named by its uuid, or by its name and its user's uuid or e-mail.

    Raises Unauthorized, TooManyRequests.
    """
    label = f"{uuid or ''} {user or ''} {name or ''}"
    throttle.check(label, address)
    credential = _find_credential(uuid, name, user)
    known = credential.secret_digest if credential else ""
    if not hmac.compare_digest(tokens.digest_of(secret), known) or credential is None:
        throttle.note_failure(label, address)
        raise refusal()
    if not effective.open_to(credential.user).filter(pk=credential.project_id).exists():
        raise refusal()
    ApplicationCredential.objects.filter(pk=credential.pk).update(last_used=timezone.now())
    return tokens.issue(
        credential.user,
        kind=Token.Kind.CREDENTIAL,
        methods="application_credential",
        project=credential.project,
        credential=credential,
        roles=credential.roles,
        services=filter(None, credential.services.split(",")),
        read_only=not {"member", tokens.ADMIN_ROLE} & set(credential.roles),
        expires=min(_expiry(), credential.expires or _expiry()),
    )


def open_for_page(user_uuid: str, project_uuid: str, lifetime: datetime.timedelta) -> str:
    """A short token for the object store, in a project of somebody who is signed in to pages.

    It is good for nothing else, so that a service that may ask for them cannot act for its users elsewhere.
    Raises Unauthorized.
    """
    user = User.objects.filter(uuid=user_uuid, is_active=True).first()
    if user is None:
        raise refusal()
    project = _project_for(user, Scope(project_id=project_uuid))
    expires = timezone.now() + min(lifetime, _PAGE_TOKEN_LIFETIME)
    return tokens.issue(
        user,
        kind=Token.Kind.LOGIN,
        methods="token",
        project=project,
        services=[_PAGE_TOKEN_SERVICE],
        confined=True,
        expires=expires,
    )


def _find_credential(uuid: str | None, name: str | None, user: str | None) -> ApplicationCredential | None:
    rows = ApplicationCredential.objects.filter(
        Q(expires__isnull=True) | Q(expires__gt=timezone.now()), user__is_active=True
    ).select_related("user", "project")
    if uuid is not None:
        return rows.filter(uuid=parse_uuid(uuid)).first()
    owner = Q(user__uuid=parse_uuid(user or "")) | Q(user__username=(user or "").lower())
    return rows.filter(owner, name=name or "").first()


def _project_for(user: User, scope: Scope) -> Project | None:
    """The project to scope to. Raises Unauthorized if he may not work in the one that was named."""
    if scope.unscoped or scope.wide:
        return None
    open_to_him = effective.open_to(user)
    if scope.project_id is None and scope.project_name is None:
        entry = UserEntry.objects.filter(user=user).exclude(name="").first()
        default = entry.default_project if entry is not None else user.default_project
        return open_to_him.filter(uuid=default).first()
    if scope.project_id is not None:
        project = open_to_him.filter(uuid=parse_uuid(scope.project_id)).first()
    else:
        here = {"entry__domain__uuid": None if scope.project_domain == "default" else scope.project_domain}
        project = open_to_him.filter(name=scope.project_name, **here).first()
    if project is None:
        raise refusal()
    return project


def _wide_for(user: User, scope: Scope) -> str:
    """Raises Unauthorized if he has no role there."""
    if scope.wide and not user.is_superuser and not effective.roles_in_scope(user.pk, scope.wide):
        raise refusal()
    return scope.wide


def _expiry() -> datetime.datetime:
    lifetime_h: int = settings.ASTAKOS_LOGIN_TOKEN_DURATION_H
    return timezone.now() + datetime.timedelta(hours=lifetime_h)
