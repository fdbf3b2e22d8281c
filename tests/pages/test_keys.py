"""SSH keys: the list, a pasted one, a pair made here, and their end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.sessions.models import Session
from django.test import Client

from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from tests.conftest import People
from tests.pages.conftest import signed_in, texts_of

LIST, FORM = "/ui/keys/", "/ui/keys/create/"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop"


def names_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


@pytest.fixture
def two(cloud: People) -> list[KeyPair]:
    return [rules.create(cloud.alice.caller, name)[0] for name in ("laptop", "a/b & c")]


def test_without_keys_the_page_says_what_they_are(alice: Client, cloud: People) -> None:
    page = texts_of(alice.get(LIST))
    assert "No keys yet" in page
    assert "openstack keypair create" in page


def test_a_row_says_what_one_looks_for(alice: Client, two: list[KeyPair]) -> None:
    page = texts_of(alice.get(LIST))
    assert f"laptop ssh-ed25519 {two[0].sha256} just now" in page
    assert names_in(alice.get(LIST + "?sort=-name")) == ["laptop", "a/b &amp; c"]
    assert names_in(alice.get(LIST + "?q=LAP")) == ["laptop"]
    assert names_in(alice.get(LIST + f"?q={two[0].fingerprint[:8]}")) == ["laptop"]


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, cloud: People, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        rules.create(cloud.alice.caller, f"key-{number}")
    with django_assert_max_num_queries(23):
        assert len(names_in(alice.get(LIST))) == 8


def test_a_pasted_key_is_kept_under_its_own_comment_or_the_name_that_is_given(
    alice: Client, cloud: People
) -> None:
    told = alice.post(FORM, {"how": "paste", "public_key": PUBLIC + "\n"}, follow=True)
    assert "Key alice@laptop is there." in texts_of(told)
    alice.post(FORM, {"how": "paste", "public_key": PUBLIC, "name": "second"})
    assert set(KeyPair.objects.values_list("name", "content")) == {
        ("alice@laptop", PUBLIC),
        ("second", PUBLIC),
    }
    assert set(KeyPair.objects.values_list("userid", flat=True)) == {cloud.alice.caller.user}


def test_a_pair_is_shown_once_and_its_private_part_is_kept_nowhere(alice: Client, cloud: People) -> None:
    answer = alice.post(FORM, {"how": "generate", "name": "my key"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    private = re.search(r'id="private"[^>]*>([^<]+)<', answer.content.decode())
    assert private is not None
    key = serialization.load_ssh_private_key(private.group(1).encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert KeyPair.objects.get().content == public.decode()
    assert 'data-file="my_key.pem"' in answer.content.decode()
    assert "OPENSSH PRIVATE" not in alice.get(LIST).content.decode()
    assert all("OPENSSH" not in str(row.get_decoded()) for row in Session.objects.all())


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"how": "paste"}, "Paste a public key, or have a pair made for you."),
        ({"how": "paste", "public_key": "rubbish", "name": "x"}, "this is not an OpenSSH public key"),
        ({"how": "paste", "public_key": PUBLIC.rpartition(" ")[0]}, "Give the key a name."),
        ({"how": "generate"}, "Give the key a name."),
        ({"how": "generate", "name": "laptop"}, "already exists"),
        ({"how": "paste", "public_key": PUBLIC, "name": "laptop"}, "already exists"),
    ],
)
def test_mistakes_are_told_at_the_field_and_nothing_typed_is_lost(
    alice: Client, two: list[KeyPair], form: dict[str, str], complaint: str
) -> None:
    answer = alice.post(FORM, form)
    assert answer.status_code == 422
    assert texts_of(answer).count(complaint) == 2
    for typed in (form.get("public_key", ""), form.get("name", "")):
        assert typed in answer.content.decode()
    assert KeyPair.objects.count() == 2


def test_there_are_as_many_as_allowed(alice: Client, two: list[KeyPair], settings: Any) -> None:
    settings.CYCLADES_MAX_KEYPAIRS = 2
    assert "too many key pairs" in texts_of(alice.post(FORM, {"how": "generate", "name": "third"}))


def test_keys_go_after_a_question(alice: Client, two: list[KeyPair]) -> None:
    both = [row.name for row in two]
    asked = alice.post(LIST + "act/", {"key": both}, follow=True)
    assert "Delete 2 keys?" in texts_of(asked)
    assert "Servers that have them let in its owner as before" in texts_of(asked)
    assert KeyPair.objects.count() == 2
    told = alice.post(LIST + "delete/now/", {"key": both[1:], "next": LIST + "?sort=-name"}, follow=True)
    assert told.redirect_chain == [(LIST + "?sort=-name", 303)]
    assert "Key a/b & c is deleted." in texts_of(told)
    assert names_in(told) == ["laptop"]


def test_the_same_request_follows_what_is_typed(alice: Client, cloud: People) -> None:
    said = texts_of(alice.post(FORM + "same/", {"how": "paste", "public_key": PUBLIC})).replace("\\ ", "")
    assert f"kamaki keypair upload --key-name alice@laptop --public-key '{PUBLIC}'" in said
    assert f'public_key = "{PUBLIC}"' in said
    said = texts_of(alice.post(FORM + "same/", {"how": "generate", "name": "my key", "public_key": PUBLIC}))
    assert "openstack keypair create 'my key' > my_key.pem" in said
    assert PUBLIC not in said


PATHS = [
    ("get", "delete/?key=laptop", {}), ("post", "delete/now/", {"key": "laptop"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form"), PATHS)
@pytest.mark.parametrize("who", ["bob", "admin", "nobody"])
def test_other_peoples_keys_are_not_there(
    client: Client, cloud: People, two: list[KeyPair], who: str, method: str, path: str, form: dict[str, str]
) -> None:
    browser = client if who == "nobody" else signed_in(getattr(cloud, who))
    answer = getattr(browser, method)(LIST + path, form or None)
    assert answer.status_code == (302 if who == "nobody" else 404)
    assert KeyPair.objects.count() == 2
    if who != "nobody":
        assert names_in(browser.get(LIST)) == []
