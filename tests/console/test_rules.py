"""Tickets: who gets one, for which server, and what it is worth. The serial log as harmless text."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.cyclades.console import rules
from synnefo.cyclades.console.models import ConsoleTicket
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from tests.conftest import People


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any, settle: Callable[[], None]) -> Server:
    made, _ = servers.create(cloud.alice.caller, ServerRequest("web-1", image.uuid, flavor.uuid, []))
    settle()
    return Server.objects.get(pk=made.pk)


def ticket_of(url: str) -> str:
    return parse_qs(urlsplit(url).fragment)["ticket"][0]


def test_a_ticket_opens_its_server_once(cloud: People, server: Server) -> None:
    url = rules.open_console(cloud.alice.caller, server.uuid, base="https://cloud.example.org/")
    ticket = ticket_of(url)
    assert url.startswith("https://cloud.example.org/ui/console/#")
    assert len(ticket) == 43
    assert rules.redeem(ticket) == server
    assert rules.redeem(ticket) is None


def test_the_table_does_not_hold_the_ticket(cloud: People, server: Server) -> None:
    ticket = ticket_of(rules.open_console(cloud.alice.caller, server.uuid))
    assert ticket not in str(ConsoleTicket.objects.values())


def test_an_expired_ticket_opens_nothing_and_is_forgotten(cloud: People, server: Server) -> None:
    ticket = ticket_of(rules.open_console(cloud.alice.caller, server.uuid))
    ConsoleTicket.objects.update(expires=timezone.now() - datetime.timedelta(seconds=1))
    assert rules.redeem(ticket) is None
    rules.open_console(cloud.alice.caller, server.uuid)
    assert ConsoleTicket.objects.count() == 1


def test_nobody_opens_a_server_that_he_does_not_see(cloud: People, server: Server) -> None:
    with pytest.raises(ItemNotFound):
        rules.open_console(cloud.bob.caller, server.uuid)
    with pytest.raises(ItemNotFound):
        rules.console_log(cloud.bob.caller, server.uuid)
    assert not ConsoleTicket.objects.exists()


def test_only_running_servers_have_a_screen(
    cloud: People, server: Server, settle: Callable[[], None]
) -> None:
    servers.stop(cloud.alice.caller, server.uuid)
    settle()
    with pytest.raises(Conflict):
        rules.open_console(cloud.alice.caller, server.uuid)


def test_a_suspended_server_shows_its_screen_to_administrators_alone(cloud: People, server: Server) -> None:
    Server.objects.update(suspended=True)
    with pytest.raises(Forbidden):
        rules.open_console(cloud.alice.caller, server.uuid)


def test_a_ticket_of_a_deleted_server_opens_nothing(
    cloud: People, server: Server, settle: Callable[[], None]
) -> None:
    ticket = ticket_of(rules.open_console(cloud.alice.caller, server.uuid))
    servers.delete(cloud.alice.caller, server.uuid)
    settle()
    assert rules.redeem(ticket) is None


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"login: \x1b[1;31mroot\x1b[0m\r\n", "login: root\n"),
        (b"\x1b]0;owned\x07prompt\x1b]2;also\x1b\\$ ", "prompt$ "),
        (b"a\x00b\x08c\x7f\x9bd", "abc\ufffdd"),
        ("right\u202eleft".encode(), "rightleft"),
        (b"10%\r20%\r\r\n", "10%\n20%\n"),
        (b"tab\tstays \xe2\x82\xac", "tab\tstays €"),
    ],
)
def test_the_log_steers_no_terminal(raw: bytes, shown: str) -> None:
    assert rules.plain_text(raw) == shown


def test_the_log_ends_with_the_lines_asked_for(cloud: People, server: Server) -> None:
    assert rules.last_lines("a\nb\nc\n", 2) == "b\nc\n"
    assert rules.last_lines("a\nb\n", 0) == ""
    assert rules.last_lines("a\nb\n", None) == "a\nb\n"
    with pytest.raises(BadRequest):
        rules.console_log(cloud.alice.caller, server.uuid, -1)
