"""Graphs of a server: figures of what its engine measured, drawn, and told in words and a table."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.cyclades.backends.base import BackendUnavailable, Sample
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.measured import charts, rules
from synnefo.cyclades.servers.models import Server
from tests.conftest import People
from tests.pages.conftest import signed_in, texts_of

MIB = 2**20
START = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)


def sample(minute: float, cpu_s: float, ram_mib: int = 100, moved: int = 0) -> Sample:
    at = START + datetime.timedelta(minutes=minute)
    return Sample(at, cpu_s, ram_mib, moved, 2 * moved, 3 * moved, 4 * moved)


def of(server: Server, rest: str = "") -> str:
    return f"/ui/servers/{server.uuid}/graphs/{rest}"


@pytest.fixture
def measured(server: Server, engine_room: Any, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose engine has an hour of samples: half a CPU busy, 1 MiB received a second."""
    now = timezone.now()
    kept = []
    for number in range(120):
        at = now - datetime.timedelta(seconds=30 * (119 - number))
        moved = (rate * number * MIB for rate in (30, 15, 3, 6))
        kept.append(Sample(at, 15.0 * number, 200, *moved))
    monkeypatch.setattr(engine_room, "samples", lambda name, since: [row for row in kept if row.at >= since])
    return server


def test_figures_are_what_was_used_between_two_samples() -> None:
    found = rules._uses([sample(0, 0), sample(1, 30, 120, 60 * MIB), sample(2, 30, 130, 60 * MIB)], cpus=1)
    first, second = found
    assert (first.cpu_percent, first.ram_bytes, first.received) == (50.0, 120 * MIB, MIB)
    assert (first.sent, first.read, first.written) == (2 * MIB, 3 * MIB, 4 * MIB)
    assert (second.cpu_percent, second.received) == (0.0, 0.0)


def test_a_counter_that_began_anew_is_no_negative_use() -> None:
    found = rules._uses([sample(0, 100), sample(1, 2), sample(2, 32)], cpus=1)
    assert [use.cpu_percent for use in found] == [50.0]


def test_means_are_weighed_by_time_and_no_more_than_asked_for() -> None:
    uses = rules._uses([sample(0, 0), sample(1, 60), sample(4, 60)], cpus=1)
    assert [use.cpu_percent for use in rules.summed(uses, 1)] == [25.0]
    many = rules._uses([sample(minute, minute) for minute in range(500)], cpus=1)
    assert len(rules.summed(many, 180)) == 180


def test_a_gap_is_drawn_as_a_gap() -> None:
    span = charts.Span(START, START + datetime.timedelta(hours=1), "%H:%M")
    minutes = [*range(10), *range(30, 40)]
    points = [(START + datetime.timedelta(minutes=minute), 50.0) for minute in minutes]
    line = charts.chart("cpu", "CPU", span, [("Used", points)], unit="%").lines[0]
    assert len(line.paths) == 2
    assert line.paths[0].startswith("M60.0,78.0 L")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (12.4, "%", "12 %"),
        (0, "bytes/s", "0 B/s"),
        (1536, "bytes", "1.5 KB"),
        (20 * MIB, "bytes/s", "20 MB/s"),
    ],
)
def test_amounts_are_in_peoples_units(value: float, unit: str, words: str) -> None:
    assert charts.amount(value, unit) == words


def test_the_page_draws_them_and_tells_them_as_a_table(alice: Client, measured: Server) -> None:
    answer = alice.get(of(measured))
    assert answer.content.decode().count('role="img"') == 4
    page = texts_of(answer)
    for words in (
        "Used: 50 % now, 50 % at most.",
        "Received: 1 MB/s now",
        "Held 200 MB",
        "The same as a table",
    ):
        assert words in page
    assert page.count("50 % 200 MB 1 MB/s 512 KB/s 102 KB/s 205 KB/s") == 12
    assert f'hx-get="{of(measured)}"' in alice.get(f"/ui/servers/{measured.uuid}/").content.decode()


@pytest.mark.parametrize(("flavor_ram", "top"), [(512, "512 MB"), (128, "256 MB")])
def test_the_scale_of_memory_ends_at_the_servers_size_or_where_a_round_number_is(
    alice: Client, measured: Server, flavor_ram: int, top: str
) -> None:
    """The host holds more for an emulated server than the guest's own."""
    Flavor.objects.update(ram=flavor_ram)
    page = texts_of(alice.get(of(measured)))
    graph = page[page.index("Held 200 MB") : page.index("Received 1 MB/s")]
    assert top in graph
    assert "100 MB" not in graph


@pytest.mark.parametrize("span", ["hour", "day", "week", "month", "nonsense"])
def test_one_looks_at_an_hour_or_longer(alice: Client, measured: Server, span: str) -> None:
    page = alice.get(of(measured, f"?span={span}")).content.decode()
    named = "hour" if span == "nonsense" else span
    assert f'id="span-{named}"' in page
    assert page.count('aria-current="true"') >= 1
    assert "graph-cpu" in page


def test_without_samples_it_says_so(alice: Client, server: Server) -> None:
    assert "Nothing was measured in this time." in texts_of(alice.get(of(server)))


def test_an_engine_that_does_not_answer_is_told_of(
    alice: Client, server: Server, engine_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, since: datetime.datetime) -> list[Sample]:
        raise BackendUnavailable("away")

    monkeypatch.setattr(engine_room, "samples", away)
    assert "does not answer now" in texts_of(alice.get(of(server)))


def test_others_see_no_graphs(bob: Client, client: Client, cloud: People, measured: Server) -> None:
    for other in (bob, signed_in(cloud.admin)):
        assert other.get(of(measured)).status_code == 404
    assert client.get(of(measured))["Location"].startswith("/ui/login/")
