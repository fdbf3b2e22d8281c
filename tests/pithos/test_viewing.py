"""Views: an object in a browser without a token, by way of Astakos."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.oauth.models import OAuthToken
from synnefo.common.caller import system_caller
from tests.conftest import People
from tests.pithos.conftest import Api
from tests.pithos_kit import body_of

SYSTEM = system_caller("test")
BACKEND = "synnefo.astakos.accounts.backend.PasswordBackend"
NAME = "dir/ünï & so?.txt"


@pytest.fixture
def view(api: Api, settings: Any) -> str:
    """The address of a view of Alice's file."""
    settings.SYNNEFO_PUBLIC_URL = "https://testserver"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS = ("pithos-view", "the secret")
    base = "https://testserver/pithos/ui/view"
    oauth.add_client(SYSTEM, "pithos-view", urls=[base], secret="the secret", trusted=True)
    api.put(f"c/{quote(NAME)}", "abcdefghij", X_Object_Meta_A="b")
    return f"/pithos/ui/view/{api.account}/c/{quote(NAME)}"


def browser_of(person: Any) -> Client:
    made = Client(headers={"X-Forwarded-Proto": "https"})
    made.force_login(person.user, BACKEND)
    return made


@pytest.fixture
def browser(people: People) -> Client:
    return browser_of(people.alice)


def follow(browser: Client, url: str, *, steps: int = 3) -> Any:
    """What comes in the end, after that many redirects."""
    for _ in range(steps):
        response = browser.get(url.removeprefix("https://testserver"))
        assert response.status_code == 302, (url, response.content)
        url = response["Location"]
    return browser.get(url.removeprefix("https://testserver"))


def test_a_browser_is_sent_to_astakos_and_back(browser: Client, view: str, api: Api) -> None:
    first = browser.get(f"{view}?disposition-type=attachment")
    asked = urlsplit(first["Location"])
    query = {name: values[0] for name, values in parse_qs(asked.query).items()}
    assert f"{asked.scheme}://{asked.netloc}{asked.path}" == "https://testserver/astakos/oauth2/auth"
    assert query["client_id"] == "pithos-view"
    assert query["redirect_uri"] == f"https://testserver{view}?disposition-type=attachment"
    assert query["scope"] == f"/{api.account}/c/{quote(NAME)}?"
    assert len(query["state"]) > 20
    assert first.cookies["pithos_view"].value == query["state"]
    assert first.cookies["pithos_view"]["httponly"]
    found = follow(browser, f"{view}?disposition-type=attachment")
    assert (found.status_code, body_of(found)) == (200, b"abcdefghij")
    assert found["Content-Disposition"].startswith("attachment;")
    assert found["X-Object-Meta-A"] == "b"
    assert found["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_the_parameters_of_the_object_stay(browser: Client, view: str, api: Api) -> None:
    old = api("HEAD", f"c/{quote(NAME)}")["X-Object-Version"]
    api.put(f"c/{quote(NAME)}", "new")
    assert body_of(follow(browser, f"{view}?version={old}")) == b"abcdefghij"
    assert b'"versions"' in follow(browser, f"{view}?version=list").content


def token_url(browser: Client, view: str) -> str:
    url = view
    for _ in range(3):
        url = browser.get(url)["Location"].removeprefix("https://testserver")
    return url


def test_ranges_conditions_and_head(browser: Client, view: str) -> None:
    url = token_url(browser, view)
    part = browser.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, body_of(part)) == (206, b"cde")
    head = browser.head(url)
    assert (head.status_code, head["Content-Length"], head.content) == (200, "10", b"")
    assert browser.get(url, headers={"If-None-Match": head["ETag"]}).status_code == 304
    assert browser.get(url, headers={"Range": "bytes=10-"}).status_code == 416


def test_a_token_is_for_one_object(browser: Client, view: str, api: Api) -> None:
    url = token_url(browser, view)
    api.put(f"c/{quote(NAME)}2", "another")
    other = url.replace("?access_token", "2?access_token")
    again = Client(headers={"X-Forwarded-Proto": "https"}).get(other)
    assert (again.status_code, "access_token" in again["Location"]) == (302, False)


def test_an_expired_token_begins_anew(browser: Client, view: str) -> None:
    url = token_url(browser, view)
    OAuthToken.objects.all().delete()
    again = browser.get(url)
    assert (again.status_code, again["Location"]) == (302, f"https://testserver{view}")
    assert body_of(follow(browser, view)) == b"abcdefghij"


def test_a_code_is_for_the_browser_that_was_sent_for_it(browser: Client, view: str) -> None:
    back = browser.get(browser.get(view)["Location"].removeprefix("https://testserver"))["Location"]
    stranger = Client(headers={"X-Forwarded-Proto": "https"})
    for other in (stranger, browser):
        url = back if other is stranger else back.replace("state=", "state=x")
        refused = other.get(url.removeprefix("https://testserver"))
        assert (refused.status_code, refused["Content-Type"].startswith("text/html")) == (403, True)
    assert b"abc" not in refused.content


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "COPY", "MOVE"])
def test_other_methods_are_not_allowed(browser: Client, view: str, method: str) -> None:
    response = browser.generic(method, view)
    assert (response.status_code, response["Allow"]) == (405, "GET,HEAD")


def test_who_may_not_read_gets_a_page_that_says_so(view: str, people: People, api: Api) -> None:
    refused = follow(browser_of(people.bob), view)
    assert (refused.status_code, refused["Content-Type"].startswith("text/html")) == (403, True)
    missing = follow(browser_of(people.alice), view.replace("/c/", "/c/no"))
    assert (missing.status_code, b"does not exist" in missing.content) == (404, True)
    assert b"<script" not in refused.content + missing.content


def test_who_is_deactivated_sees_nothing(browser: Client, view: str, people: People) -> None:
    url = token_url(browser, view)
    accounts.deactivate(SYSTEM, people.alice.user)
    assert browser.get(url).status_code == 302


def test_a_wrong_secret_opens_nothing(browser: Client, view: str, settings: Any) -> None:
    settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS = ("pithos-view", "another")
    assert follow(browser, view, steps=2).status_code == 401


def test_without_a_client_there_are_no_views(browser: Client, view: str, settings: Any) -> None:
    settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS = ("", "")
    assert browser.get(view).status_code == 404


def test_views_are_on_the_host_for_strangers(browser: Client, view: str, settings: Any) -> None:
    settings.PITHOS_UNSAFE_DOMAIN = "files.example.org"
    sent = urlsplit(browser.get(view)["Location"])
    assert (sent.netloc, unquote(sent.path)) == ("files.example.org", unquote(view))
    assert browser.post(view).status_code == 403
    oauth.add_client(
        SYSTEM, "other", urls=["https://files.example.org/pithos/ui/view"], secret="the secret", trusted=True
    )
    settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS = ("other", "the secret")
    there = Client(headers={"Host": "files.example.org", "X-Forwarded-Proto": "https"})
    asked = there.get(view)["Location"]
    assert asked.startswith("https://testserver/astakos/oauth2/auth?")
    back = browser.get(asked.removeprefix("https://testserver"))["Location"]
    token = there.get(back.removeprefix("https://files.example.org"))["Location"]
    assert body_of(there.get(token.removeprefix("https://files.example.org"))) == b"abcdefghij"
