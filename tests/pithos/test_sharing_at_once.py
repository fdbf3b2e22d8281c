"""Sharing and publishing that come with an object: both or neither of them, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.audit.models import AuditEvent
from synnefo.pithos.namespace import publishing, sharing
from synnefo.pithos.namespace.models import Container, PublicLink, Share, Version
from tests.pithos.conftest import Api
from tests.pithos_kit import body_of

BOTH = {"X_Object_Sharing": "read=bob", "X_Object_Public": "true"}


def copied(api: Api, method: str, **headers: str) -> Any:
    return api(method, "c/source", Destination="/c/o", **headers)


#: Every request that may say how the object is shared which it makes.
REQUESTS: dict[str, Callable[..., Any]] = {
    "content": lambda api, **headers: api("PUT", "c/o", b"new", "text/plain", **headers),
    "copy from": lambda api, **headers: api("PUT", "c/o", X_Copy_From="/c/source", **headers),
    "move from": lambda api, **headers: api("PUT", "c/o", X_Move_From="/c/source", **headers),
    "copy": lambda api, **headers: copied(api, "COPY", **headers),
    "move": lambda api, **headers: copied(api, "MOVE", **headers),
    "range": lambda api, **headers: api(
        "POST", "c/o", b"new", "application/octet-stream", Content_Range="bytes */*", **headers
    ),
    "metadata": lambda api, **headers: api("POST", "c/o", X_Object_Meta_A="1", **headers),
    "nothing else": lambda api, **headers: api("POST", "c/o?update", **headers),
}


def everything() -> tuple[object, ...]:
    """All that a change of an object changes."""
    return (
        list(Version.objects.order_by("pk").values_list("object__name", "state", "hash", "attributes")),
        list(Container.objects.values_list("object_count", "size_bytes")),
        list(Share.objects.values_list("object__name", "who", "write")),
        list(PublicLink.objects.values_list("object__name", "url")),
        AuditEvent.objects.count(),
    )


def failing(*arguments: object, **details: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("module", [sharing, publishing])
@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
def test_what_cannot_be_shared_is_not_stored(
    api: Api, request_of: Callable[..., Any], module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put("c/o", "old")
    api.put("c/source", "source")
    before = everything()
    monkeypatch.setattr(module, "record", failing)
    assert request_of(api, **BOTH).status_code == 500
    assert everything() == before
    monkeypatch.undo()
    assert request_of(api, **BOTH).status_code in (201, 202, 204)
    shown = api("HEAD", "c/o")
    assert shown["X-Object-Sharing"] == "read=bob"
    link = PublicLink.objects.get().url
    assert shown["X-Object-Public"].endswith(f"/public/{link}")
    assert request_of(api, X_Object_Sharing="", X_Object_Public="false").status_code in (201, 202, 204, 404)


@pytest.mark.parametrize("sharing_of", ["read=" + ",".join(f"u{number}" for number in range(257)), "what"])
def test_sharing_that_makes_no_sense_stores_nothing(api: Api, sharing_of: str) -> None:
    api.put("c/o", "old")
    before = everything()
    assert api("PUT", "c/o", b"new", "text/plain", X_Object_Sharing=sharing_of).status_code == 400
    assert everything() == before
    assert body_of(api("GET", "c/o")) == b"old"


def test_a_new_object_whose_links_name_is_taken_gets_another(api: Api, settings: Any) -> None:
    settings.PITHOS_PUBLIC_URL_SECURITY = 0  # so the first is always the same
    for name in ("a", "b", "d"):
        api.put(f"c/{name}", name, X_Object_Public="true")
    assert len(set(PublicLink.objects.values_list("url", flat=True))) == 3
    assert Container.objects.get(name="c").object_count == 3
