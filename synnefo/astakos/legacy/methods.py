"""Login methods of users, and the policies about them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db.models import Model

from synnefo.astakos.legacy.world import World
from synnefo.astakos.methods.models import LOCAL, AuthMethod, AuthPolicy
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table

_POLICIES = ("add", "remove", "create", "login", "limit", "required", "automoderate", "switch")


def _methods(source: Source) -> Sql:
    """One local method an account (0.20 removed others), one account an identity: that of whoever is in."""
    return (
        "SELECT p.id AS key, p.*, a.uuid, row_number() OVER ("  # noqa: S608  constants of ours
        f" PARTITION BY p.module, CASE WHEN p.module = '{LOCAL}' THEN p.user_id::text ELSE p.identifier END"
        " ORDER BY a.email_verified DESC, p.active DESC, p.created DESC, p.id DESC) AS place"
        " FROM im_astakosuserauthprovider p JOIN im_astakosuser a ON a.user_ptr_id = p.user_id"
    )


def _method(row: Row, world: World) -> Iterator[Model]:
    local = row["module"] == LOCAL
    if row["place"] > 1:
        what = "second local login method" if local else "login method of somebody who has a better claim"
        world.report.note(f"{what}: left behind", f"{row['uuid']} {row['module']}:{row['identifier'] or ''}")
        return
    yield AuthMethod(
        user_id=row["user_id"],
        module=row["module"],
        identifier="" if local else row["identifier"] or "",
        active=row["active"],
        affiliation=row["affiliation"] or "",
        info=_info(row["info_data"]),
        created=row["created"],
        last_login=row["last_login_at"],
    )


def _info(text: str | None) -> dict[str, object]:
    """What the provider told: a text of JSON, or none."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _policy(row: Row, world: World) -> Iterator[Model]:
    yield AuthPolicy(
        pk=row["id"],
        name=row["name"],
        provider=row["provider"],
        is_exclusive=row["is_exclusive"],
        priority=row["priority"],
        active=row["active"],
        **{f"policy_{name}": row[f"policy_{name}"] for name in _POLICIES},
    )


def _policy_of_user(row: Row, world: World) -> Iterator[Model]:
    yield AuthPolicy.users.through(
        authpolicy_id=row["authproviderpolicyprofile_id"], user_id=row["astakosuser_id"]
    )


def _policy_of_group(row: Row, world: World) -> Iterator[Model]:
    yield AuthPolicy.groups.through(
        authpolicy_id=row["authproviderpolicyprofile_id"], group_id=row["group_id"]
    )


STEPS = (
    Step("login methods", _methods, _method),
    Step(
        "policies",
        of_table("im_authproviderpolicyprofile"),
        _policy,
        (Numbered(AuthPolicy, "im_authproviderpolicyprofile"),),
    ),
    Step("policies of users", of_table("im_authproviderpolicyprofile_users"), _policy_of_user),
    Step("policies of groups", of_table("im_authproviderpolicyprofile_groups"), _policy_of_group),
)
