"""How identity v3 shows things."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from synnefo.astakos.accounts import credentials
from synnefo.astakos.accounts.models import ApplicationCredential, User
from synnefo.astakos.accounts.tokens import Grant
from synnefo.astakos.projects.models import Project

DOMAIN_ID = "default"
DOMAIN = {"id": DOMAIN_ID, "name": "Default"}
ROLES = ("admin", "member", "reader")


def when(moment: datetime.datetime | None) -> str | None:
    """Keystone's form: always with microseconds, and Z for UTC."""
    if moment is None:
        return None
    utc = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def token(grant: Grant) -> dict[str, Any]:
    """A token without its catalog."""
    shown: dict[str, Any] = {
        "methods": grant.methods.split(","),
        "user": {
            "domain": DOMAIN,
            "id": grant.user__uuid,
            "name": grant.user__username,
            "password_expires_at": None,
        },
        "audit_ids": [base64.urlsafe_b64encode(bytes.fromhex(grant.digest)[:16]).decode().rstrip("=")],
        "expires_at": when(grant.expires),
        "issued_at": when(grant.created),
    }
    if grant.project_id is not None:
        shown["project"] = {"domain": DOMAIN, "id": grant.project__uuid, "name": grant.project__realname}
        shown["is_domain"] = False
        shown["roles"] = [role_name(name) for name in sorted(grant.roles)]
    own = credentials.of_grant(grant)
    if own is not None:
        restricted = not own.unrestricted
        shown["application_credential"] = {"id": own.uuid, "name": own.name, "restricted": restricted}
    return shown


def role_name(name: str) -> dict[str, str]:
    return {"id": name, "name": name}


def role(name: str, root: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "domain_id": None,
        "description": None,
        "options": {},
        "links": {"self": f"{root}/roles/{name}"},
    }


def domain(root: str) -> dict[str, Any]:
    return {
        **DOMAIN,
        "description": "The one domain of this cloud",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": {"self": f"{root}/domains/{DOMAIN_ID}"},
    }


def project(row: Project, root: str) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.realname,
        "domain_id": DOMAIN_ID,
        "description": row.description,
        "enabled": row.is_normal,
        "parent_id": DOMAIN_ID,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{root}/projects/{row.uuid}"},
    }


def user(row: User, root: str) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.username,
        "domain_id": DOMAIN_ID,
        "email": row.email,
        "description": row.realname,
        "enabled": row.is_active,
        "default_project_id": row.default_project or None,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{root}/users/{row.uuid}"},
    }


def credential(row: ApplicationCredential, root: str) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.name,
        "description": row.description or None,
        "user_id": row.user.uuid,
        "project_id": row.project.uuid,
        "roles": [{**role_name(name), "domain_id": None} for name in row.roles],
        "expires_at": when(row.expires),
        "unrestricted": row.unrestricted,
        "system": None,
        "links": {"self": f"{root}/users/{row.user.uuid}/application_credentials/{row.uuid}"},
    }


def listing(kind: str, rows: list[dict[str, Any]], url: str, *, truncated: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {"links": {"next": None, "self": url, "previous": None}, kind: rows}
    return {**shown, "truncated": True} if truncated else shown
