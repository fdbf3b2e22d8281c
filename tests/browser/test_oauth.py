"""Signing in at a program elsewhere, by its own origin, in a browser; and how the pages on the way look.

The program is a server of this test's own, on another origin, which redeems its code as a real one does.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from synnefo.astakos.accounts import tokens
from synnefo.astakos.oauth import rules
from tests.browser.conftest import PASSWORD
from tests.browser.test_look import examine
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

SCOPE = "openid email api"


class Wiki:
    """A relying party: sends browsers to the provider, takes them back and says who came."""

    def __init__(self, provider: str) -> None:
        wiki, self.provider = self, provider
        self.verifier, self.tokens = secrets.token_urlsafe(48), dict[str, Any]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path != "/back":
                    self.send_response(302)
                    self.send_header("Location", wiki.start())
                    self.end_headers()
                    return
                body = wiki.back({name: values[0] for name, values in parse_qs(query).items()}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Tests are silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.about = httpx.get(f"{provider}/astakos/oauth2/.well-known/openid-configuration").json()

    def register(self, **fields: Any) -> None:
        made, self.secret = rules.add_client(
            SYSTEM,
            "wiki",
            urls=[f"{self.url}/back"],
            name="The wiki",
            scopes=["openid", "email", "api"],
            **fields,
        )
        self.id = made.client_id

    def start(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code", "client_id": self.id, "redirect_uri": f"{self.url}/back", "state": "s",
            "scope": SCOPE, "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }  # fmt: skip
        return f"{self.about['authorization_endpoint']}?{urlencode(query)}"

    def back(self, came: dict[str, str]) -> str:
        if "error" in came:
            return f"<h1>{html.escape(came['error'])}</h1>"
        fields = {
            "grant_type": "authorization_code", "code": came["code"], "redirect_uri": f"{self.url}/back",
            "code_verifier": self.verifier,
        }  # fmt: skip
        answer = httpx.post(self.about["token_endpoint"], data=fields, auth=(self.id, self.secret))
        self.tokens = answer.raise_for_status().json()
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        who = httpx.get(self.about["userinfo_endpoint"], headers=bearer).raise_for_status().json()
        return (
            f"<!doctype html><html lang=en><title>Wiki</title><h1>Welcome, {html.escape(who['email'])}</h1>"
        )


@pytest.fixture
def wiki(transactional_db: None, cloud: People, live_server: Any) -> Iterator[Wiki]:
    made = Wiki(live_server.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


def sign_in_here(page: Page) -> None:
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_somebody_signs_in_at_the_wiki_by_his_account_here(
    wiki: Wiki, cloud: People, open_page: Callable[..., Page]
) -> None:
    wiki.register()
    page = open_page()
    page.goto(f"{wiki.url}/")
    sign_in_here(page)
    expect(page.get_by_role("heading", name="Allow The wiki?")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Welcome, alice@example.org")).to_be_visible()
    assert urlsplit(page.url).path == "/back"
    assert tokens.identify(wiki.tokens["access_token"]).user == cloud.alice.user.uuid
    page.goto(f"{wiki.url}/")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="access_denied")).to_be_visible()


def test_a_trusted_program_is_gone_to_right_from_the_sign_in_page(
    wiki: Wiki, cloud: People, open_page: Callable[..., Page]
) -> None:
    wiki.register(trusted=True)
    page = open_page()
    page.goto(f"{wiki.url}/")
    sign_in_here(page)
    expect(page.get_by_role("heading", name="Welcome, alice@example.org")).to_be_visible()


def test_the_pages_on_the_way_look_well(
    wiki: Wiki, live_server: Any, cloud: People,
    open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    wiki.register()
    page = open_page()
    sign_in(page)
    page.goto(wiki.start())
    expect(page.get_by_role("heading", name="Allow The wiki?")).to_be_visible()
    examine(page, "consent")
    page.goto(f"{live_server.url}/ui/api_access/")
    examine(page, "api-access")
    page.goto(f"{live_server.url}/ui/tokens/create/")
    page.get_by_label("Name", exact=True).fill("backup script")
    for name in ("Accounts", "Compute", "Networks", "Volumes", "Images"):
        page.get_by_role("checkbox", name=name).uncheck()
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("for files alone")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Tokens")).to_be_visible()
    examine(page, "tokens-of-services")
    page.get_by_role("button", name="Actions for backup script").click()
    page.get_by_role("link", name="Renew…").click()
    expect(page.get_by_role("heading", name="Renew backup script?")).to_be_visible()
    examine(page, "token-renew")
    page.get_by_role("button", name="Renew").click()
    expect(page.get_by_text("shown this once")).to_be_visible()
