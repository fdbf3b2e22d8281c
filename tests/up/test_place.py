"""Addresses, and who holds a cloud."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import threading
from pathlib import Path

import pytest

from synnefo.up.place import Address, Place, UpError, own_address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:80", "::1", 80),
        ("cloud.example.org:443", "cloud.example.org", 443),
    ],
)
def test_addresses_are_read_and_written_alike(text: str, host: str, port: int) -> None:
    assert parse_address("X", text) == Address(host, port)
    assert str(Address(host, port)) == text


def test_every_address_is_told_as_this_machines_own() -> None:
    everywhere = Address("0.0.0.0", 8080)
    assert everywhere.reachable == Address(own_address(), 8080)
    assert everywhere.local == Address("127.0.0.1", 8080)
    assert Address("127.0.0.1", 8080).reachable.host == "127.0.0.1"


def test_the_console_is_beside_the_pages(tmp_path: Path) -> None:
    place = Place.from_settings()
    assert place.console == Address(place.listen.host, place.listen.port + 1)


def test_a_lock_names_its_holder_and_goes_with_him(tmp_path: Path) -> None:
    place = dataclasses.replace(Place.from_settings(), data=tmp_path)
    assert place.holder() is None
    with place.exclusively():
        assert place.holder() == os.getpid()
        with pytest.raises(UpError, match=f"process {os.getpid()} "), place.exclusively():
            pass
    assert place.holder() is None


def test_a_lock_whose_holder_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    place = dataclasses.replace(Place.from_settings(), data=tmp_path)
    ending = (tmp_path / "up.lock").open("w")
    fcntl.flock(ending, fcntl.LOCK_EX)
    asked = threading.Event()

    class Watched(Place):
        def holder(self) -> int | None:
            asked.set()
            return super().holder()

    def end() -> None:
        asked.wait(10)
        ending.close()

    thread = threading.Thread(target=end)
    thread.start()
    same = {field.name: getattr(place, field.name) for field in dataclasses.fields(place)}
    with Watched(**same).exclusively():
        assert asked.is_set(), "it was held when it was wanted"
        assert place.holder() == os.getpid()
    thread.join()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = dataclasses.replace(Place.from_settings(), data=tmp_path / "file" / "var")
    with pytest.raises(UpError, match="SYNNEFO_DATA"):
        place.prepare()
