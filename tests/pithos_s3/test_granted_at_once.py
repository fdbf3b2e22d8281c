"""Access lists that come with an object: the object is never there without its list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.pithos.namespace import sharing
from synnefo.pithos.namespace.models import Share, Version
from tests.pithos_s3.conftest import Api, error
from tests.pithos_s3.test_multipart import begin, complete, put

pytestmark = pytest.mark.django_db


def parts(api: Api) -> Callable[[], Any]:
    upload = begin(api, x_amz_acl="public-read")
    made = put(api, upload, 1, b"new")
    return lambda: complete(api, upload, (1, made["ETag"]))


def whole(api: Api) -> Callable[[], Any]:
    return lambda: api("PUT", "/bucket/o", b"new", x_amz_acl="public-read")


def copy(api: Api) -> Callable[[], Any]:
    api.put("/bucket/source", b"new")
    return lambda: api("PUT", "/bucket/o", x_amz_copy_source="bucket/source", x_amz_acl="public-read")


def failing(*arguments: object, **details: object) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("way", [whole, copy, parts])
def test_what_cannot_be_granted_is_not_stored(
    api: Api, way: Callable[[Api], Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put("/bucket/o", b"old")
    send = way(api)
    versions = Version.objects.count()
    monkeypatch.setattr(sharing, "record", failing)
    assert send().status_code == 500
    assert (api.read("/bucket/o"), Version.objects.count(), Share.objects.count()) == (b"old", versions, 0)
    monkeypatch.undo()
    assert send().status_code == 200
    assert Share.objects.get().who == Share.EVERYBODY
    assert api.read("/bucket/o") == b"new"


def test_a_key_that_is_opened_and_closed_by_who_overwrites_it(api: Api) -> None:
    api.put("/bucket/o", b"open", x_amz_acl="public-read")
    assert Share.objects.get().who == Share.EVERYBODY
    api.put("/bucket/o", b"still open")
    assert Share.objects.count() == 1
    api.put("/bucket/o", b"closed", x_amz_acl="private")
    assert not Share.objects.exists()


def test_completing_again_does_not_share_again(api: Api) -> None:
    send = parts(api)
    assert send().status_code == 200
    assert api("PUT", "/bucket/o", query="acl=", x_amz_acl="private").status_code == 200
    assert send().status_code == 200
    assert not Share.objects.exists()


def test_who_is_not_known_is_granted_nothing_and_nothing_is_stored(api: Api) -> None:
    api.put("/bucket/o", b"old")
    refused = api("PUT", "/bucket/o", b"new", x_amz_grant_read='id="nobody-known"')
    assert error(refused) == (400, "InvalidArgument")
    assert api.read("/bucket/o") == b"old"
