"""What happened to servers and their owners should read: one row for every operation that failed."""

from __future__ import annotations

import datetime

from django.db.models import QuerySet

from synnefo.cyclades.servers.models import Server, ServerDiagnostic

ERROR, WARNING, INFO = "ERROR", "WARNING", "INFO"
_LONGEST = 255


def note(
    server: Server, level: str, source: str, message: str, *, details: str = "",
    at: datetime.datetime | None = None,
) -> ServerDiagnostic:  # fmt: skip
    """Write one down; a message that is too long stands whole in the details."""
    if len(message) > _LONGEST and not details:
        details = message
    return ServerDiagnostic.objects.create(
        server=server, level=level, source=source[:100], source_date=at, message=message[:_LONGEST],
        details=details,
    )  # fmt: skip


def of_servers(keys: list[int]) -> QuerySet[ServerDiagnostic]:
    """Those of the servers, newest first."""
    return ServerDiagnostic.objects.filter(server__in=keys).order_by("-created", "-id")
