"""Volumes that are given away, and what that does to charges."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.caller import Scope
from synnefo.cyclades.volumes import owners, rules
from synnefo.cyclades.volumes.models import Volume, VolumeTransfer
from tests.conftest import People
from tests.cyclades_volumes.conftest import used_gib

Make = Callable[..., Volume]


def test_who_knows_the_key_gets_the_volume_and_pays_for_it(cloud: People, make: Make) -> None:
    volume = make(size_gib=2)
    made, key = owners.offer(cloud.alice.caller, volume.uuid, name="take it")
    with pytest.raises(faults.Conflict):
        owners.offer(cloud.alice.caller, volume.uuid)
    with pytest.raises(faults.BadRequest):
        owners.accept(cloud.bob.caller, made.uuid, "not the key")
    owners.accept(cloud.bob.caller, made.uuid, key)
    assert (used_gib(cloud.alice), used_gib(cloud.bob)) == (0, 2)
    assert rules.get(cloud.bob.caller, volume.uuid).userid == cloud.bob.caller.user
    with pytest.raises(faults.ItemNotFound):
        owners.accept(cloud.alice.caller, made.uuid, key)


def test_an_offer_is_seen_and_withdrawn_by_its_maker_alone(cloud: People, make: Make) -> None:
    made, _ = owners.offer(cloud.alice.caller, make().uuid)
    for act in (owners.transfer, owners.withdraw):
        with pytest.raises(faults.ItemNotFound):
            act(cloud.bob.caller, made.uuid)
    owners.withdraw(cloud.alice.caller, made.uuid)
    assert not VolumeTransfer.objects.exists()


def test_a_volume_is_moved_to_another_project_with_its_charge(
    cloud: People, make: Make, second_project: str
) -> None:
    volume = make(size_gib=2)
    caller = dataclasses.replace(
        cloud.alice.caller, scope=Scope.OWNER, projects=frozenset({volume.project, second_project})
    )
    moved = owners.reassign(caller, volume.uuid, second_project, shared=True)
    assert (moved.project, moved.shared_to_project) == (second_project, True)
    assert used_gib(cloud.alice) == 0
    assert owners.reassign(caller, volume.uuid, volume.project).project == volume.project
    assert used_gib(cloud.alice) == 2


@pytest.fixture
def second_project(cloud: People, mate_of: Callable[..., Any]) -> str:
    person, _ = mate_of(cloud.alice)
    return str(person.caller.project)


def test_reassigning_is_refused_where_it_must_be(
    cloud: People, make: Make, second_project: str, settings: Any
) -> None:
    volume = make()
    caller = dataclasses.replace(cloud.alice.caller, projects=frozenset({volume.project, second_project}))
    with pytest.raises(faults.BadRequest):
        owners.reassign(cloud.alice.caller, volume.uuid, cloud.bob.caller.project)
    settings.CYCLADES_SHARED_RESOURCES_ENABLED = False
    with pytest.raises(faults.Forbidden):
        owners.reassign(caller, volume.uuid, second_project, shared=True)
    with pytest.raises(faults.Forbidden):
        owners.change_owner(caller, volume.uuid, cloud.bob.caller.user, cloud.bob.caller.project)
    with pytest.raises(faults.ItemNotFound):
        owners.reassign(cloud.bob.caller, volume.uuid, cloud.bob.caller.project)


def test_administrators_give_a_volume_to_another_user(cloud: People, make: Make) -> None:
    volume = make(size_gib=3)
    admin = dataclasses.replace(cloud.admin.caller, scope=Scope.CLOUD)
    owners.change_owner(admin, volume.uuid, cloud.bob.caller.user, cloud.bob.caller.project)
    assert (used_gib(cloud.alice), used_gib(cloud.bob)) == (0, 3)
