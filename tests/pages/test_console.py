"""Pages of consoles: the screen's page and its tickets, the serial log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.backends.base import BackendUnavailable
from synnefo.cyclades.console import rules
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import texts_of


def test_the_page_may_connect_to_the_proxy_beside_the_web_process(
    alice: Client, server: Server, settings: Any
) -> None:
    settings.SYNNEFO_LISTEN = "0.0.0.0:8080"
    answer = alice.get(f"/ui/servers/{server.uuid}/console/", headers={"Host": "10.1.2.3:8080"})
    assert 'data-websocket="ws://10.1.2.3:8081/vnc"' in answer.content.decode()
    assert "connect-src 'self' ws://10.1.2.3:8081" in answer["Content-Security-Policy"]


def test_behind_a_front_proxy_a_setting_says_where_the_websocket_is(
    alice: Client, server: Server, settings: Any
) -> None:
    settings.CYCLADES_CONSOLE_URL = "wss://cloud.example.org/console/vnc"
    answer = alice.get(f"/ui/servers/{server.uuid}/console/")
    assert 'data-websocket="wss://cloud.example.org/console/vnc"' in answer.content.decode()
    assert answer["Content-Security-Policy"].endswith("connect-src 'self' wss://cloud.example.org")


def test_a_host_name_cannot_smuggle_anything_into_the_policy(client: Client, db: None) -> None:
    answer = client.get("/ui/console/", headers={"Host": "evil.example;script-src *:80"})
    assert answer.status_code == 400


def test_the_pages_script_gets_a_ticket_for_each_connection(alice: Client, server: Server) -> None:
    path = f"/ui/servers/{server.uuid}/console/ticket/"
    first, second = (alice.post(path).json()["ticket"] for _ in range(2))
    assert first != second
    assert rules.redeem(first) == server
    assert rules.redeem(second) == server


def test_a_server_that_is_off_has_no_ticket_and_the_page_says_why(
    alice: Client, cloud: People, server: Server, settle: Callable[[], None]
) -> None:
    servers.stop(cloud.alice.caller, server.uuid)
    settle()
    answer = alice.post(f"/ui/servers/{server.uuid}/console/ticket/")
    assert answer.status_code == 409
    assert "it has a screen while it is running" in answer.json()["message"]


def test_a_ticket_is_not_given_to_another_site(cloud: People, server: Server) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cloud.alice.user)
    assert client.post(f"/ui/servers/{server.uuid}/console/ticket/").status_code == 403


def test_whoever_has_a_ticket_needs_no_session(client: Client, cloud: People, server: Server) -> None:
    url = rules.open_console(cloud.alice.caller, server.uuid, base="http://testserver")
    answer = client.get(url.partition("#")[0])
    assert answer.status_code == 200
    assert server.name not in answer.content.decode()


def test_the_log_is_shown_as_text(
    alice: Client, server: Server, engine_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b"\x1b[31mboot\x1b[0m <script>alert(1)</script>\r\nlogin: "
    monkeypatch.setattr(engine_room, "console_log", lambda name, size: said)
    page = alice.get(f"/ui/servers/{server.uuid}/log/").content.decode()
    assert "boot &lt;script&gt;alert(1)&lt;/script&gt;\nlogin: </pre>" in page


def test_an_engine_that_does_not_answer_is_told_in_place(
    alice: Client, server: Server, engine_room: Any
) -> None:
    engine_room.fail_next("console_log", BackendUnavailable("busy"))
    answer = alice.get(f"/ui/servers/{server.uuid}/log/")
    assert answer.status_code == 200
    assert "does not answer now" in texts_of(answer)
