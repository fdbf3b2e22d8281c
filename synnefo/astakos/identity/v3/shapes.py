"""How identity v3 shows things."""

from __future__ import annotations

import base64
import datetime
from typing import Any

from django.contrib.auth.models import Group

from synnefo.astakos.accounts import credentials
from synnefo.astakos.accounts.models import ApplicationCredential, User
from synnefo.astakos.accounts.tokens import Grant
from synnefo.astakos.catalog.listing import REGION
from synnefo.astakos.catalog.models import Endpoint, Service
from synnefo.astakos.directory import domains, entries
from synnefo.astakos.directory.models import Domain
from synnefo.astakos.keys.models import AccessKey
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles import rules as roles
from synnefo.astakos.roles.assigning import Held
from synnefo.astakos.roles.effective import DOMAIN as DOMAIN_SCOPE
from synnefo.astakos.roles.effective import SYSTEM
from synnefo.astakos.roles.models import Role

DOMAIN_ID = domains.DEFAULT
DOMAIN = {"id": DOMAIN_ID, "name": domains.DEFAULT_NAME}


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
            "domain": _domain(grant.user__entry__domain__uuid, grant.user__entry__domain__name),
            "id": grant.user__uuid,
            "name": name_of(grant.user__username, grant.user__entry__name),
            "password_expires_at": None,
        },
        "audit_ids": [base64.urlsafe_b64encode(bytes.fromhex(grant.digest)[:16]).decode().rstrip("=")],
        "expires_at": when(grant.expires),
        "issued_at": when(grant.created),
    }
    if grant.project_id is not None:
        home = _domain(grant.project__entry__domain__uuid, grant.project__entry__domain__name)
        shown["project"] = {"domain": home, "id": grant.project__uuid, "name": grant.project__realname}
        shown["is_domain"] = False
    elif grant.scope == SYSTEM:
        shown["system"] = {"all": True}
    elif grant.scope:
        shown["domain"] = domain_ref(domains.find(grant.scope.removeprefix(DOMAIN_SCOPE)))
    if grant.project_id is not None or grant.scope:
        shown["roles"] = token_roles(grant)
    own = credentials.of_grant(grant)
    if own is not None:
        restricted = not own.unrestricted
        shown["application_credential"] = {"id": own.uuid, "name": own.name, "restricted": restricted}
    return shown


def token_roles(grant: Grant) -> list[dict[str, str]]:
    names = roles.names(grant.roles)
    return [{"id": role_id, "name": names[role_id]} for role_id in sorted(names)]


def role_name(name: str) -> dict[str, str]:
    return {"id": name, "name": name}


def role(row: Role, root: str) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.name,
        "domain_id": row.domain.uuid if row.domain else None,
        "description": row.description or None,
        "options": row.options,
        "links": {"self": f"{root}/roles/{row.uuid}"},
    }


def role_in_short(row: Role, root: str) -> dict[str, Any]:
    return {"id": row.uuid, "name": row.name, "links": {"self": f"{root}/roles/{row.uuid}"}}


def _domain(uuid: str | None, name: str | None) -> dict[str, str]:
    return {"id": uuid, "name": name} if uuid and name else DOMAIN


def domain_ref(row: Domain | None) -> dict[str, str]:
    return {"id": row.uuid, "name": row.name} if row is not None else DOMAIN


def domain_id(row: Domain | None) -> str:
    return row.uuid if row is not None else DOMAIN_ID


def domain(row: Domain | None, root: str) -> dict[str, Any]:
    return {
        **domain_ref(row),
        "description": row.description if row is not None else "Whoever is in no other domain",
        "enabled": row is None or row.disabled_at is None,
        "tags": row.tags if row is not None else [],
        "options": {},
        "links": {"self": f"{root}/domains/{domain_id(row)}"},
    }


def project(row: Project, root: str) -> dict[str, Any]:
    entry, home = entries.of(row), domain_id(entries.domain_of(row))
    return {
        **(entry.extra if entry else {}),
        "id": row.uuid,
        "name": row.realname,
        "domain_id": home,
        "description": row.description,
        "enabled": row.is_normal,
        "parent_id": entry.parent.uuid if entry and entry.parent else home,
        "is_domain": False,
        "tags": entry.tags if entry else [],
        "options": entry.options if entry else {},
        "links": {"self": f"{root}/projects/{row.uuid}"},
    }


def domain_as_project(row: Domain, root: str) -> dict[str, Any]:
    """A domain where projects are asked for that act as one."""
    shown = domain(row, root)
    links = {"self": f"{root}/projects/{row.uuid}"}
    return {**shown, "domain_id": None, "parent_id": None, "is_domain": True, "links": links}


def user_name(row: User) -> str:
    entry = entries.of(row)
    return name_of(row.username, entry.name if entry else None)


def name_of(username: str, written: str | None) -> str:
    """As administrators wrote it who made him, or his e-mail in lower case."""
    return written if written and written.lower() == username else username


def user(row: User, root: str) -> dict[str, Any]:
    entry = entries.of(row)
    made_here = entry is not None and entry.name
    return {
        **(entry.extra if entry else {}),
        "id": row.uuid,
        "name": user_name(row),
        "domain_id": domain_id(entries.domain_of(row)),
        "email": row.email or (entry.extra.get("email") if entry else None),
        "description": (entry.description if entry else "") or row.realname or None,
        "enabled": row.is_active,
        "default_project_id": (entry.default_project if made_here else row.default_project) or None,
        "password_expires_at": None,
        "options": entry.options if entry else {},
        "links": {"self": f"{root}/users/{row.uuid}"},
    }


def group(row: Group, root: str) -> dict[str, Any]:
    entry = entries.of(row)
    return {
        **(entry.extra if entry else {}),
        "id": str(row.pk),
        "name": row.name,
        "domain_id": domain_id(entries.domain_of(row)),
        "description": entry.description if entry else "",
        "links": {"self": f"{root}/groups/{row.pk}"},
    }


def assignment(held: Held, root: str, names: dict[str, Role] | None) -> dict[str, Any]:
    """``names``: roles by id where names are wanted, too."""
    named = names is not None
    if held.project is not None:
        place = f"projects/{held.project.uuid}"
        scope: dict[str, Any] = {"project": {"id": held.project.uuid}}
        if named:
            home = domain_ref(entries.domain_of(held.project))
            scope = {"project": {"id": held.project.uuid, "name": held.project.realname, "domain": home}}
    elif held.domain:
        place, scope = f"domains/{held.domain}", {"domain": {"id": held.domain}}
    else:
        place, scope = "system", {"system": {"all": True}}
    kind, actor, row = ("user", "users", held.user) if held.user else ("group", "groups", held.group)
    who: dict[str, Any] = {"id": held.user.uuid if held.user else str(held.group.pk) if held.group else ""}
    if named and row is not None:
        name = user_name(held.user) if held.user else held.group.name if held.group else ""
        who |= {"name": name, "domain": domain_ref(entries.domain_of(row))}
    role = {"id": held.role}
    if names is not None and held.role in names:
        role["name"] = names[held.role].name
    link = f"{root}/{place}/{actor}/{who['id']}/roles/{held.role}"
    return {"role": role, "scope": scope, kind: who, "links": {"assignment": link}}


def service(row: Service, root: str) -> dict[str, Any]:
    key = service_id(row.pk)
    return {
        "id": key,
        "name": row.name,
        "type": row.type,
        "enabled": True,
        "description": "",
        "links": {"self": f"{root}/services/{key}"},
    }


def service_id(number: int) -> str:
    return f"{number:032x}"


def endpoint(row: Endpoint, url: str, root: str) -> dict[str, Any]:
    key = row.uuid.replace("-", "")
    return {
        "id": key,
        "service_id": service_id(row.service_id),
        "interface": "public",
        "region": REGION,
        "region_id": REGION,
        "url": url,
        "enabled": True,
        "links": {"self": f"{root}/endpoints/{key}"},
    }


def region(root: str) -> dict[str, Any]:
    return {
        "id": REGION,
        "description": "",
        "parent_region_id": None,
        "links": {"self": f"{root}/regions/{REGION}"},
    }


def access_key(row: AccessKey, secret: str, root: str) -> dict[str, Any]:
    return {
        "access": row.access,
        "secret": secret,
        "user_id": row.user.uuid,
        "tenant_id": row.project.uuid,
        "project_id": row.project.uuid,
        "trust_id": None,
        "links": {"self": f"{root}/users/{row.user.uuid}/credentials/OS-EC2/{row.access}"},
    }


def credential(row: ApplicationCredential, root: str) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "name": row.name,
        "description": row.description or None,
        "user_id": row.user.uuid,
        "project_id": row.project.uuid,
        "roles": [{**role_name(name), "domain_id": None} for name in row.roles],
        "expires_at": (when(row.expires) or "").removesuffix("Z") or None,
        "unrestricted": row.unrestricted,
        "system": None,
        "links": {"self": f"{root}/users/{row.user.uuid}/application_credentials/{row.uuid}"},
    }


def listing(
    kind: str,
    rows: list[dict[str, Any]],
    url: str,
    *,
    following: str | None = None,
    truncated: bool = False,
) -> dict[str, Any]:
    """``following`` is where the next page is; ``truncated``, that there is more without a way to it."""
    shown: dict[str, Any] = {"links": {"next": following, "self": url, "previous": None}, kind: rows}
    return {**shown, "truncated": True} if following or truncated else shown
