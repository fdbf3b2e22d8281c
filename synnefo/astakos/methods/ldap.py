"""Who somebody is by a directory: django-auth-ldap finds and binds, its ``AUTH_LDAP_*`` settings say how.

The library is an extra of this package. It makes no accounts here: what it found becomes an ``Identity``.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings

from synnefo.astakos.accounts import throttle
from synnefo.astakos.methods import registry
from synnefo.astakos.methods.identities import Identity, identity_from
from synnefo.common.faults import ServiceUnavailable, Unauthorized

try:
    import ldap
    from django_auth_ldap.backend import LDAPBackend
except ImportError:  # the extra is not installed; whoever signs in is told so
    LDAPBackend = None

log = structlog.get_logger("synnefo.astakos")

MISSING = "Signing in by LDAP needs the package's extra: pip install 'synnefo[ldap]'"
_AWAY = "The directory does not answer. Try again later."
_WRONG = "The name or the password is wrong."
_GUID, _GUID_BYTES = "objectguid", 16


def is_installed() -> bool:
    return LDAPBackend is not None


def authenticate(name: str, password: str, *, address: str) -> Identity:
    """Raises Unauthorized (whatever is wrong), TooManyRequests, ServiceUnavailable (directory, extra)."""
    if not is_installed():
        log.error("no LDAP", reason=MISSING)
        raise ServiceUnavailable(MISSING)
    with throttle.guarding("ldap", name, address):
        name = name.strip()
        if not name or not password or "\x00" in name + password:  # an empty password is an anonymous bind
            raise Unauthorized(_WRONG)
        try:
            return _bind(name, password)
        except ldap.LDAPError as error:
            log.error("the directory failed", error=str(error))
            raise ServiceUnavailable(_AWAY) from error


def _bind(name: str, password: str) -> Identity:
    from django_auth_ldap.backend import _LDAPUser

    found = _LDAPUser(LDAPBackend(), username=name)
    known = found.dn is not None
    try:
        if known:
            found._authenticate_user_dn(password)
            found._check_requirements()
        else:
            found._bind_as(_nobody(), password)
    except (found.AuthenticationFailed, ldap.INVALID_CREDENTIALS, ldap.NO_SUCH_OBJECT) as error:
        raise Unauthorized(_WRONG) from error
    if not known:
        raise Unauthorized(_WRONG)
    return _identity(found)


def _nobody() -> str:
    """An entry that is not there, below the base of the search: to bind as it takes as long."""
    search = getattr(settings, "AUTH_LDAP_USER_SEARCH", None)
    return f"cn={uuid.uuid4()},{getattr(search, 'base_dn', 'dc=invalid')}"


def _identity(found: Any) -> Identity:
    provider = registry.PROVIDERS["ldap"]
    attributes = {name: _text(name, values) for name, values in found.attrs.items()}
    sources = {source.lower(): source for source, _ in provider.attribute_map().values()}
    by_name = {sources.get(name.lower(), name): value for name, value in attributes.items()}
    return identity_from(provider, by_name, groups=_groups(found), info=_info(attributes))


def _info(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes that are kept with the method: ``ASTAKOS_AUTH_PROVIDER_LDAP_PROVIDER_ATTRS``."""
    wanted = {str(name).lower() for name in registry.provider_setting("ldap", "PROVIDER_ATTRS") or ()}
    return {name: value for name, value in attributes.items() if name.lower() in wanted}


def _groups(found: Any) -> frozenset[str]:
    if getattr(settings, "AUTH_LDAP_GROUP_SEARCH", None) is None:
        return frozenset()
    return frozenset(str(name) for name in found.group_names)


def _text(name: str, values: Any) -> str:
    """The first value; Active Directory's objectGUID, 16 bytes that may look like text, as others do."""
    first = values[0] if values else ""
    if name.lower() == _GUID and isinstance(first, str):
        first = first.encode()
    if not isinstance(first, bytes):
        return str(first)
    return str(uuid.UUID(bytes_le=first)) if len(first) == _GUID_BYTES else first.hex()
