"""Clients of the OAuth 2 provider, and the codes and tokens of 0.21's flow. What OpenID Connect does with the
same clients is allauth's business.

A redirect URI is matched as a whole. Clients that are trusted, confidential and speak 0.21's flow may also
name what is below one: Pithos' ``view`` sends everybody back to the very file, and a code is of no use
without the client's secret.
"""

from __future__ import annotations

import dataclasses
import datetime
import secrets
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from allauth.idp.oidc.models import Client
from allauth.idp.oidc.models import Token as ClientToken
from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import throttle, tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.oauth.adapter import SCOPES
from synnefo.astakos.oauth.models import OAuthClient, OAuthCode, OAuthToken
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, Unauthorized
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

#: How tokens of the APIs were made that are access tokens of clients, too.
API_METHOD = "oauth2"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")

_CODE_LIFETIME = datetime.timedelta(seconds=60)
_FORBIDDEN_SCHEMES = ("javascript", "data", "vbscript", "file", "about", "blob")


def add_client(
    caller: Caller,
    identifier: str,
    *,
    urls: Iterable[str],
    secret: str = "",
    name: str = "",
    confidential: bool = True,
    trusted: bool = False,
    scopes: Iterable[str] = ("openid", "profile", "email"),
    grants: Iterable[str] = GRANTS[:2],
) -> tuple[OAuthClient, str]:
    """A client and its secret, which is made here unless it is given; a public one has none.

    Raises BadRequest (a URL that no redirect may go to, a scope or grant that there is not, a confidential
    client without a place to return to), Conflict (the identifier is taken).
    """
    kept = [checked_url(url) for url in urls]
    scopes, grants = sorted(set(scopes)), list(grants)
    if not kept and "authorization_code" in grants:
        raise BadRequest("A client that people sign in at needs a redirect URL.")
    if unknown := set(scopes) - set(SCOPES):
        raise BadRequest(f"No scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}.")
    if unknown := set(grants) - set(GRANTS):
        raise BadRequest(f"No grant {', '.join(sorted(unknown))}; there are {', '.join(GRANTS)}.")
    if not confidential and (secret or "client_credentials" in grants):
        raise BadRequest("A public client has no secret, and nothing that only a secret may do.")
    secret = (secret or secrets.token_urlsafe(32)) if confidential else ""
    kind = Client.Type.CONFIDENTIAL if confidential else Client.Type.PUBLIC
    client = Client(id=identifier, name=name or identifier, type=kind, skip_consent=trusted)
    check_fields(client, ("id", "name"))
    client.set_secret(secret or secrets.token_urlsafe(32))  # nobody knows the one of a public client
    client.set_redirect_uris(kept)
    client.set_scopes(scopes)
    client.set_default_scopes([name for name in scopes if name == "openid"])
    client.set_grant_types(grants)
    try:
        with atomic():
            client.save(force_insert=True)
            made = OAuthClient.objects.create(client=client)
            audit.record(caller, "oauth-client.create", "oauth client", identifier, trusted=trusted)
    except IntegrityError as error:
        raise Conflict(f"There is a client {identifier!r} already.") from error
    return made, secret


def clients() -> QuerySet[OAuthClient]:
    return OAuthClient.objects.select_related("client").order_by("pk")


def find_client(text: str) -> OAuthClient:
    """By identifier or number. Raises ItemNotFound."""
    found = clients().filter(client_id=text).first()
    if found is None and text.isascii() and text.isdigit():
        found = clients().filter(pk=int(text[:18])).first()
    if found is None:
        raise ItemNotFound(f"No client {text!r}.")
    return found


def remove_client(caller: Caller, found: OAuthClient) -> None:
    """It goes with its URLs, codes and tokens."""
    with atomic():
        audit.record(caller, "oauth-client.delete", "oauth client", found.client_id)
        found.client.delete()


def checked_url(url: str) -> str:
    """Raises BadRequest for what cannot be a redirect URI: not absolute, with a fragment, too long, ..."""
    longest: int = settings.OAUTH2_MAXIMUM_ALLOWED_REDIRECT_URI_LENGTH
    if len(url) > longest:
        raise BadRequest(f"A redirect URL has {longest} characters at most.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadRequest(f"{url!r} is no URL.") from None
    web = parts.scheme in ("http", "https")
    if not parts.scheme or (web and not parts.hostname) or parts.scheme in _FORBIDDEN_SCHEMES:
        raise BadRequest(f"{url!r} is no absolute URL that a browser can be sent to.")
    if "#" in url or "*" in url or parts.username or any(mark.isspace() or mark == "\\" for mark in url):
        raise BadRequest(f"A redirect URL has no fragment, user, blank, * or backslash: {url!r}.")
    return url


def redirect_allowed(client: Client, url: str) -> bool:
    """Whether 0.21's flow may send somebody there."""
    try:
        checked_url(url)
    except BadRequest:
        return False
    registered = client.get_redirect_uris()
    if url in registered:
        return True
    below = client.skip_consent and client.type == Client.Type.CONFIDENTIAL
    climbs = any(part in (".", "..") for part in unquote(unquote(urlsplit(url).path)).split("/"))
    return below and not climbs and any(url.startswith(f"{start.rstrip('/')}/") for start in registered)


def make_code(client: Client, user: User, redirect_uri: str, scope: str) -> str:
    """A code of 0.21's flow: good for a minute and once. The caller has checked the URI and the consent."""
    code = _random(settings.OAUTH2_AUTHORIZATION_CODE_LENGTH)
    OAuthCode.objects.create(
        digest=tokens.digest_of(code),
        client=client,
        user=user,
        redirect_uri=redirect_uri,
        scope=scope,
        expires=timezone.now() + _CODE_LIFETIME,
    )
    return code


def proven_client(identifier: str, secret: str, *, address: str) -> Client:
    """The client, by its secret if it has one. Raises Unauthorized, TooManyRequests."""
    with throttle.guarding("oauth-client", identifier, address):
        client = Client.objects.filter(pk=identifier).first()
        confidential = client is not None and client.type == Client.Type.CONFIDENTIAL
        if client is None or (confidential and not client.check_secret(secret)):
            raise Unauthorized("Invalid client credentials")
    return client


def redeem(client: Client, code: str, redirect_uri: str) -> tuple[str, int]:
    """A token for a code, and for how many seconds it is good. Raises BadRequest.

    The code is gone, whatever becomes of it.
    """
    with atomic():
        row = OAuthCode.objects.select_for_update().filter(digest=tokens.digest_of(code)).first()
        taken = OAuthCode.objects.filter(pk=row.pk).delete()[0] if row is not None else 0
    if row is None or not taken or row.expires <= timezone.now() or row.client_id != client.pk:
        raise BadRequest("Invalid grant: no such code")
    if row.redirect_uri.rstrip("/") != redirect_uri.rstrip("/"):
        raise BadRequest("Invalid grant: the redirect URI is not the one that the code was made for")
    token, lifetime_s = _random(settings.OAUTH2_TOKEN_LENGTH), int(settings.OAUTH2_TOKEN_EXPIRES)
    OAuthToken.objects.create(
        digest=tokens.digest_of(token),
        client=client,
        user_id=row.user_id,
        scope=row.scope,
        expires=timezone.now() + datetime.timedelta(seconds=lifetime_s),
    )
    return token, lifetime_s


def token_of(text: str, belongs_to: str | None) -> OAuthToken:
    """An access token of 0.21's flow that is good, for what is below its scope. Raises ItemNotFound."""
    row = OAuthToken.objects.select_related("user").filter(digest=tokens.digest_of(text)).first()
    if row is None or row.expires <= timezone.now() or not row.user.is_active:
        raise ItemNotFound("No such token")
    if belongs_to is not None and not belongs_to.startswith(row.scope):
        raise ItemNotFound("No such token")
    return row


@dataclasses.dataclass(frozen=True)
class Program:
    """A client that holds tokens of a user's. ``number`` is the client's."""

    number: int
    name: str
    scopes: tuple[str, ...]
    since: datetime.datetime


def programs_of(user: User) -> list[Program]:
    """What a user allowed, by name."""
    rows = ClientToken.objects.valid().filter(user=user).select_related("client__numbered")
    by_client: dict[int, list[ClientToken]] = {}
    for row in rows.filter(client__numbered__isnull=False).order_by("pk"):
        by_client.setdefault(row.client.numbered.pk, []).append(row)
    found = [
        Program(
            number,
            tokens_of[0].client.name,
            tuple(str(SCOPES[name]) for name in SCOPES if any(name in row.get_scopes() for row in tokens_of)),
            min(row.created_at for row in tokens_of),
        )
        for number, tokens_of in by_client.items()
    ]
    return sorted(found, key=lambda program: program.name.lower())


def end_program(caller: Caller, user: User, number: int) -> str:
    """End all that a client holds of a user's; returns its name. Raises ItemNotFound."""
    found = clients().filter(pk=number).first()
    if found is None:
        raise ItemNotFound("No such program.")
    with atomic():
        end_tokens(ClientToken.objects.filter(user=user, client=found.client))
        OAuthCode.objects.filter(user=user, client=found.client).delete()
        OAuthToken.objects.filter(user=user, client=found.client).delete()
        audit.record(caller, "oauth-client.end", "oauth client", found.client_id, user=user.uuid)
    return str(found.client.name)


def end_tokens(rows: QuerySet[ClientToken]) -> None:
    """End a client's tokens, and what they opened of the APIs."""
    with atomic():
        Token.objects.filter(
            digest__in=list(rows.values_list("hash", flat=True)), methods=API_METHOD
        ).delete()
        rows.delete()


def remove_expired() -> int:
    """Remove codes and tokens that are good no more; returns how many."""
    now = timezone.now()
    removed: int = ClientToken.objects.expired().delete()[0]
    for rows in (OAuthCode.objects.filter(expires__lte=now), OAuthToken.objects.filter(expires__lte=now)):
        removed += rows.delete()[0]
    return removed


def _random(length: int) -> str:
    return secrets.token_urlsafe(length)[:length]
