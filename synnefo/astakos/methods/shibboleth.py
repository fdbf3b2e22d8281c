"""Who somebody is by Shibboleth: what mod_shib, in a web server in front of us, says in headers.

Anybody can send headers, so they count only if the connection comes from one of
``ASTAKOS_SHIBBOLETH_TRUSTED_PROXIES``; that server must remove what clients send under these names.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from synnefo.astakos.methods import registry, rules
from synnefo.astakos.methods.identities import Identity, identity_from
from synnefo.common.faults import BadRequest, Forbidden

MODULE = "shibboleth"
_GIVEN, _SURNAME = "Shib-InetOrgPerson-givenName", "Shib-Person-surname"
_FULL_NAMES = ("Shib-InetOrgPerson-displayName", "Shib-Person-commonName")
_AFFILIATION = "Shib-EP-Affiliation"


def identity_of(request: HttpRequest) -> Identity:
    """Raises Forbidden (not from the trusted proxy, no identity), BadRequest (no name)."""
    if not _is_trusted(request.META.get("REMOTE_ADDR", "")):
        raise Forbidden("Signing in by Shibboleth goes through this cloud's web server alone.")
    headers = {name: _header(request, name) for name in request.headers if name.lower().startswith("shib-")}
    known = {**{name.lower(): value for name, value in headers.items()}}
    given, surname = known.get(_GIVEN.lower(), ""), known.get(_SURNAME.lower(), "")
    full = next((known[name.lower()] for name in _FULL_NAMES if known.get(name.lower())), "")
    if not (given or surname):
        given, _, surname = full.partition(" ")
    if settings.ASTAKOS_SHIBBOLETH_REQUIRE_NAME_INFO and not (given or surname):
        raise BadRequest("Your organisation did not tell your name, which this cloud asks for.")
    remote_user = _header(request, "Remote-User")
    provider = registry.get(MODULE)
    named = {source: known.get(source.lower(), "") for source, _ in provider.attribute_map().values()}
    attributes = named | {"REMOTE_USER": remote_user, _GIVEN: given, _SURNAME: surname}
    identity = identity_from(
        provider, attributes, affiliation=known.get(_AFFILIATION.lower(), ""), info=headers
    )
    _migrate_eppn(_header(request, "Eppn"), identity.identifier)
    return identity


def _migrate_eppn(eppn: str, remote_user: str) -> None:
    """Up to 0.14 people were known by their eppn."""
    if settings.ASTAKOS_SHIBBOLETH_MIGRATE_EPPN and eppn and eppn != remote_user:
        rules.rename_identifier(MODULE, eppn, remote_user)


def _is_trusted(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    networks = settings.ASTAKOS_SHIBBOLETH_TRUSTED_PROXIES
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def _header(request: HttpRequest, name: str) -> str:
    """mod_shib writes UTF-8, WSGI hands it over as Latin-1."""
    value: str = request.headers.get(name, "")
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
