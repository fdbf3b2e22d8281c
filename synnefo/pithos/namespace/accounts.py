"""Whose account it is, who may look into it and change it, and what it says about itself.

An account is named by a uuid: a user's (his own, charged to his system project) or another project's (all of
its members', charged to its pool). ``check`` is the only place that says who may reach which.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Sum
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.accounts import accounts as seam
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Forbidden, Unauthorized
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace.models import Account, Container
from synnefo.pithos.namespace.names import check_attributes, merged

#: Who has none of these roles in a project reads only.
_WRITERS = frozenset({"member", "manager", "admin"})


def check(caller: Caller, *names: str, write: bool = False, refusal: str = "Account: access denied.") -> None:
    """Raises Forbidden for what is another's, or nobody's: one cannot tell which.

    Owner scope reaches his own account and those of all his projects; project scope the one account of the
    project that he works in. ``refusal`` is the message.
    """
    open_to_him = {caller.project} if caller.scope is Scope.PROJECT else {caller.user, *caller.projects}
    if not open_to_him.issuperset(names) or (write and not _WRITERS & caller.roles):
        raise Forbidden(refusal)


def get(caller: Caller, name: str, *, write: bool = False) -> Account:
    """The account, made if it was never looked at. Raises Forbidden."""
    check(caller, name, write=write)
    account, _ = Account.objects.get_or_create(name=name, defaults={"of_project": name != caller.user})
    return account


def on_behalf(name: str, *, request_id: str = "", address: str = "") -> Caller:
    """The account itself, acting by what its people have signed: links and forms that carry no token.

    It may do in its account what they may. Raises Unauthorized if there is no such account, or if the user
    whose it is may not work any more.
    """
    account = Account.objects.filter(name=name).first()
    if account is None:
        raise Unauthorized("What is signed is not known here.")
    if not account.of_project:
        seam().identity_of_user(name)
    return Caller(
        user=name, project=name, projects=frozenset({name}), roles=frozenset({"member"}),
        scope=Scope.PROJECT, request_id=request_id, address=address,
    )  # fmt: skip


def totals(account: Account) -> tuple[int, int, int]:
    """How many containers and objects it has, and how many bytes these have."""
    rows = Container.objects.filter(account=account)
    sums = rows.aggregate(objects=Sum("object_count"), size=Sum("size_bytes"))
    return rows.count(), sums["objects"] or 0, sums["size"] or 0


def set_attributes(caller: Caller, name: str, attributes: Mapping[str, str], *, merge: bool) -> Account:
    """Change the account's metadata. Raises Forbidden, BadRequest."""
    found = get(caller, name, write=True)
    with atomic():
        account = Account.objects.select_for_update().get(pk=found.pk)
        account.attributes = merged(account.attributes if merge else {}, attributes)
        check_attributes(account.attributes)
        account.modified = timezone.now()
        account.save(update_fields=("attributes", "modified"))
        record(caller, "account.modify", "pithos account", name)
    return account
