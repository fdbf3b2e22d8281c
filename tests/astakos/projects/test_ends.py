"""Projects end by themselves, and their owners are reminded."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import Project
from synnefo.astakos.projects import life
from synnefo.engine import background
from tests.astakos.conftest import Person
from tests.astakos.projects.api import Api

pytestmark = pytest.mark.django_db


def ends_in(project: str, **time: float) -> None:
    Project.objects.filter(uuid=project).update(end_date=timezone.now() + datetime.timedelta(**time))


def test_the_dispatcher_watches() -> None:
    assert background.PERIODIC["watch-ends-of-projects"][1] is life.watch_ends


def test_owners_are_reminded_once_for_each_number_of_days(running: Callable[..., str]) -> None:
    project = running()
    expected = [(40, 0), (29, 1), (28, 0), (6.5, 1), (6, 0), (0.9, 1), (0.1, 0)]
    for days, mails in expected:
        ends_in(project, days=days)
        assert life.remind() == mails, days
    assert Mail.objects.filter(template="project_ending").count() == 3


def test_one_reminder_is_enough_for_a_project_that_is_short_from_the_start(
    running: Callable[..., str],
) -> None:
    ends_in(running(), hours=5)
    assert [life.remind(), life.remind()] == [1, 0]


def test_a_later_end_is_reminded_of_anew(ada: Person, root: Person, running: Callable[..., str]) -> None:
    project = running()
    ends_in(project, days=0.5)
    assert life.remind() == 1
    later = (timezone.now() + datetime.timedelta(days=20)).isoformat()
    number = Api(ada).put(f"projects/{project}", {"end_date": later}).json()["application"]
    assert Api(root).act(project, "approve", number) == 200
    assert [life.remind(), life.remind()] == [1, 0]


def test_projects_are_terminated_at_their_end_if_the_cloud_wants_that(
    ada: Person, root: Person, running: Callable[..., str], settings: Any
) -> None:
    over, suspended, on = running(), running("s.example.org"), running("on.example.org")
    Api(root).act(suspended, "suspend")
    for project in (over, suspended):
        ends_in(project, seconds=-1)
    settings.ASTAKOS_TERMINATE_EXPIRED_PROJECTS = False
    life.watch_ends()
    assert Project.objects.get(uuid=over).is_normal
    settings.ASTAKOS_TERMINATE_EXPIRED_PROJECTS = True
    life.watch_ends()
    states = {row.uuid: row.state_name for row in Project.objects.filter(is_base=False)}
    assert states == {over: "terminated", suspended: "terminated", on: "active"}
    assert life.EXPIRED in Mail.objects.filter(template="project_changed").latest("pk").text


def test_a_project_whose_end_has_passed_is_not_reinstated_to_end_at_once(
    ada: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    ends_in(project, seconds=-1)
    life.watch_ends()
    assert Api(root).act(project, "reinstate") == 409
    number = Api(ada).put(f"projects/{project}", {"max_members": 4}).json()["application"]
    assert Api(root).act(project, "approve", number, reactivate=True) == 409
    later = (timezone.now() + datetime.timedelta(days=20)).isoformat()
    number = Api(ada).put(f"projects/{project}", {"end_date": later}).json()["application"]
    assert Api(root).act(project, "approve", number, reactivate=True) == 200
    assert Project.objects.get(uuid=project).is_normal
