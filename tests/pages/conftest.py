"""Browsers without scripts: Django's client, signed in as this or that person."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.projects import rules as projects
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from tests.conftest import SYSTEM, People, Person


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def limit(people: People, **limits: int) -> None:
    project = projects.get(people.alice.user.uuid)
    named = {f"cyclades.{name}": (amount, amount) for name, amount in limits.items()}
    projects.set_limits(SYSTEM, project, named)


def texts_of(answer: Any) -> str:
    """What a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.fixture
def alice(cloud: People) -> Client:
    return signed_in(cloud.alice)


@pytest.fixture
def bob(cloud: People) -> Client:
    return signed_in(cloud.bob)


@pytest.fixture
def network(cloud: People) -> Any:
    made = networks.create(cloud.alice.caller, name="lan")
    networks.create_subnet(cloud.alice.caller, made.uuid, cidr="10.0.0.0/24")
    return made


@pytest.fixture
def new_server(
    cloud: People, image: Any, flavor: Any, network: Any, settle: Callable[[], None]
) -> Callable[..., Server]:
    """Makes running servers of Alice's on her network."""

    def make(name: str) -> Server:
        nics = [NicRequest(network=network.uuid)]
        made, _ = servers.create(cloud.alice.caller, ServerRequest(name, image.uuid, flavor.uuid, nics))
        settle()
        return Server.objects.get(pk=made.pk)

    return make


@pytest.fixture
def server(new_server: Callable[..., Server]) -> Server:
    return new_server("web-1")
