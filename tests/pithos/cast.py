"""Three people and their clients, for tests of what they share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from synnefo.pithos.blocks.base import Blocks
from tests.conftest import Person
from tests.pithos.conftest import Api

FOLDER = "application/directory"


@dataclasses.dataclass
class Cast:
    """Alice owns; Bob and Carol are others. ``at`` is somebody's client on Alice's account."""

    alice: Api
    bob: Api
    carol: Api

    def at(self, who: str) -> Api:
        return Api(getattr(self, who).token, self.alice.account)

    def put(self, *names: str, kind: str = "text/plain", **headers: str) -> None:
        for name in names:
            assert self.alice("PUT", f"c/{name}", b"data", kind, **headers).status_code == 201

    def folder(self, name: str, sharing: str = "", kind: str = FOLDER) -> None:
        assert self.alice("PUT", f"c/{name}", b"", kind).status_code == 201
        if sharing:
            self.share(name, sharing)

    def share(self, name: str, sharing: str) -> None:
        assert self.alice("POST", f"c/{name}?update", X_Object_Sharing=sharing).status_code == 202

    def statuses(self, who: str, name: str) -> tuple[int, int]:
        """Of reading and of writing."""
        client = self.at(who)
        written = client("POST", f"c/{name}?update", X_Object_Meta_Seen="1").status_code
        return client("GET", f"c/{name}").status_code, written


@pytest.fixture
def cast(new_person: Callable[..., Person], store: Blocks) -> Cast:
    people = [new_person(name) for name in ("alice", "bob", "carol")]
    made = Cast(*(Api(person.token, person.user.uuid) for person in people))
    for api in (made.alice, made.bob, made.carol):
        assert api("PUT", "c").status_code == 201
    return made
