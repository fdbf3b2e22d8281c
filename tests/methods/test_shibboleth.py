"""Signing in by Shibboleth: a real nginx in front says who it is; the cloud's server is real, too."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import rules
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod, PendingThirdParty
from tests.methods.conftest import sign_in, texts_of
from tests.methods.proxy import ADDRESS, PASSWORD, proxy

pytestmark = pytest.mark.django_db

BACK = "/ui/login/shibboleth/authenticated/"
TOLD = {
    "Shib-InetOrgPerson-givenName": "Emmy", "Shib-Person-surname": "Noether",
    "Shib-Mail": "emmy@uni.example", "Shib-EP-Affiliation": "staff", "Eppn": "emmy@old.example",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _configured(settings: Any) -> None:
    settings.ASTAKOS_SHIBBOLETH_TRUSTED_PROXIES = [ADDRESS]


def arrive(client: Client, *, peer: str = ADDRESS, user: str = "emmy", **headers: str) -> Any:
    """What the trusted server's request looks like here."""
    told = {"Remote-User": user, **headers} if user else headers
    return client.get(BACK, REMOTE_ADDR=peer, headers=told)


@pytest.fixture
def in_front(live_server: Any, tmp_path: Path) -> Iterator[str]:
    with proxy(tmp_path, live_server.url, ["emmy"], TOLD) as url:
        yield url


@pytest.fixture
def browser(in_front: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=in_front, trust_env=False, follow_redirects=False) as made:
        yield made


def test_who_the_web_server_vouches_for_signs_in(
    transactional_db: None, alice: User, link: Callable[..., AuthMethod], browser: httpx.Client
) -> None:
    link(alice, "shibboleth", "emmy")
    assert browser.get(BACK).status_code == 401
    answer = browser.get(BACK, auth=("emmy", PASSWORD))
    assert (answer.status_code, answer.headers["location"]) == (302, "/ui/")
    assert "alice@example.org" in browser.get("/ui/").text
    row = rules.methods_of(alice).get(module="shibboleth")
    assert (row.affiliation, row.info["Shib-Mail"]) == ("staff", "emmy@uni.example")


def test_somebody_unknown_goes_on_to_sign_up(
    transactional_db: None, standard: None, browser: httpx.Client
) -> None:
    answer = browser.get(BACK, auth=("emmy", PASSWORD))
    assert answer.headers["location"].startswith("/ui/signup/?third_party_token=")
    row = PendingThirdParty.objects.get()
    assert (row.identifier, row.email, row.first_name, row.last_name) == (
        "emmy", "emmy@uni.example", "Emmy", "Noether",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["Remote-User", "REMOTE_USER", "REMOTE-USER"])
def test_who_comes_past_the_web_server_is_refused_whatever_he_says(
    transactional_db: None, alice: User, link: Callable[..., AuthMethod], live_server: Any, name: str
) -> None:
    link(alice, "shibboleth", "emmy")
    with httpx.Client(base_url=live_server.url, trust_env=False) as client:
        answer = client.get(BACK, headers={name: "emmy", "X-Forwarded-For": ADDRESS})
        assert answer.headers["location"] == "/ui/login/"
        assert "goes through this cloud's web server alone" in html.unescape(client.get("/ui/login/").text)
        assert client.get("/ui/").status_code == 302


def test_what_a_client_sends_through_the_web_server_is_not_believed(
    transactional_db: None, alice: User, link: Callable[..., AuthMethod], browser: httpx.Client
) -> None:
    link(alice, "shibboleth", "boss")
    answer = browser.get(
        BACK, auth=("emmy", PASSWORD), headers={"Remote-User": "boss", "Remote_User": "boss"}
    )
    assert "/ui/signup/" in answer.headers["location"]
    assert PendingThirdParty.objects.get().identifier == "emmy"


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        ([], ADDRESS, False),
        ([ADDRESS], "127.0.0.3", False),
        (["127.0.0.0/30"], "127.0.0.3", True),
        (["::1"], "::1", True),
        ([ADDRESS], "", False),
    ],
)
def test_only_the_configured_web_server_is_believed(
    client: Client, standard: None, settings: Any, trusted: list[str], peer: str, believed: bool
) -> None:
    settings.ASTAKOS_SHIBBOLETH_TRUSTED_PROXIES = trusted
    arrive(client, peer=peer)
    assert PendingThirdParty.objects.exists() is believed


def test_without_a_user_there_is_no_identity(client: Client, standard: None) -> None:
    arrive(client, user="", **{"Shib-Mail": "emmy@uni.example"})
    assert not PendingThirdParty.objects.exists()


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (
            {"Shib-InetOrgPerson-displayName": "Emmy Noether", "Shib-Person-commonName": "x"},
            ("Emmy", "Noether"),
        ),
        ({"Shib-Person-commonName": "Emmy N. Noether"}, ("Emmy", "N. Noether")),
        ({"Shib-InetOrgPerson-givenName": "Emmy", "Shib-Person-commonName": "x y"}, ("Emmy", "")),
        ({"Shib-Person-surname": "Nöther".encode().decode("latin-1")}, ("", "Nöther")),
        ({}, ("", "")),
    ],
)
def test_names_come_from_what_is_told(
    client: Client, standard: None, told: Mapping[str, str], name: tuple[str, str]
) -> None:
    arrive(client, **told)
    row = PendingThirdParty.objects.get()
    assert (row.first_name, row.last_name) == name


def test_who_comes_without_a_name_is_refused_where_one_is_wanted(
    client: Client, standard: None, settings: Any
) -> None:
    settings.ASTAKOS_SHIBBOLETH_REQUIRE_NAME_INFO = True
    arrive(client)
    assert not PendingThirdParty.objects.exists()
    arrive(client, **{"Shib-Person-commonName": "Emmy"})
    assert PendingThirdParty.objects.exists()


def test_who_was_known_by_his_eppn_is_known_by_the_other_name_from_then_on(
    client: Client, alice: User, link: Callable[..., AuthMethod], settings: Any
) -> None:
    link(alice, "shibboleth", "emmy@old.example")
    rules.pend(Identity("shibboleth", "emmy"))
    arrive(client, Eppn="emmy@old.example")
    assert rules.methods_of(alice).get(module="shibboleth").identifier == "emmy@old.example"
    settings.ASTAKOS_SHIBBOLETH_MIGRATE_EPPN = True
    assert arrive(Client(), Eppn="emmy@old.example")["Location"] == "/ui/"
    assert rules.methods_of(alice).get(module="shibboleth").identifier == "emmy"
    assert arrive(Client())["Location"] == "/ui/"
    assert not PendingThirdParty.objects.exists()


def test_a_waiting_identity_is_renamed_too(client: Client, standard: None, settings: Any) -> None:
    rules.pend(Identity("shibboleth", "emmy@old.example"))
    settings.ASTAKOS_SHIBBOLETH_MIGRATE_EPPN = True
    arrive(client, Eppn="emmy@old.example")
    assert [row.identifier for row in PendingThirdParty.objects.all()] == ["emmy"]


def test_nobody_s_eppn_takes_over_somebody_else_s_name(
    client: Client, alice: User, bob: User, link: Callable[..., AuthMethod], settings: Any
) -> None:
    link(alice, "shibboleth", "emmy")
    link(bob, "shibboleth", "bob@old.example")
    settings.ASTAKOS_SHIBBOLETH_MIGRATE_EPPN = True
    arrive(client, Eppn="bob@old.example")
    assert rules.methods_of(alice).get(module="shibboleth").identifier == "emmy"
    assert rules.methods_of(bob).get(module="shibboleth").identifier == "bob@old.example"


def test_an_account_gets_the_identity_only_if_its_user_asked_for_that_here(
    client: Client, alice: User
) -> None:
    """A link on another site must not add the identity of whoever set it up."""
    sign_in(client)
    arrive(client)
    assert not rules.methods_of(alice).filter(module="shibboleth").exists()
    client.post("/ui/login/shibboleth/")
    answer = client.get(arrive(client)["Location"])
    assert "You can sign in by Academic from now on." in texts_of(answer)
    assert rules.methods_of(alice).get(module="shibboleth").identifier == "emmy"
