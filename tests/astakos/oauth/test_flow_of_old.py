"""0.21's OAuth 2 flow, step by step as its clients (Pithos' ``view``, astakosclient) spoke it."""

from __future__ import annotations

import base64
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client as Browser

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.oauth import rules
from synnefo.astakos.oauth.models import OAuthCode, OAuthToken
from synnefo.common.caller import system_caller
from synnefo.common.faults import BadRequest, Conflict
from tests.astakos.conftest import Person
from tests.astakos.oauth.test_openid_connect import signed_in

pytestmark = pytest.mark.django_db

SYSTEM = system_caller("test")
AUTH, TOKEN = "/astakos/oauth2/auth/", "/astakos/oauth2/token/"
VIEW = "https://files.example.org/pithos/ui/view"
FILE = f"{VIEW}/a-user/pithos/a%20file.txt"
SECRET = "a secret of long ago"


@pytest.fixture(autouse=True)
def over_tls(settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"


@pytest.fixture
def view(cloud: None) -> str:
    """Registered as the guide for 0.15 says."""
    rules.add_client(SYSTEM, "pithos-view", urls=[VIEW], secret=SECRET, trusted=True)
    return "pithos-view"


@pytest.fixture
def browser(ada: Person) -> Browser:
    return signed_in(ada)


def ask(browser: Browser, **changes: str | None) -> Any:
    given = {
        "response_type": "code", "client_id": "pithos-view", "redirect_uri": FILE, "scope": FILE, "state": "",
        **changes,
    }  # fmt: skip
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return browser.get(f"{AUTH}?{query}")


def back(answer: Any) -> dict[str, str]:
    assert answer.status_code == 302, answer.content
    query = urlsplit(answer["Location"]).query
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def redeem(code: str, client: str = "pithos-view", secret: str | None = SECRET, **changes: str) -> Any:
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": FILE, **changes}
    login = base64.b64encode(f"{client}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"} if secret is not None else {}
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    return Browser().post(TOKEN, urlencode(fields), content_type=kind, headers=headers)


def refusal(answer: Any) -> str:
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert told["error"] == "generic_error"
    return str(told["exception"])


def test_pithos_view_lets_somebody_see_his_file(browser: Browser, view: str, ada: Person) -> None:
    start = ask(Browser())
    assert start["Location"].startswith("/ui/login/?next=/astakos/oauth2/auth/%3F")
    came = ask(browser, state="where I was")
    assert came["Location"].startswith(f"{FILE}?code=")
    found = back(came)
    assert (len(found["code"]), found["state"]) == (60, "where I was")
    answer = redeem(found["code"])
    token = answer.json()["access_token"]
    assert answer.json() == {"access_token": token, "token_type": "Bearer", "expires_in": 20}
    assert len(token) == 30
    shown = Browser().get(f"/astakos/identity/v2.0/tokens/{token}?{urlencode({'belongsTo': FILE})}")
    access = shown.json()["access"]
    assert set(access) == {"token", "user"}
    assert (access["token"]["id"], access["token"]["tenant"]["id"]) == (token, ada.uuid)
    assert access["user"] == {"id": ada.uuid, "name": "Ada Byron", "roles": [], "roles_links": []}
    again = Browser().get(f"/astakos/identity/v2.0/tokens/{token}", headers={"Accept": "application/xml"})
    assert f'<user id="{ada.uuid}"' in again.content.decode()


def test_a_token_opens_what_is_below_its_scope_alone(browser: Browser, view: str) -> None:
    token = redeem(back(ask(browser))["code"]).json()["access_token"]
    url = f"/astakos/identity/v2.0/tokens/{token}"
    for belongs_to, status in (
        (FILE, 200),
        (f"{FILE}/more", 200),
        (VIEW, 404),
        ("https://evil.example", 404),
    ):
        assert Browser().get(f"{url}?{urlencode({'belongsTo': belongs_to})}").status_code == status
    assert Browser().get("/astakos/identity/v2.0/tokens/unknown").status_code == 404


def test_only_the_first_word_of_the_scope_counts_and_without_one_the_place_is_meant(
    browser: Browser, view: str
) -> None:
    redeem(back(ask(browser, scope=f"{FILE} more"))["code"])
    redeem(back(ask(browser, scope=None))["code"])
    assert list(OAuthToken.objects.values_list("scope", flat=True)) == [FILE, FILE]


def test_without_a_place_the_first_registered_one_is_taken(browser: Browser, view: str) -> None:
    found = ask(browser, redirect_uri=None, state=None)
    assert found["Location"].startswith(f"{VIEW}?code=")
    assert "state" not in back(found)


@pytest.mark.parametrize(
    "uri",
    [
        "https://files.example.org/pithos/ui/viewer",
        "https://files.example.org/pithos/ui/view/../../evil",
        "https://files.example.org/pithos/ui/view/%2e%2e/evil",
        "https://files.example.org/pithos/ui/view/%252e%252e/evil",
        "https://files.example.org.evil.example/pithos/ui/view/x",
        "http://files.example.org/pithos/ui/view/x",
        "https://files.example.org/pithos/ui/view/x#fragment",
        "/pithos/ui/view",
        f"{VIEW}/{'x' * 5000}",
    ],
)
def test_a_place_that_is_not_registered_is_refused(browser: Browser, view: str, uri: str) -> None:
    assert "redirect URI" in refusal(ask(browser, redirect_uri=uri))


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("confidential", [True, False])
def test_below_a_registered_place_only_trusted_clients_with_a_secret_return(
    browser: Browser, cloud: None, trusted: bool, confidential: bool
) -> None:
    rules.add_client(SYSTEM, "other", urls=[VIEW], trusted=trusted, confidential=confidential)
    assert ask(browser, client_id="other", redirect_uri=VIEW).status_code == (302 if trusted else 200)
    below = ask(browser, client_id="other")
    assert below.status_code == (302 if trusted and confidential else 400)


def test_who_is_not_trusted_is_consented_to_on_a_page(ada: Person, cloud: None) -> None:
    rules.add_client(SYSTEM, "wiki", urls=[VIEW], secret=SECRET, name="<The wiki>")
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(ada.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    page = ask(browser, client_id="wiki", redirect_uri=VIEW, state="s 1")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Allow &lt;The wiki&gt;?" in text
    assert not OAuthCode.objects.exists()
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    assert browser.post(AUTH, {**fields, "csrfmiddlewaretoken": "no"}).status_code == 403
    left = browser.post(AUTH, fields).content.decode()
    url = html.unescape(re.search(r'id="go-on" href="([^"]+)"', left)[1])
    found = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert found["state"] == "s 1"
    assert redeem(found["code"], "wiki", redirect_uri=VIEW).status_code == 200


def test_wrong_questions_are_answered_as_they_were(browser: Browser, view: str) -> None:
    assert "response type" in refusal(ask(browser, response_type="token"))
    assert "response type" in refusal(ask(browser, response_type=None))
    for client in (None, "", "nobody", "\x00"):
        assert refusal(ask(browser, client_id=client)) == "Invalid client"
    assert refusal(Browser().get(TOKEN)) == "Invalid method"
    assert refusal(browser.put(AUTH)) == "Invalid method"
    assert "Content-Type" in refusal(Browser().post(TOKEN, {"code": "x"}))
    assert "grant type" in refusal(redeem("x", grant_type="password"))


def test_a_code_is_good_once_for_a_minute_for_its_client_and_its_place(
    browser: Browser, view: str, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-21T12:00:00Z", tick=False)
    rules.add_client(SYSTEM, "other", urls=[VIEW], secret=SECRET, trusted=True)
    code = back(ask(browser))["code"]
    assert redeem(code, redirect_uri=f"{FILE}/").status_code == 200
    assert "no such code" in refusal(redeem(code))
    assert "no such code" in refusal(redeem(back(ask(browser))["code"], "other"))
    assert "not the one" in refusal(redeem(back(ask(browser))["code"], redirect_uri=VIEW))
    late = back(ask(browser))["code"]
    time_machine.shift(61)
    assert "no such code" in refusal(redeem(late))


def test_the_clients_secret_is_needed_and_guessing_it_is_slow(browser: Browser, view: str) -> None:
    code = back(ask(browser))["code"]
    assert refusal(redeem(code, secret=None, client_id=view)) == "Invalid client credentials"
    assert refusal(redeem(code, "nobody")) == "Invalid client credentials"
    statuses = [redeem(code, secret="wrong").status_code for _ in range(5)]
    assert statuses == [400, 400, 400, 400, 429]


def test_a_token_lives_for_seconds_and_ends_with_the_users_tokens(
    browser: Browser, view: str, ada: Person, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-21T12:00:00Z", tick=False)

    def token() -> str:
        return str(redeem(back(ask(browser))["code"]).json()["access_token"])

    def status(text: str) -> int:
        return Browser().get(f"/astakos/identity/v2.0/tokens/{text}").status_code

    old = token()
    time_machine.shift(21)
    assert status(old) == 404
    renewed = token()
    tokens.renew(SYSTEM, ada.user)
    assert status(renewed) == 404
    ended = token()
    accounts.deactivate(SYSTEM, ada.user)
    assert status(ended) == 404
    time_machine.shift(120)
    assert rules.remove_expired() == 1
    assert not OAuthToken.objects.exists()


def test_over_a_plain_connection_nothing_is_given_out(browser: Browser, view: str, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = ""
    assert refusal(ask(browser)) == "Secure request required"
    assert refusal(redeem("x")) == "Secure request required"
    settings.DEBUG = True
    assert ask(browser).status_code == 302


def test_what_is_kept_is_of_no_use_to_who_reads_it(browser: Browser, view: str) -> None:
    code = back(ask(browser))["code"]
    assert code not in str(OAuthCode.objects.values())
    token = redeem(code).json()["access_token"]
    assert token not in str(OAuthToken.objects.values())


@pytest.mark.parametrize(
    ("fields", "fault", "words"),
    [
        ({"urls": []}, BadRequest, "needs a redirect URL"),
        ({"urls": ["javascript:alert(1)"]}, BadRequest, "no absolute URL"),
        ({"urls": ["//evil.example"]}, BadRequest, "no absolute URL"),
        ({"urls": ["https://*.example.org/"]}, BadRequest, "no fragment"),
        ({"confidential": False, "secret": "x"}, BadRequest, "public client"),
        ({"confidential": False, "grants": ["client_credentials"]}, BadRequest, "public client"),
        ({"scopes": ["everything"]}, BadRequest, "No scope everything"),
        ({"grants": ["password"]}, BadRequest, "No grant password"),
        ({"identifier": "pithos-view"}, Conflict, "already"),
        ({"identifier": "x" * 101}, BadRequest, "100 characters"),
    ],
)
def test_a_client_that_cannot_be_is_not_made(
    view: str, fields: dict[str, Any], fault: type[Exception], words: str
) -> None:
    with pytest.raises(fault, match=words):
        rules.add_client(SYSTEM, **{"identifier": "new", "urls": [VIEW], **fields})
