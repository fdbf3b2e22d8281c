"""What pages and programs elsewhere get of Astakos: the bar over all services, web login, ways back."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.catalog import rules as catalog
from synnefo.astakos.cloudbar.cookie import TokenCookie
from synnefo.common.caller import system_caller
from synnefo.common.faults import Unauthorized
from tests.astakos.conftest import Person
from tests.astakos.oauth.test_openid_connect import signed_in

pytestmark = pytest.mark.django_db

SYSTEM = system_caller("test")
UI = "/astakos/ui"
ELSEWHERE = "https://files.example.org"


@pytest.fixture(autouse=True)
def components(cloud: None) -> None:
    pithos = catalog.find_component("pithos")
    catalog.modify_component(SYSTEM, pithos, ui_url=f"{ELSEWHERE}/pithos/ui")
    catalog.add_component(SYSTEM, "telephony", ui_url="https://phones.example.org/")


@pytest.fixture
def browser(ada: Person) -> Browser:
    return signed_in(ada)


# -- the bar ----------------------------------------------------------------------------------------
def test_services_are_the_components_in_order(http: Browser) -> None:
    answer = http.get(f"{UI}/get_services")
    assert answer["Content-Type"] == "application/json"
    rows = answer.json()
    assert [(row["name"], row["order"]) for row in rows] == [
        ("astakos", 1), ("pithos", 2), ("cyclades", 3), ("telephony", 1000),
    ]  # fmt: skip
    astakos, pithos, _, telephony = rows
    assert (astakos["url"], pithos["url"]) == ("http://testserver/ui", f"{ELSEWHERE}/pithos/ui")
    assert astakos["cloudbar"] == {"show": False, "title": "astakos"}
    assert set(pithos) == {"name", "url", "order", "verbose_name", "cloudbar", "dashboard"}
    assert pithos["dashboard"]["order"] == 1
    assert telephony["verbose_name"] == "Telephony"


def test_what_is_said_of_services_is_merged_with_what_operators_say(http: Browser, settings: Any) -> None:
    settings.ASTAKOS_COMPONENTS_META = {
        "pithos": {
            "verbose_name": "Files",
            "order": 9,
            "cloudbar": {"icon": "f.png"},
            "dashboard": {"show": False},
        },
        "unknown": {"order": 0},
    }
    rows = {row["name"]: row for row in http.get(f"{UI}/get_services").json()}
    assert list(rows) == ["astakos", "cyclades", "pithos", "telephony"]
    assert (rows["pithos"]["verbose_name"], rows["pithos"]["order"]) == ("Files", 9)
    assert rows["pithos"]["cloudbar"] == {"show": True, "title": "pithos", "icon": "f.png"}
    assert rows["pithos"]["dashboard"]["show"] is False
    assert rows["pithos"]["dashboard"]["order"] == 1


def test_the_menu_is_for_who_is_there(http: Browser, browser: Browser, ada: Person) -> None:
    assert http.get(f"{UI}/get_menu").json() == [{"url": "http://testserver/astakos/ui/", "name": "Sign in"}]
    landing = "http://testserver/astakos/ui/landing"
    assert browser.get(f"{UI}/get_menu?location={landing}").json() == [
        {"url": "http://testserver/astakos/ui/", "name": "ada@example.org"},
        {"url": landing, "name": "Dashboard", "is_active": True},
        {"url": "http://testserver/astakos/ui/logout", "name": "Sign out"},
    ]
    accounts.deactivate(SYSTEM, ada.user)
    assert browser.get(f"{UI}/get_menu").json()[0]["name"] == "Sign in"


@pytest.mark.parametrize("path", ["get_menu", "get_services"])
def test_a_script_of_another_site_learns_nothing_about_anybody(browser: Browser, path: str) -> None:
    answer = browser.get(f"{UI}/{path}?callback=jQuery123._x&_=1")
    assert answer["Content-Type"] == "application/javascript"
    body = re.fullmatch(r"/\*\*/jQuery123\._x\((.*)\);", answer.content.decode())
    assert body is not None
    assert json.loads(body[1])
    assert "ada@" not in body[1]


@pytest.mark.parametrize("name", ["", "alert(1)//", "a-b", "a..b", "1a", "a" * 101, "</script>", "ä"])
def test_a_callback_that_is_no_name_is_refused(browser: Browser, name: str) -> None:
    for path in ("get_menu", "get_services"):
        assert browser.get(f"{UI}/{path}", {"callback": name}).status_code == 400


def test_pages_of_components_may_ask_and_others_may_not(browser: Browser) -> None:
    for origin in (ELSEWHERE, "https://phones.example.org", "http://testserver"):
        answer = browser.get(f"{UI}/get_menu", headers={"Origin": origin})
        assert answer["Access-Control-Allow-Origin"] == origin
        assert answer["Access-Control-Allow-Credentials"] == "true"
    for origin in (
        "https://evil.example",
        "http://files.example.org",
        "https://files.example.org:8443",
        "null",
    ):
        assert "Access-Control-Allow-Origin" not in browser.get(f"{UI}/get_menu", headers={"Origin": origin})


# -- coming and going -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/astakos/", "/ui/"),
        ("/astakos/ui", "/ui/"),
        ("/astakos/ui/", "/ui/"),
        ("/astakos/ui/landing", "/ui/"),
        ("/astakos/ui/login?next=/ui/servers/", "/ui/login/?next=%2Fui%2Fservers%2F"),
        ("/astakos/ui/login/local", "/ui/login/"),
        ("/astakos/ui/projects/7d1c", "/ui/projects/7d1c/"),
        ("/astakos/ui/.kamakirc", "/ui/.kamakirc"),
        ("/astakos/ui//evil.example/", "/ui//evil.example/"),
    ],
)
def test_addresses_of_pages_as_components_know_them(http: Browser, path: str, to: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer["Location"]) == (302, to)


def test_one_signs_in_and_goes_back_to_the_component_that_one_came_from(ada: Person) -> None:
    browser, back = Browser(), f"{ELSEWHERE}/pithos/ui/#files"
    login = browser.get(f"{UI}/login", {"next": back})["Location"]
    browser.get(login)
    signed = browser.post(login, {"login": "ada@example.org", "password": ada.password})
    assert signed.status_code == 302
    gone = browser.get(signed["Location"])
    assert (gone.status_code, gone["Location"]) == (302, back)
    from_form = browser.get(signed["Location"], headers={"Referer": f"http://testserver{login}"})
    assert html.unescape(re.search(r'id="go-on" href="([^"]+)"', from_form.content.decode())[1]) == back


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/",
        "https://files.example.org.evil.example/",
        "https://files.example.org@evil.example/",
        "https://files.example.org\\@evil.example/",
        "http://files.example.org/",
        "javascript:alert(1)",
        "https://[",
    ],
)
def test_nobody_is_sent_to_a_place_that_is_no_component(browser: Browser, back: str) -> None:
    assert "evil" not in browser.get(f"{UI}/login", {"next": back})["Location"]
    assert browser.get(f"{UI}/onward", {"to": back})["Location"] == "/ui/"


# -- web login --------------------------------------------------------------------------------------
WEBLOGIN = "/astakos/weblogin/login"
PROGRAM = "pithos://login?old=1"


@pytest.fixture
def handed_out(settings: Any) -> None:
    settings.ASTAKOS_WEBLOGIN_TOKEN_IN_URL = True


def handed(answer: Any) -> dict[str, str]:
    assert answer.status_code == 302, answer.content
    assert answer["Location"].startswith("pithos://login?")
    assert "no-store" in answer["Cache-Control"]
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def test_web_login_is_off_until_an_operator_wants_it(browser: Browser) -> None:
    answer = browser.get(WEBLOGIN, {"next": PROGRAM})
    assert answer.status_code == 403
    assert "OAuth 2" in answer.json()["forbidden"]["message"]


def test_a_program_gets_the_uuid_and_a_token(browser: Browser, ada: Person, handed_out: None) -> None:
    told = handed(browser.get(WEBLOGIN, {"next": PROGRAM}))
    assert set(told) == {"uuid", "token"}
    assert told["uuid"] == ada.uuid == tokens.identify(told["token"]).user
    assert tokens.identify(ada.token).user == ada.uuid
    assert Token.objects.get(digest=tokens.digest_of(told["token"])).name == "Web login: pithos"


def test_who_is_not_signed_in_signs_in_first(ada: Person, handed_out: None) -> None:
    browser = Browser()
    answer = browser.get(f"{WEBLOGIN}?next=pithos://login&force")
    assert answer.status_code == 302
    page, _, query = answer["Location"].partition("?")
    (back,) = parse_qs(query)["next"]
    assert page == "/ui/login/"
    assert back == f"{WEBLOGIN}?next=pithos%3A%2F%2Flogin"
    browser.force_login(ada.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    assert handed(browser.get(back))["uuid"] == ada.uuid


def test_with_force_one_signs_in_anew(browser: Browser, handed_out: None) -> None:
    answer = browser.get(f"{WEBLOGIN}?next=pithos://login&force")
    assert answer["Location"].startswith("/ui/login/?next=")
    assert browser.get("/ui/").status_code == 302


def test_with_renew_the_tokens_of_before_end_and_sessions_elsewhere_too(
    browser: Browser, ada: Person, handed_out: None
) -> None:
    other = Browser()
    for each in (browser, other):
        each.post("/ui/login/", {"login": "ada@example.org", "password": ada.password})
    told = handed(browser.get(f"{WEBLOGIN}?next=pithos://login&renew"))
    assert tokens.identify(told["token"]).user == ada.uuid
    with pytest.raises(Unauthorized):
        tokens.identify(ada.token)
    assert browser.get("/ui/tokens/").status_code == 200
    assert other.get("/ui/tokens/").status_code == 302


def test_terms_are_signed_first(browser: Browser, ada: Person, handed_out: None) -> None:
    User.objects.filter(pk=ada.user.pk).update(terms_due=timezone.now())
    answer = browser.get(WEBLOGIN, {"next": PROGRAM})
    assert answer["Location"].startswith(f"{reverse('terms')}?next=%2Fastakos%2Fweblogin%2Flogin")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?next=", 400),
        ("?next=https://evil.example/", 403),
        ("?next=/ui/", 403),
        ("?next=pithos", 403),
        ("?next=javascript:alert(1)", 403),
        ("?next=pithos%5B://%5B", 403),
    ],
)
def test_other_programs_get_nothing(browser: Browser, handed_out: None, query: str, status: int) -> None:
    assert browser.get(f"{WEBLOGIN}{query}").status_code == status
    assert browser.post(WEBLOGIN).status_code == 405


# -- the cookie of long ago -------------------------------------------------------------------------
def test_there_is_no_cookie_with_a_token(ada: Person) -> None:
    browser = Browser()
    browser.post("/ui/login/", {"login": "ada@example.org", "password": ada.password})
    assert browser.get("/ui/tokens/").status_code == 200
    assert "_pithos2_a" not in browser.cookies


@pytest.fixture
def with_cookie(settings: Any) -> None:
    settings.ASTAKOS_TOKEN_COOKIE = True


def test_where_it_is_wanted_the_cookie_follows_the_session(
    ada: Person, bob: Person, with_cookie: None
) -> None:
    browser = signed_in(ada)
    browser.get("/ui/tokens/")
    cookie = browser.cookies["_pithos2_a"]
    assert (cookie["path"], cookie["httponly"], cookie["secure"]) == ("/", "", True)
    uuid, token = unquote(cookie.value).split("|")
    assert uuid == ada.uuid == tokens.identify(token).user
    browser.get("/ui/tokens/")
    assert unquote(browser.cookies["_pithos2_a"].value) == f"{uuid}|{token}"
    browser.force_login(bob.user, "synnefo.astakos.accounts.backend.PasswordBackend")
    browser.get("/ui/tokens/")
    other, _, new = unquote(browser.cookies["_pithos2_a"].value).partition("|")
    assert other == bob.uuid == tokens.identify(new).user
    browser.post("/ui/logout/")
    browser.get("/ui/login/")
    assert browser.cookies["_pithos2_a"].value == ""
    for ended in (token, new):
        with pytest.raises(Unauthorized):
            tokens.identify(ended)
    assert TokenCookie.__doc__


def test_a_cookie_that_was_made_up_is_replaced_and_ends_no_other_token(
    ada: Person, with_cookie: None
) -> None:
    browser = signed_in(ada)
    for value in ("nonsense", f"{ada.uuid}|nonsense", f"{ada.uuid}|{ada.token}", "%00|%00"):
        browser.cookies["_pithos2_a"] = value
        assert browser.get("/ui/tokens/").status_code == 200
        assert unquote(browser.cookies["_pithos2_a"].value) != value
    assert tokens.identify(ada.token).user == ada.uuid


# -- API access -------------------------------------------------------------------------------------
def test_the_page_of_api_access_says_what_clients_need_and_shows_no_token(
    browser: Browser, ada: Person, settings: Any
) -> None:
    settings.ASTAKOS_API_CLIENT_URL = "https://kamaki.example.org/"
    page = browser.get("/ui/api_access/").content.decode()
    assert "http://testserver/astakos/identity/v2.0" in page
    assert ada.uuid in page
    assert "https://kamaki.example.org/" in page
    assert Token.objects.filter(user=ada.user).count() == 1
    assert Browser().get("/ui/api_access/").status_code == 302


def test_the_file_of_kamaki_is_made_with_a_token_of_its_own(
    browser: Browser, ada: Person, settings: Any
) -> None:
    settings.ASTAKOS_KAMAKI_CONFIG_CLOUD_NAME = "here"
    assert browser.get("/ui/.kamakirc")["Location"] == "/ui/api_access/"
    answer = browser.post("/ui/.kamakirc")
    assert answer["Content-Disposition"] == 'attachment; filename=".kamakirc"'
    assert answer["Cache-Control"] == "no-store"
    text = answer.content.decode()
    assert "default_cloud = here" in text
    assert '[cloud "here"]' in text
    assert "url = http://testserver/astakos/identity/v2.0" in text
    token = re.search(r"token = (\S+)", text)[1]
    identity = tokens.identify(token)
    assert (identity.user, identity.project, identity.services) == (ada.uuid, None, frozenset())
    assert Token.objects.get(digest=tokens.digest_of(token)).name.startswith("kamaki, ")


def test_a_token_is_made_on_the_page_and_shown_once(browser: Browser, ada: Person) -> None:
    answer = browser.post("/ui/api_access/")
    token = re.search(r'id="token">([^<]+)<', answer.content.decode())[1]
    assert tokens.identify(token).user == ada.uuid
    assert answer["Cache-Control"] == "no-store"
    assert token not in browser.get("/ui/tokens/").content.decode()
