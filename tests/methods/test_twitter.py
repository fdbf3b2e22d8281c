"""Signing in by Twitter: OAuth 2 with PKCE against a small server that answers as Twitter's does."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import social
from synnefo.astakos.methods.models import PendingThirdParty
from tests.methods.conftest import is_signed_in

pytestmark = pytest.mark.django_db
ADA = {"id": "2244994945", "name": "Ada Lovelace", "username": "ada"}


class Twitter(BaseHTTPRequestHandler):
    """Gives a token for the code ``good``, and tells with it who Ada is; keeps what it was asked."""

    asked: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append({**form, "authorization": self.headers.get("Authorization", "")})
        good = form.get("code") == "good"
        self.tell(200 if good else 400, {"access_token": "of ada", "token_type": "bearer"} if good else {})

    def do_GET(self) -> None:
        good = self.headers.get("Authorization") == "Bearer of ada"
        self.tell(200 if good else 401, {"data": ADA} if good else {})

    def tell(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ASTAKOS_TWITTER_TOKEN, settings.ASTAKOS_TWITTER_SECRET = "cloud", "secret"
    Twitter.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Twitter) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{running.server_address[1]}"
        monkeypatch.setattr(social.XAdapter, "access_token_url", f"{url}/token")
        monkeypatch.setattr(social.XAdapter, "profile_url", f"{url}/me")
        yield
        running.shutdown()


def begin(client: Client) -> dict[str, str]:
    page = client.post("/ui/login/twitter/").content.decode()
    found = re.search(r'id="go-on" href="([^"]+)"', page)
    assert found is not None
    url = urlsplit(html.unescape(found.group(1)))
    assert url.netloc == "x.com"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def back(client: Client, **query: str) -> Any:
    return client.get("/ui/login/twitter/authenticated/", query)


def test_whoever_is_known_by_his_number_signs_in(client: Client, alice: User, link: Any) -> None:
    link(alice, "twitter", ADA["id"])
    asked = begin(client)
    assert back(client, code="good", state=asked["state"])["Location"] == "/ui/"
    assert is_signed_in(client)
    assert Twitter.asked[0]["code_verifier"]
    assert Twitter.asked[0]["authorization"].startswith("Basic ")
    assert asked["redirect_uri"] == "http://testserver/ui/login/twitter/authenticated/"


def test_somebody_unknown_goes_on_to_sign_up(client: Client, standard: None) -> None:
    asked = begin(client)
    assert "/ui/signup/" in back(client, code="good", state=asked["state"])["Location"]
    row = PendingThirdParty.objects.get()
    assert (row.module, row.identifier, row.first_name, row.last_name, row.email) == (
        "twitter", ADA["id"], "Ada", "Lovelace", "",
    )  # fmt: skip


@pytest.mark.parametrize(("code", "keeps_state"), [("bad", True), ("good", False)])
def test_a_wrong_code_or_state_lets_nobody_in(
    client: Client, alice: User, link: Any, code: str, keeps_state: bool
) -> None:
    link(alice, "twitter", ADA["id"])
    asked = begin(client)
    answer = back(client, code=code, state=asked["state"] if keeps_state else "another")
    assert answer["Location"] == "/ui/login/"
    assert not is_signed_in(client)
