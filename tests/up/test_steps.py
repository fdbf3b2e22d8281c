"""Setting up again and again: what is there stays, what was taken away stays away."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.catalog import standard
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network
from synnefo.up import login, samples, steps
from synnefo.up.login import Login
from synnefo.up.place import Place
from tests.conftest import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_engine_is_left() -> Iterator[None]:
    yield
    registry.forget_all()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = dataclasses.replace(Place.from_settings(), data=tmp_path / "var")
    made.prepare()
    return made


@pytest.fixture
def admin(place: Place) -> User:
    standard.register_standard()
    return steps.administrator(place, print)


def test_the_first_administrator_can_sign_in_with_what_the_file_says(place: Place, admin: User) -> None:
    kept = login.read(place)
    assert kept is not None
    assert kept.user == admin.email
    assert admin.check_password(kept.password)
    assert admin.is_active
    assert admin.is_superuser


def test_an_administrator_who_is_there_is_left_as_he_is(place: Place, admin: User) -> None:
    again = steps.administrator(place, print)
    assert again == admin
    assert again.password == admin.password
    assert User.objects.count() == 1


def test_an_administrator_from_elsewhere_who_waits_for_a_decision_is_not_let_in(place: Place) -> None:
    waiting = accounts.create(SYSTEM, "came@example.org", "Came", "Over", admin=True)
    user = steps.administrator(place, print)
    assert user == waiting
    assert not user.is_active
    assert accounts.verify(SYSTEM, waiting).status == "Pending moderation"


def test_a_set_up_that_died_before_the_account_was_made_keeps_the_password_that_it_wrote(
    place: Place,
) -> None:
    standard.register_standard()
    login.write(place, Login("me@example.org", "correct horse battery"))
    user = steps.administrator(place, print)
    assert user.email == "me@example.org"
    assert user.check_password("correct horse battery")


def test_files_to_sign_in_are_renewed_without_losing_what_they_keep(place: Place, admin: User) -> None:
    steps.sign_in_files(place, admin)
    first = login.read(place)
    steps.sign_in_files(dataclasses.replace(place, public_url="http://cloud.example.org"), admin)
    assert login.read(place) == first
    assert "OS_AUTH_URL=http://cloud.example.org/astakos/identity/v3" in place.openrc.read_text()
    assert Token.objects.filter(user=admin, name="kamaki").count() == 1


def test_odd_values_survive_the_shell(place: Place) -> None:
    odd = Login('o\'neil $HOME `x` "q"@example.org', "pa ss'w\"ord$1", "a project")
    login.write(place, odd)
    assert login.read(place) == odd


def test_samples_are_made_once(place: Place, admin: User) -> None:
    caller = steps.caller_for(admin)
    for _ in range(2):
        steps.once("flavors", functools.partial(steps.sample_flavors, caller))
        steps.once("networks", functools.partial(steps.sample_networks, caller))
        steps.this_machine()
    assert {flavor.name for flavor in flavors.flavors_for(caller)} >= {samples.SMALL}
    assert Flavor.objects.count() == len(samples.FLAVORS)
    assert sorted(Network.objects.values_list("name", flat=True)) == [samples.PRIVATE, samples.PUBLIC]
    assert Backend.objects.get().kind == Backend.Kind.LOCAL


def test_a_sample_that_was_removed_does_not_come_back(admin: User) -> None:
    caller = steps.caller_for(admin)
    steps.once("networks", functools.partial(steps.sample_networks, caller))
    networks.delete(caller, Network.objects.get(name=samples.PRIVATE).uuid)
    steps.once("networks", functools.partial(steps.sample_networks, caller))
    assert not networks.networks_for(caller).filter(name=samples.PRIVATE).exists()


def test_samples_that_were_begun_are_finished(admin: User) -> None:
    caller = steps.caller_for(admin)
    networks.create(caller, name=samples.PRIVATE)
    steps.sample_networks(caller)
    assert Network.objects.get(name=samples.PRIVATE).subnets.get().cidr == samples.PRIVATE_CIDR
