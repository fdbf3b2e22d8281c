"""Rules of public links: made once, ended, with an end and a password."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.utils import timezone

from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.pithos.namespace import containers, publishing
from synnefo.pithos.namespace.models import PublicLink
from synnefo.pithos.namespace.objects import Path
from tests.pithos.conftest import Api


@pytest.fixture
def alice(api: Api) -> Caller:
    api.put("c/o", "hello")
    return Caller(user=api.account, project=api.account, projects=frozenset({api.account}), roles=MEMBER)


MEMBER = frozenset({"member"})


def path_of(caller: Caller) -> Path:
    return Path(caller.user, "c", "o")


def test_publishing_twice_keeps_the_address(alice: Caller) -> None:
    path = path_of(alice)
    assert publishing.link_of(alice, path) is None
    first = publishing.publish(alice, path)
    assert publishing.publish(alice, path).url == first.url
    found = publishing.link_of(alice, path)
    assert found is not None
    assert found.url == first.url
    assert AuditEvent.objects.filter(action="object.publish").count() == 1
    publishing.unpublish(alice, path)
    publishing.unpublish(alice, path)
    assert publishing.link_of(alice, path) is None
    assert AuditEvent.objects.filter(action="object.unpublish").count() == 1
    assert publishing.publish(alice, path).url != first.url


def test_addresses_are_random_and_as_long_as_settings_say(alice: Caller, settings: Any) -> None:
    assert 20 <= len(publishing.publish(alice, path_of(alice)).url) <= 22
    publishing.unpublish(alice, path_of(alice))
    settings.PITHOS_PUBLIC_URL_ALPHABET = "01"
    settings.PITHOS_PUBLIC_URL_SECURITY = 2
    url = publishing.publish(alice, path_of(alice)).url
    assert set(url) <= {"0", "1"}
    assert len(url) <= 16


def test_an_address_that_is_taken_is_made_longer(alice: Caller, api: Api, settings: Any) -> None:
    settings.PITHOS_PUBLIC_URL_SECURITY = 0  # so the first is always the same
    publishing.publish(alice, path_of(alice))
    api.put("c/p", "other")
    publishing.publish(alice, path_of(alice).beside("p"))
    assert len(set(PublicLink.objects.values_list("url", flat=True))) == 2


def test_end_and_password_are_set_kept_and_taken_away(alice: Caller) -> None:
    path, moment = path_of(alice), timezone.now() + datetime.timedelta(days=1)
    link = publishing.publish(alice, path, moment, "sesame")
    assert (link.expires, publishing.password_fits(link, "sesame")) == (moment, True)
    assert "sesame" not in link.password
    assert not publishing.password_fits(link, "other")
    kept = publishing.publish(alice, path)
    assert (kept.expires, kept.password) == (moment, link.password)
    free = publishing.publish(alice, path, None, None)
    assert (free.url, free.expires, publishing.password_fits(free, "anything")) == (link.url, None, True)
    with pytest.raises(BadRequest):
        publishing.publish(alice, path, timezone.now() - datetime.timedelta(seconds=1))
    with pytest.raises(BadRequest):
        publishing.publish(alice, path, None, "x" * 257)


def test_a_link_that_has_ended_is_not_found(alice: Caller) -> None:
    link = publishing.publish(alice, path_of(alice))
    assert publishing.published(publishing.find(link.url)).size_bytes == 5
    PublicLink.objects.update(expires=timezone.now())
    for url in (link.url, "other", "a\x00b"):
        with pytest.raises(ItemNotFound):
            publishing.find(url)


def test_only_what_is_there_and_ones_own_is_published(alice: Caller, bob: Api) -> None:
    with pytest.raises(ItemNotFound):
        publishing.publish(alice, path_of(alice).beside("none"))
    stranger = Caller(user=bob.account, project=bob.account, projects=frozenset({bob.account}), roles=MEMBER)
    for rule in (publishing.publish, publishing.unpublish, publishing.link_of):
        with pytest.raises(Forbidden):
            rule(stranger, path_of(alice))
    assert not PublicLink.objects.exists()


def test_overwriting_keeps_a_link(alice: Caller, api: Api) -> None:
    link = publishing.publish(alice, path_of(alice))
    api.put("c/o", "other text")
    assert publishing.published(publishing.find(link.url)).size_bytes == 10
    container = containers.get(alice, alice.user, "c")
    assert publishing.links_in(container, ["o", "p"]).keys() == {"o"}
