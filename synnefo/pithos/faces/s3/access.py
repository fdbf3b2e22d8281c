"""Access lists of buckets and objects: what S3 grants, as the access lists and shares that all faces know.

A bucket's are the container's lists in Swift's grammar, an object's the shares of its path. Both name whoever
comes for reading only: who may write must have signed, even where S3's words are "all users".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.http import HttpResponse

from synnefo.pithos.faces.s3 import grants, kit, versions
from synnefo.pithos.faces.s3.grants import EVERYBODY, READ, SIGNED, WRITE, Grant
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import access, acl, options, sharing
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also, nothing_else
from synnefo.pithos.namespace.models import Share

OPTION = "acl"
#: In Swift's grammar: whoever is signed in.
_ANYBODY = "*:*"


def get_bucket(asked: Asked) -> HttpResponse:
    lists = options.get(asked.caller, asked.account, asked.bucket, OPTION) or {}
    return kit.answer("AccessControlPolicy", grants.shown(asked.account, _of_lists(lists)))


def put_bucket(asked: Asked) -> HttpResponse:
    lists = lists_of(grants.in_request(asked))
    options.put(asked.caller, asked.account, asked.bucket, OPTION, lists or None)
    return kit.empty()


def get_bucket_policy_status(asked: Asked) -> HttpResponse:
    lists = options.get(asked.caller, asked.account, asked.bucket, OPTION) or {}
    is_public = any(grant.who == EVERYBODY for grant in _of_lists(lists))
    return kit.answer("PolicyStatus", {"IsPublic": is_public})


def get_object(asked: Asked) -> HttpResponse:
    version = versions.found(asked)
    container = access.object(asked.caller, asked.path, Right.OWN)
    rows = Share.objects.filter(object__container=container, object__name=asked.key).order_by("pk")
    shares = dict(rows.values_list("who", "write"))
    response = kit.answer("AccessControlPolicy", grants.shown(asked.account, _of_shares(shares)))
    versions.stamp(response, version, version.object.container)
    return response


def put_object(asked: Asked) -> HttpResponse:
    """The list is the path's, whichever version is named."""
    versions.found(asked)
    shares, everybody = _shares(grants.in_request(asked))
    sharing.replace(asked.caller, asked.path, shares, everybody=everybody)
    return kit.empty()


def granted(asked: Asked) -> Sequence[Grant] | None:
    """What a request grants, which the owner alone may; from others "nobody but the owner" says nothing.

    Raises S3Error, Forbidden.
    """
    found = grants.in_headers(asked)
    if found:
        access.check(asked.caller, asked.path, right=Right.OWN)
    if found is None or not access.may(asked.caller, asked.path, Right.OWN):
        return None
    return found


def wish(asked: Asked, found: Sequence[Grant] | None) -> Also:
    """To share the key of a request as these grants say, and with nobody else; with None no wish at all."""
    if found is None:
        return nothing_else
    shares, everybody = _shares(found)
    return sharing.wish(asked.caller, asked.path, shares, everybody=everybody)


def _shares(found: Sequence[Grant]) -> tuple[dict[str, bool], bool]:
    """With whom to share, and whether whoever comes may read."""
    shares: dict[str, bool] = {}
    for grant in found:
        who = access.SIGNED_IN if grant.who in (EVERYBODY, SIGNED) else grant.who
        if grant != Grant(EVERYBODY, READ):
            shares[who] = shares.get(who, False) or grant.permission == WRITE
    return shares, Grant(EVERYBODY, READ) in found


def lists_of(found: Iterable[Grant]) -> dict[str, str]:
    """The lists of a container that say the same."""
    entries: dict[str, list[str]] = {"read": [], "write": []}
    for grant in found:
        if grant == Grant(EVERYBODY, READ):
            entries["read"].append(acl.EVERYBODY_READS)
        else:
            who = _ANYBODY if grant.who in (EVERYBODY, SIGNED) else grant.who
            entries["read" if grant.permission == READ else "write"].append(who)
    return {name: ",".join(texts) for name, texts in entries.items() if texts}


def _of_lists(lists: Mapping[str, str]) -> list[Grant]:
    """What S3 can say of the lists; other entries it cannot name."""
    everybody = acl.is_for_everybody(lists.get("read", ""))
    found = [Grant(EVERYBODY, READ)] if everybody else []
    for name, permission in (("read", READ), ("write", WRITE)):
        for entry in filter(None, lists.get(name, "").split(",")):
            if entry == _ANYBODY:
                found.append(Grant(EVERYBODY if everybody and permission == WRITE else SIGNED, permission))
            elif ":" not in entry and not entry.startswith("."):
                found.append(Grant(entry, permission))
    return found


def _of_shares(shares: Mapping[str, bool]) -> list[Grant]:
    everybody = Share.EVERYBODY in shares
    found = [Grant(EVERYBODY, READ)] if everybody else []
    for who, write in shares.items():
        if who == Share.EVERYBODY or ":" in who:
            continue
        name = who if who != access.SIGNED_IN else EVERYBODY if everybody and write else SIGNED
        if Grant(name, READ) not in found:
            found.append(Grant(name, READ))
        if write:
            found.append(Grant(name, WRITE))
    return found
