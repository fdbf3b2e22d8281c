"""The commands about projects: as operators and their scripts know them (spec: astakos 3.5)."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError
from django.utils import timezone

from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import Holding, Project, ProjectApplication, ProjectLog
from synnefo.astakos.projects.applications import PENDING
from tests.astakos.conftest import Person
from tests.astakos.projects.api import Api
from tests.manage import listed, manage

pytestmark = pytest.mark.django_db


def state(project: str) -> str:
    return Project.objects.get(uuid=project).status


def test_applications_are_decided_with_a_word_to_the_applicant(ada: Person) -> None:
    api = Api(ada)
    project, number = api.apply()
    manage("project-control", "--approve", str(number), "-m", "welcome aboard")
    assert state(project) == "Active"
    assert "welcome aboard" in Mail.objects.get(template="project_approved").text
    other, number = api.apply("other.example.org")
    manage("project-control", "--deny", str(number), "--message", "too many")
    assert state(other) == "Denied"
    assert "too many" in Mail.objects.get(template="project_denied").text
    with pytest.raises(CommandError, match="Cannot approve application"):
        manage("project-control", "--approve", str(number))


def test_states_are_changed_by_uuid_or_number_and_the_message_is_kept(
    ada: Person, running: Callable[..., str]
) -> None:
    project = running()
    number = str(Project.objects.get(uuid=project).pk)
    for option, named, after in (
        ("--suspend", project, "Suspended"),
        ("--unsuspend", number, "Active"),
        ("--terminate", number, "Terminated"),
        ("--reinstate", project, "Active"),
    ):
        manage("project-control", option, named, "-m", f"why {option}")
        assert state(project) == after
        assert ProjectLog.objects.latest("pk").reason == f"why {option}"
        assert f"why {option}" in Mail.objects.filter(template="project_changed").latest("pk").text
    with pytest.raises(CommandError, match="is not suspended"):
        manage("project-control", "--unsuspend", project)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--approve", "1", "--deny", "1"),
        ("--approve", "x"),
        ("--approve", "77"),
        ("--suspend", "nothing"),
        ("--suspend", "9" * 30),
        ("--deny", "1", "--reactivate"),
    ],
)
def test_what_makes_no_sense_is_refused(cloud: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        manage("project-control", *arguments)


def test_a_change_is_approved_with_or_without_letting_the_project_run_again(
    ada: Person, running: Callable[..., str]
) -> None:
    project = running()
    manage("project-control", "--suspend", project)
    for more, after in (((), "Suspended"), (("--reactivate",), "Active")):
        number = Api(ada).put(f"projects/{project}", {"max_members": 5}).json()["application"]
        manage("project-control", "--approve", str(number), *more)
        assert state(project) == after


def test_projects_that_ran_out_are_listed_and_terminated(ada: Person, running: Callable[..., str]) -> None:
    project, going_on = running(), running("on.example.org")
    Project.objects.filter(uuid=project).update(end_date=timezone.now() - datetime.timedelta(hours=1))
    (row,) = listed("project-control", "--check-expired")
    assert list(row) == ["Project", "Name", "Status", "Expiration date"]
    assert (row["Project"], row["Name"], row["Status"]) == (project, "lab.example.org", "Active")
    manage("project-control", "--terminate-expired", "-m", "over")
    assert (state(project), state(going_on)) == ("Terminated", "Active")
    assert "over" in Mail.objects.get(template="project_changed").text
    assert listed("project-control", "--check-expired") == []
    assert Project.objects.get(uuid=ada.uuid).is_normal


def test_lists_narrow_to_what_waits(ada: Person, running: Callable[..., str]) -> None:
    running("quiet.example.org")
    changing = running("changing.example.org")
    change = Api(ada).put(f"projects/{changing}", {"max_members": 5}).json()["application"]
    new, number = Api(ada).apply("new.example.org")
    denied, other = Api(ada).apply("denied.example.org")
    manage("project-control", "--deny", str(other))

    def waiting(*options: str) -> dict[str, str]:
        return {row["id"]: row["pending_app"] for row in listed("project-list", *options)}

    assert waiting("--new") == {new: str(number)}
    assert waiting("--modified") == {changing: str(change)}
    assert waiting("--pending") == waiting("--new", "--modified") == {new: str(number), changing: str(change)}
    assert waiting()[denied] == ""
    assert {row["status"] for row in listed("project-list")} == {"Active", "Pending", "Denied"}
    manage("project-control", "--suspend", changing)
    rows = listed("project-list", "-o", "name,deactivation_date", "--filter-by", "name=changing.example.org")
    assert rows[0]["deactivation_date"].startswith(f"{timezone.now():%Y-}")


def test_a_project_is_shown_with_the_application_that_waits(ada: Person) -> None:
    project, number = Api(ada).apply(comments="for the course", join_policy="auto")
    (shown,) = json.loads(manage("project-show", project, "--pending-app", "--output-format", "json"))
    assert (shown["status"], shown["pending application"]) == ("Pending", str(number))
    assert (shown["applicant"], shown["wanted comments"]) == ("Ada@Example.org", "for the course")
    assert shown["wanted member join policy"] == "auto"
    assert shown["wanted limits"] == [
        {"resource": "cyclades.vm", "max_per_member": "2", "max_per_project": "6"}
    ]
    manage("project-control", "--approve", str(number))
    number = str(Project.objects.get(uuid=project).pk)
    (shown,) = json.loads(manage("project-show", number, "--pending-app", "--output-format", "json"))
    assert shown["pending application"] == ""


def test_limits_of_all_system_projects_change_at_once(
    ada: Person, bob: Person, root: Person, running: Callable[..., str]
) -> None:
    running()
    bulk = ("project-modify", "--all-system-projects", "--exclude", bob.uuid)
    manage(*bulk, "--limit", PENDING, "3", "4", "--max-members", "2", "--end-date", "2150-01-01")
    found = dict(Holding.objects.filter(resource=PENDING).values_list("holder", "limit"))
    assert found[f"user:{ada.uuid}"] == 3
    assert found[f"user:{bob.uuid}"] > 3
    assert found[f"project:{ada.uuid}"] == 4
    ends = dict(Project.objects.values_list("uuid", "end_date__year"))
    assert ends[ada.uuid] == ends[root.uuid] == 2150
    assert ends[bob.uuid] != 2150
    for refused in (
        ("--name", "x.example.org"),
        ("--owner", "ada@example.org"),
        ("--limit", "no.such", "1", "1"),
    ):
        with pytest.raises(CommandError):
            manage(*bulk, *refused)


def test_a_project_that_never_ran_is_not_modified(ada: Person) -> None:
    project, _ = Api(ada).apply()
    with pytest.raises(CommandError, match="No project"):
        manage("project-modify", project, "--max-members", "5")
    assert ProjectApplication.objects.get().max_members != 5
