"""Signing in by somebody else's OpenID Connect provider: a real one, in another process."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.test import Client

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import rules, social
from synnefo.astakos.methods.models import AuthMethod, PendingThirdParty
from tests.conftest import SYSTEM
from tests.methods.conftest import is_signed_in, sign_in, texts_of
from tests.methods.oidc_provider import CLIENT, SECRET
from tests.methods.servers import free_port, listens, running

pytestmark = pytest.mark.django_db

START, BACK = "/ui/login/oidc/", "/ui/login/oidc/authenticated/"
GRACE = "1"  # the first account of the provider


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("oidc")
    port = free_port()
    command = [
        sys.executable, "-m", "tests.methods.oidc_provider", str(port), str(folder), f"http://testserver{BACK}",
    ]  # fmt: skip
    with running(command, folder / "log", lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _configured(provider: str, settings: Any) -> None:
    settings.ASTAKOS_OIDC_URL = provider
    settings.ASTAKOS_OIDC_CLIENT_ID, settings.ASTAKOS_OIDC_SECRET = CLIENT, SECRET


@pytest.fixture
def there(provider: str) -> Iterator[httpx.Client]:
    """Grace's browser, as far as it talks to the provider."""
    with httpx.Client(base_url=provider, trust_env=False) as browser:
        assert browser.get("/sign-in", params={"as": "grace"}).status_code == 200
        yield browser


def begin(client: Client, **wish: str) -> str:
    """The provider's address that our page leads to."""
    answer = client.post(START, wish)
    assert answer.status_code == 200
    found = re.search(r'id="go-on" href="([^"]+)"', answer.content.decode())
    assert found is not None
    return html.unescape(found.group(1))


def vouch(there: httpx.Client, url: str) -> str:
    """Where the provider sends the browser back to, with its query."""
    answer = there.get(url)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert (back.netloc, back.path) == ("testserver", BACK)
    return f"{back.path}?{back.query}"


def through(client: Client, there: httpx.Client, **wish: str) -> Any:
    return client.get(vouch(there, begin(client, **wish)))


def test_what_is_asked_for_has_state_nonce_and_pkce(client: Client) -> None:
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["client_id"] == [CLIENT]
    assert asked["redirect_uri"] == [f"http://testserver{BACK}"]
    assert asked["code_challenge_method"] == ["S256"]
    again = parse_qs(urlsplit(begin(client)).query)
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name][0]) >= 16
        assert asked[name] != again[name]


def test_behind_a_proxy_the_way_back_is_the_public_address(client: Client, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["redirect_uri"] == [f"https://cloud.example.org{BACK}"]


def test_another_site_cannot_begin_it(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(START).status_code == 403
    page = client.get(START)
    assert page.status_code == 200
    assert 'id="go-on"' not in page.content.decode()


def test_somebody_unknown_goes_on_to_sign_up_with_what_the_provider_says(
    client: Client, there: httpx.Client, standard: None
) -> None:
    answer = through(client, there)
    assert answer["Location"].startswith("/ui/signup/?third_party_token=")
    row = PendingThirdParty.objects.get()
    assert (row.module, row.identifier, row.email) == ("oidc", GRACE, "grace@navy.example")
    assert (row.first_name, row.last_name) == ("Grace", "Hopper")
    token = parse_qs(urlsplit(answer["Location"]).query)["third_party_token"][0]
    identity = rules.pending(token)
    assert identity.info["email_verified"] is True


def test_whoever_is_known_signs_in_and_goes_where_he_wanted(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    method = link(alice, "oidc", GRACE)
    answer = through(client, there, next="/ui/tokens/")
    assert (answer.status_code, answer["Location"]) == (302, "/ui/tokens/")
    assert is_signed_in(client)
    method.refresh_from_db()
    assert method.info["email"] == "grace@navy.example"
    assert method.last_login is not None


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/"])
def test_it_never_leads_to_another_host(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod], elsewhere: str
) -> None:
    link(alice, "oidc", GRACE)
    assert through(client, there, next=elsewhere)["Location"] == "/ui/"


def test_an_answer_that_another_browser_asked_for_is_refused(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    link(alice, "oidc", GRACE)
    back = vouch(there, begin(client))
    victim = Client()
    begin(victim)
    assert victim.get(back)["Location"] == "/ui/login/"
    assert not is_signed_in(victim)


def test_an_answer_is_good_once(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    link(alice, "oidc", GRACE)
    back = vouch(there, begin(client))
    client.get(back)
    assert is_signed_in(client)
    client.post("/ui/logout/")
    client.get(back)
    assert not is_signed_in(client)


def test_a_token_made_for_another_sign_in_is_refused(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    """The code is of this browser's request in all but the nonce, which somebody replaced on the way."""
    link(alice, "oidc", GRACE)
    url = re.sub(r"nonce=[^&]+", "nonce=of-another-sign-in", begin(client))
    answer = client.get(vouch(there, url))
    assert answer["Location"] == "/ui/login/"
    assert not is_signed_in(client)


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x", "?state=x&code=y"])
def test_what_is_no_answer_is_told_on_the_sign_in_page(client: Client, db: None, query: str) -> None:
    answer = client.get(BACK + query, follow=True)
    assert "did not vouch for you" in texts_of(answer)


def test_the_identity_is_added_to_the_account_of_whoever_is_signed_in(
    client: Client, there: httpx.Client, alice: User, bob: User
) -> None:
    sign_in(client)
    answer = client.get(through(client, there)["Location"])
    assert "You can sign in by Single sign-on from now on." in texts_of(answer)
    assert rules.methods_of(alice).get(module="oidc").identifier == GRACE
    other = Client()
    other.post("/ui/login/", {"login": "bob@example.org", "password": "a-long-password-1"})
    answer = other.get(through(other, there)["Location"])
    assert "belongs to another account" in texts_of(answer)
    assert not rules.methods_of(bob).filter(module="oidc").exists()


def test_an_identity_is_replaced_by_another_one(
    client: Client, there: httpx.Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    method = link(alice, "oidc", "old")
    sign_in(client)
    rules.remove(SYSTEM, alice, rules.methods_of(alice).get(module="local").pk)
    client.force_login(User.objects.get(pk=alice.pk))
    through(client, there, switch=str(method.pk))
    assert list(rules.methods_of(alice).values_list("identifier", flat=True)) == [GRACE]


def test_an_identity_that_waits_is_added_after_signing_in_otherwise(
    client: Client, there: httpx.Client, alice: User
) -> None:
    answer = through(client, there)
    token = parse_qs(urlsplit(answer["Location"]).query)["third_party_token"][0]
    assert "added to your account" in texts_of(client.get(f"/ui/login/?key={token}"))
    sign_in(client)
    assert rules.methods_of(alice).get(module="oidc").identifier == GRACE
    assert not PendingThirdParty.objects.exists()


def test_nobody_is_given_an_identity_that_arrived_in_another_browser(
    client: Client, there: httpx.Client, alice: User
) -> None:
    """Else whoever made somebody follow such a link could sign in to his account afterwards."""
    answer = through(client, there)
    token = parse_qs(urlsplit(answer["Location"]).query)["third_party_token"][0]
    victim = Client()
    assert "began in another browser" in texts_of(victim.get(f"/ui/login/?key={token}", follow=True))
    sign_in(victim)
    assert is_signed_in(victim)
    assert not rules.methods_of(alice).filter(module="oidc").exists()
    victim.post("/ui/logout/")
    assert "began in another browser" in texts_of(victim.get(answer["Location"]))
    said = {"third_party_token": token, "email": "v@example.org", "first_name": "V", "last_name": "W"}
    assert victim.post("/ui/signup/", said).status_code == 404
    assert not User.objects.filter(username="v@example.org").exists()


def test_a_provider_that_is_away_is_told(client: Client, settings: Any, db: None) -> None:
    settings.ASTAKOS_OIDC_URL = "http://127.0.0.1:9"
    answer = client.post(START, follow=True)
    assert "did not vouch for you" in texts_of(answer)


def test_without_its_settings_a_provider_is_told_to_be_not_configured(
    client: Client, settings: Any, db: None
) -> None:
    settings.ASTAKOS_OIDC_CLIENT_ID = ""
    assert "not configured" in texts_of(client.post(START, follow=True))


def test_google_and_linkedin_speak_the_same_protocol(
    client: Client, there: httpx.Client, provider: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for module, client_setting, secret_setting in (
        ("google", "ASTAKOS_GOOGLE_CLIENT_ID", "ASTAKOS_GOOGLE_SECRET"),
        ("linkedin", "ASTAKOS_LINKEDIN_TOKEN", "ASTAKOS_LINKEDIN_SECRET"),
    ):
        assert social.SERVERS[module].startswith("https://")
        monkeypatch.setitem(social.SERVERS, module, provider)
        setattr(settings, client_setting, CLIENT)
        setattr(settings, secret_setting, SECRET)
        page = client.post(f"/ui/login/{module}/").content.decode()
        assert f"%2Fui%2Flogin%2F{module}%2Fauthenticated%2F" in page
