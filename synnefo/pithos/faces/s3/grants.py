"""Access lists in the words of S3: canned ones, headers ``x-amz-grant-...`` and XML. No I/O but names.

A grant says who may do what. What nobody but the owner can have here (reading and writing of the list itself,
and so full control) is not implemented for others, rather than given in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from synnefo.common.accounts import accounts
from synnefo.pithos.faces.s3 import xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked

READ, WRITE, FULL_CONTROL = "READ", "WRITE", "FULL_CONTROL"
_GROUPS = "http://acs.amazonaws.com/groups/"
#: Whoever comes, and whoever signs with any key.
EVERYBODY = f"{_GROUPS}global/AllUsers"
SIGNED = f"{_GROUPS}global/AuthenticatedUsers"

_PERMISSIONS = (READ, WRITE, "READ_ACP", "WRITE_ACP", FULL_CONTROL)
_HEADERS = {f"x-amz-grant-{name.lower().replace('_', '-')}": name for name in _PERMISSIONS}
_ONE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]+)"?\s*', re.IGNORECASE)
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"
_MOST = 100


class Grant(NamedTuple):
    """``who`` is an account's uuid, ``EVERYBODY`` or ``SIGNED``."""

    who: str
    permission: str


_CANNED: Mapping[str, tuple[Grant, ...]] = {
    "private": (),
    "public-read": (Grant(EVERYBODY, READ),),
    "public-read-write": (Grant(EVERYBODY, READ), Grant(EVERYBODY, WRITE)),
    "authenticated-read": (Grant(SIGNED, READ),),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
}


def in_headers(asked: Asked) -> Sequence[Grant] | None:
    """What a request wants besides the owner's rights; None if it says nothing. Raises S3Error."""
    name = asked.header("x-amz-acl")
    given = {header: text for header in _HEADERS if (text := asked.header(header))}
    if name and given:
        raise S3Error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if name:
        return canned(name)
    if not given:
        return None
    found = [
        Grant(who, _HEADERS[header]) for header, text in given.items() for who in map(_who, text.split(","))
    ]
    return _checked(asked.account, found)


def canned(name: str) -> Sequence[Grant]:
    """Raises S3Error."""
    found = _CANNED.get(name)
    if found is None:
        if name in ("aws-exec-read", "log-delivery-write"):
            raise S3Error("NotImplemented", f"The canned ACL {name} is about services that are not here.")
        raise S3Error("InvalidArgument", ArgumentName="x-amz-acl", ArgumentValue=name)
    return found


def in_request(asked: Asked) -> Sequence[Grant]:
    """Those of a request that sets a list: in its headers or as its body. Raises S3Error."""
    found = in_headers(asked)
    body = asked.body()
    if found is not None:
        if body.strip():
            raise S3Error("UnexpectedContent")
        return found
    if not body.strip():
        raise S3Error("MissingSecurityHeader")
    root = xml.parse(body, "AccessControlPolicy")
    grants = root.find("AccessControlList")
    if grants is None or len(grants) > _MOST:
        raise S3Error("MalformedACLError")
    owner = root.find("Owner")
    if owner is not None and xml.text(owner, "ID") not in ("", asked.account):
        raise S3Error("AccessDenied")
    return _checked(asked.account, [_of_element(one) for one in grants])


def shown(account: str, grants: Iterable[Grant]) -> dict[str, Any]:
    """The content of an ``AccessControlPolicy``."""
    found = [Grant(account, FULL_CONTROL), *grants]
    names = accounts().names({grant.who for grant in found if not grant.who.startswith(_GROUPS)})
    return {
        "Owner": {"ID": account, "DisplayName": names.get(account, account)},
        "AccessControlList": {"Grant": [_element(grant, names) for grant in found]},
    }


def _element(grant: Grant, names: Mapping[str, str]) -> dict[str, Any]:
    is_group = grant.who.startswith(_GROUPS)
    kind = "Group" if is_group else "CanonicalUser"
    who = (
        {"URI": grant.who} if is_group else {"ID": grant.who, "DisplayName": names.get(grant.who, grant.who)}
    )
    return {f'Grantee xmlns:xsi="{_XSI}" xsi:type="{kind}"': who, "Permission": grant.permission}


def _of_element(grant: Element) -> Grant:
    grantee = grant.find("Grantee")
    permission = xml.text(grant, "Permission")
    if grant.tag != "Grant" or grantee is None or permission not in _PERMISSIONS:
        raise S3Error("MalformedACLError")
    kind = grantee.get(_TYPE, "")
    if kind == "AmazonCustomerByEmail":
        raise _by_mail()
    who = xml.text(grantee, "URI" if kind == "Group" else "ID")
    if kind not in ("Group", "CanonicalUser") or not who:
        raise S3Error("MalformedACLError")
    if (kind == "Group") != (who in (EVERYBODY, SIGNED)):
        raise S3Error("InvalidArgument", "Invalid group uri" if kind == "Group" else "Invalid id")
    return Grant(who, permission)


def _who(text: str) -> str:
    match = _ONE.fullmatch(text)
    if match is None:
        raise S3Error("InvalidArgument", "Argument format not recognized")
    kind, who = match[1].lower(), match[2].strip()
    if kind == "emailaddress":
        raise _by_mail()
    if kind == "uri" and who not in (EVERYBODY, SIGNED):
        raise S3Error("InvalidArgument", "Invalid group uri")
    return who


def _by_mail() -> S3Error:
    return S3Error("NotImplemented", "Grants name accounts by their id here, not by e-mail addresses.")


def _checked(account: str, found: Iterable[Grant]) -> Sequence[Grant]:
    """Without the owner, who has all rights; others must be known and get what can be given."""
    grants = [grant for grant in dict.fromkeys(found) if grant.who != account]
    if any(grant.permission not in (READ, WRITE) for grant in grants):
        raise S3Error("NotImplemented", "READ_ACP, WRITE_ACP and FULL_CONTROL are the owner's alone.")
    ids = {grant.who for grant in grants} - {EVERYBODY, SIGNED}
    if unknown := sorted(ids - accounts().names(ids).keys() if ids else ()):
        raise S3Error(
            "InvalidArgument", "Invalid id", ArgumentName="CanonicalUser/ID", ArgumentValue=unknown[0]
        )
    return grants
