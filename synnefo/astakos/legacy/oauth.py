"""Clients of the OAuth 2 provider. Their codes and tokens lived for seconds and stay behind."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.astakos.legacy.world import World
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.oauth.models import OAuthClient
from synnefo.common.caller import system_caller
from synnefo.common.faults import BadRequest
from synnefo.common.legacy import numbers
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step

CONFIDENTIAL = "confidential"
_NUMBERED = Numbered(OAuthClient, "oa2_client")


def _clients(source: Source) -> Sql:
    return (
        "SELECT c.id AS key, c.*, ARRAY(SELECT u.url FROM oa2_redirecturl u WHERE u.client_id = c.id"
        " ORDER BY u.is_default DESC, u.id) AS urls FROM oa2_client c"
    )


def _look(row: Row, world: World) -> Iterator[Model]:
    for url in row["urls"]:
        if not _is_good(url):
            world.report.note("redirect URL that nobody may be sent to: left behind", url)
    if not _good(row):
        world.report.note("OAuth client without a place to return to: left behind", row["identifier"])
    yield from ()


def _client(row: Row, world: World) -> None:
    """Made by the rule that commands use; then it gets its old number."""
    if not _good(row):
        return
    numbers.go_on(_NUMBERED, world.source)  # what it gets first must be nobody's
    confidential = row["type"] == CONFIDENTIAL
    made, _ = oauth.add_client(
        system_caller("legacy-import"),
        row["identifier"],
        urls=_good(row),
        secret=(row["secret"] or "") if confidential else "",
        name=row["name"],
        confidential=confidential,
        trusted=row["is_trusted"],
    )
    OAuthClient.objects.filter(pk=made.pk).update(id=row["id"], url=row["url"] or "")


def _good(row: Row) -> list[str]:
    return [url for url in row["urls"] if _is_good(url)]


def _is_good(url: str) -> bool:
    try:
        oauth.checked_url(url)
    except BadRequest:
        return False
    return True


STEPS = (Step("OAuth clients", _clients, _look, (_NUMBERED,), merge=_client),)
