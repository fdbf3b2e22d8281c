"""Who works in an account beside its own people: ``X-Account-Access-Control``.

A JSON object of three lists of users, as access lists name them: ``admin`` may do what the account's people
may, ``read-write`` all but see and change who may do what, ``read-only`` looks. Who is on a list acts as one
of the account's people, with that much.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest
from synnefo.pithos.namespace import access, accounts, acl
from synnefo.pithos.namespace.models import Account

HEADER = "X-Account-Access-Control"
OPTION = "people"
ADMIN, WRITER, READER = "admin", "read-write", "read-only"
_LEVELS = (ADMIN, WRITER, READER)
_MOST = 8192
_ROLES = {ADMIN: frozenset({"member"}), WRITER: frozenset({"member"}), READER: frozenset({"reader"})}


def asked(request: HttpRequest) -> dict[str, list[str]] | None:
    """The lists that a request sets, empty to remove them; None if it says nothing. Raises BadRequest."""
    text = request.META.get("HTTP_" + HEADER.upper().replace("-", "_"))
    if text is None:
        return None
    if len(text) > _MOST:
        raise BadRequest(f"{HEADER} is too long.")
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest(f"Syntax error parsing ACL in {HEADER}.") from None
    if not isinstance(found, dict):
        raise BadRequest(f"Syntax error: {HEADER} is a JSON object.")
    for level, users in found.items():
        if level not in _LEVELS:
            raise BadRequest(f"Key {json.dumps(level)} not recognized in {HEADER}.")
        if not isinstance(users, list) or not all(isinstance(user, str) for user in users):
            raise BadRequest(f"Value for {json.dumps(level)} in {HEADER} must be a list of strings.")
    return {level: users for level, users in found.items() if users}


def keep(caller: Caller, account: str, lists: Mapping[str, list[str]]) -> None:
    """Let these be the lists. Raises Forbidden."""
    found = accounts.get(caller, account, right=access.Right.OWN)
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=found.pk)
        row.options = {**row.options, OPTION: dict(lists)}
        row.save(update_fields=("options",))
        record(caller, "account.modify", "pithos account", account)


def told(account: Account) -> str:
    """The lists as the header says them; empty if there are none."""
    lists = account.options.get(OPTION)
    return json.dumps(lists, separators=(",", ":"), sort_keys=True) if lists else ""


def level_of(caller: Caller, account: str) -> str:
    """Which of the lists somebody else is on, the one that gives most; empty if on none."""
    if not caller.user or account in access.names_of(caller):
        return ""
    row = Account.objects.filter(name=account).only("options").first()
    lists: Mapping[str, list[str]] = row.options.get(OPTION, {}) if row is not None else {}
    for level in _LEVELS:
        named = ",".join(lists.get(level, ()))
        if named and acl.given({"write": named}, caller, account):
            return level
    return ""


def joined(caller: Caller, account: str, level: str) -> Caller:
    """The same user as one of the account's people, with what a list gives."""
    projects = access.names_of(caller) | {account}
    return dataclasses.replace(caller, projects=projects, roles=_ROLES[level], scope=Scope.OWNER)
