"""Content that the cloud brings itself: from an address of the web, from another image, or staged before.

An import is an operation (``operations.images.ImportImage``); what Glance calls a task is that operation.
This is what may be asked for, and how it is found again. What is asked of the web is checked by
``common.http.fetching``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.http import fetching
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations.images import TARGET, ImportImage
from synnefo.engine import rules as engine
from synnefo.engine.models import Operation

#: Where content is kept; there is one place.
STORE = "objects"
METHODS = ("web-download", "glance-direct", "glance-download")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """How content is to come. ``uri`` is that of a web-download, ``source`` and ``region`` of a copy."""

    method: str
    uri: str = ""
    source: str = ""
    region: str = ""


def start(caller: Caller, uuid: str, wanted: Wanted) -> Operation:
    """Have an image filled. If that fails it waits on, and ``fault`` says why.

    Raises ItemNotFound, Forbidden, BadRequest, Conflict (it does not wait for content of this kind).
    """
    check(wanted)
    with atomic():
        image = rules.owned(caller, uuid)
        if image.userid != caller.user:
            raise Forbidden("Only its owner gives an image its content.")
        staged = wanted.method == "glance-direct"
        if image.status != (Image.Status.UPLOADING if staged else Image.Status.QUEUED):
            raise Conflict(f"Image {uuid} cannot be imported by {wanted.method} now.")
        if not image.disk_format or not image.container_format:
            raise BadRequest("Properties disk_format, container_format must be set prior to saving data.")
        image.status, image.fault = Image.Status.IMPORTING, ""
        image.save(update_fields=("status", "fault", "updated"))
        started = engine.start(
            ImportImage, targets=[(TARGET, image.pk)], actor=caller, project=image.project,
            payload={**dataclasses.asdict(wanted), "image": image.uuid, "caller": _acting(caller)},
        )  # fmt: skip
        record(caller, "image.import", "image", image.pk, method=wanted.method, uri=wanted.uri)
    return started


def bring(caller: Caller, uri: str, *, disk_format: str, **about: Any) -> Image:
    """A new image of what is found at an address of the web. Raises BadRequest, Forbidden."""
    wanted = Wanted("web-download", uri)
    check(wanted)
    with atomic():
        image = rules.announce(caller, uuid=None, disk_format=disk_format, **about)
        start(caller, image.uuid, wanted)
    return rules.get(caller, image.uuid)


def tasks_of(caller: Caller, uuid: str) -> QuerySet[Operation]:
    """The imports of an image, newest first. Raises ItemNotFound."""
    image = rules.get(caller, uuid)
    return engine.history_of(TARGET, image.pk).filter(kind=ImportImage.kind)


def tasks(caller: Caller) -> QuerySet[Operation]:
    """All imports that the caller asked for, newest first; administrators see everybody's."""
    rows = Operation.objects.filter(kind=ImportImage.kind).order_by("-id")
    return rows if caller.is_admin else rows.filter(actor=caller.user)


def task(caller: Caller, uuid: str) -> Operation:
    """Raises ItemNotFound."""
    found = tasks(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Task {uuid} could not be found.")
    return found


def state_of(row: Operation) -> str:
    """In Glance's words."""
    if row.state == Operation.State.SUCCEEDED:
        return "success"
    if row.state == Operation.State.FAILED:
        return "failure"
    return "processing" if row.lease_until is not None else "pending"


def check(wanted: Wanted) -> None:
    """Whether that may be asked for at all. Raises BadRequest."""
    if wanted.method not in METHODS:
        raise BadRequest(f"Unknown import method name '{wanted.method}'.")
    if wanted.method == "web-download":
        fetching.check(wanted.uri, settings.CYCLADES_IMAGE_IMPORT_NETWORKS)
    if wanted.method == "glance-download" and parse_uuid(wanted.source) is None:
        raise BadRequest("The image id does not look like a UUID.")


def _acting(caller: Caller) -> dict[str, Any]:
    """As whom the dispatcher stores the content: what of the caller says whose account that is."""
    return {
        "user": caller.user, "project": caller.project, "scope": caller.scope.value,
        "shares": caller.shares, "name": caller.name, "projects": sorted(caller.projects),
        "roles": sorted(caller.roles),
    }  # fmt: skip
