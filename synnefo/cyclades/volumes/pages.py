"""Pages of snapshots: the list, and their end. What is made of one is a volume, by the page of those."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.listing import Listing
from synnefo.common.pages import BUSY_REFRESH_S, CALM_REFRESH_S, form_page, living, local_path
from synnefo.common.quota_shown import told
from synnefo.common.shown import State
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume

_STATES = {
    Image.Status.AVAILABLE: State("Available", "green"),
    Image.Status.SAVING: State("Being made", "blue", busy=True),
    Image.Status.ERROR: State("Error", "red"),
}
_OTHER = State("Not available", "orange")


def _find(rows: QuerySet[Image], words: str) -> QuerySet[Image]:
    return rows.filter(Q(name__icontains=words) | Q(uuid=words))


SNAPSHOTS = Listing(
    path="/ui/snapshots/",
    noun="snapshot",
    columns={"name": ("Name", ("name", "id")), "created": ("Age", ("created", "id"))},
    usual="-created",
    find=_find,
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A snapshot as a row shows it, with the volume that it is of where that is there still."""

    snapshot: Image
    volume: Volume | None
    back: str

    @property
    def state(self) -> State:
        return _STATES.get(Image.Status(self.snapshot.status), _OTHER)

    @property
    def size_gib(self) -> int:
        return snapshots.size_gib(self.snapshot)

    @property
    def usable(self) -> bool:
        return self.snapshot.status == Image.Status.AVAILABLE

    @property
    def delete_url(self) -> str:
        return resolve_url("snapshot-delete", self.snapshot.uuid) + "?" + urlencode({"next": self.back})

    @property
    def restore_url(self) -> str:
        return resolve_url("volume-create") + "?" + urlencode({"snapshot": self.snapshot.uuid})


@living("cyclades/snapshots")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = SNAPSHOTS.context(snapshots.snapshots_for(caller), request.GET)
    rows = context["page"].object_list
    volumes = rules.volumes_for(caller).in_bulk([row.volume_id for row in rows if row.volume_id])
    shown = [Shown(row, volumes.get(row.volume_id), context["here"]) for row in rows]
    return {
        **context,
        "snapshots": shown,
        "refresh_s": BUSY_REFRESH_S if any(row.state.busy for row in shown) else CALM_REFRESH_S,
    }


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes. Told: it goes."""
    found = snapshots.get(caller, uuid)
    back = local_path((request.POST or request.GET).get("next", ""), SNAPSHOTS.path)
    if request.method != "POST":
        context = {"snapshot": found, "url": resolve_url("snapshot-delete", uuid), "next": back}
        return render(request, "cyclades/snapshot_delete.html", context)
    try:
        snapshots.delete(caller, uuid)
    except Fault as fault:
        messages.error(request, f"{found.name}: {told(fault)}")
    else:
        messages.success(request, f"Snapshot {found.name} is deleted.")
    return HttpResponseRedirect(back, status=303)


urlpatterns: list[URLPattern | URLResolver] = [
    path("snapshots/", listing.page, name="snapshots"),
    path("snapshots/rows/", listing.part, name="snapshot-rows"),
    path("snapshots/<slug:uuid>/delete/", delete, name="snapshot-delete"),
]
