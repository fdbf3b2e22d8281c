"""Commands of quota: what limits are, whether they are right, what was used, what waits."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.models import Commission, Holding, ProjectApplication
from synnefo.astakos.projects.models import Project
from synnefo.astakos.projects.rules import set_limits
from synnefo.astakos.quotas import clients, rules
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import system_caller
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person, ada, bob, cloud, lab, person
from tests.commands.test_astakos import listed, manage, type_in

__all__ = ("ada", "bob", "cloud", "lab", "person")
pytestmark = pytest.mark.django_db

VM, SPACE, PENDING = "cyclades.vm", "pithos.diskspace", "astakos.pending_app"


def limit_of(holder: str, source: str = "", resource: str = VM) -> int:
    return Holding.rows.get(holder=holder, source=source, resource=resource).limit


# -- quota-list -----------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["user", "holder"])
def test_quota_is_found_by_prefixed_and_plain_names(ada: Person, bob: Person, key: str) -> None:
    for text in (ada.uuid, f"user:{ada.uuid}", "ada@example.org"):
        rows = listed("quota-list", "--filter-by", f"{key}={text},source=project:{ada.uuid},resource={VM}")
        assert [row["holder"] for row in rows] == [ada.uuid]


@pytest.mark.parametrize("clause", ["nonsense=1", "holder=project:x", "limit=many"])
def test_unknown_filters_and_values_are_refused(ada: Person, clause: str) -> None:
    with pytest.raises(CommandError):
        manage("quota-list", "--filter-by", clause)


def test_custom_base_quota_is_what_differs_from_the_default(ada: Person, bob: Person) -> None:
    set_limits(system_caller("test"), Project.objects.get(uuid=ada.uuid), {VM: (4, 4)})
    custom = listed("quota-list", "--with-custom=True")
    assert [(row["holder"], row["resource"], row["limit"]) for row in custom] == [(ada.uuid, VM, "4")]
    usual = listed("quota-list", "--with-custom=False", "--filter-by", f"resource={VM}")
    assert [row["holder"] for row in usual] == [bob.uuid]
    assert len(listed("quota-list", "--filter-by", f"resource={VM},base_quota<5")) == 1


# -- quota-verify ---------------------------------------------------------------------------------
def test_limits_that_drifted_are_shown_and_mended(
    ada: Person, bob: Person, lab: Callable[..., Project]
) -> None:
    project = lab(ada, bob)
    pool = f"project:{project.uuid}"
    Holding.rows.filter(holder=pool, resource=VM).update(limit=77)
    Holding.rows.filter(holder=f"user:{bob.uuid}", source=pool, resource=VM).delete()
    found = listed("quota-verify")
    assert [tuple(row.values()) for row in found] == [
        (pool, "-", VM, "10", "77"),
        (f"user:{bob.uuid}", pool, VM, "3", "-"),
    ]
    manage("quota-verify", "--fix")
    assert listed("quota-verify") == []
    assert (limit_of(pool), limit_of(f"user:{bob.uuid}", pool)) == (10, 3)


def test_unexpected_holdings_are_removed_only_if_that_is_asked_for(ada: Person) -> None:
    known = f"project:{ada.uuid}"
    strays = [("user:gone", known, VM), ("project:gone", "", VM), ("user:gone", "project:gone", SPACE)]
    rules.set_limits(dict.fromkeys(strays, 5))
    waits = Provision("project:gone", None, VM, 1)
    serial = rules.issue([waits], client="t")
    assert listed("quota-verify", "--fix") == []
    found = listed("quota-verify", "--include-unexpected-holdings", "--fix")
    assert {(row["Holder"], row["Source"], row["Astakos"]) for row in found} == {
        ("user:gone", known, "-"),
        ("project:gone", "-", "-"),
        ("user:gone", "project:gone", "-"),
    }
    assert [row.holder for row in Holding.rows.filter(holder__endswith="gone")] == ["project:gone"]
    rules.resolve([serial], [], client="t")


def test_one_users_limits_are_compared_alone(ada: Person, bob: Person) -> None:
    Holding.rows.filter(resource=VM).update(limit=77)
    rows = listed("quota-verify", "--user", "ada@example.org")
    assert {row["Holder"] for row in rows} == {f"user:{ada.uuid}", f"project:{ada.uuid}"}


# -- the names of Synnefo 0.13 --------------------------------------------------------------------
def test_base_quota_is_imported_all_or_none(ada: Person, bob: Person, tmp_path: Path) -> None:
    path = tmp_path / "quota"
    path.write_text(f"{ada.uuid} {VM} 4\n\n{bob.uuid} {SPACE} 1073741824\n{ada.uuid} {VM} 5\n")
    manage("user-set-initial-quota", str(path), "-f")
    assert limit_of(f"user:{ada.uuid}", f"project:{ada.uuid}") == 5
    assert limit_of(f"project:{bob.uuid}", resource=SPACE) == 2**30
    path.write_text(f"{ada.uuid} {VM} 9\nnobody {VM} 9\n")
    with pytest.raises(CommandError, match="line 2"):
        manage("astakos-quota", "--import-base-quota", str(path), "-f")
    assert limit_of(f"project:{ada.uuid}") == 5


@pytest.mark.parametrize("line", ["only two", "x  y z", "{user} nothing 4", "{user} cyclades.vm many"])
def test_a_line_that_is_none_is_named(ada: Person, tmp_path: Path, line: str) -> None:
    path = tmp_path / "quota"
    path.write_text(line.format(user=ada.uuid))
    with pytest.raises(CommandError, match="line 1"):
        manage("user-set-initial-quota", "--from-file", str(path), "-f")


def test_a_single_capacity_is_set_after_a_question(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "n\n")
    with pytest.raises(CommandError):
        manage("user-set-initial-quota", "--set-capacity", "ada@example.org", VM, "7")
    type_in(monkeypatch, "y\n")
    manage("user-set-initial-quota", "--set-capacity", "ada@example.org", VM, "7")
    assert limit_of(f"project:{ada.uuid}") == 7
    manage("user-set-initial-quota", "--set-capacity", "ada@example.org", VM, "default", "-f")
    assert limit_of(f"project:{ada.uuid}") == INFINITE
    with pytest.raises(CommandError):
        manage("user-set-initial-quota", "-f")


def test_the_old_command_lists_verifies_and_syncs(ada: Person, bob: Person) -> None:
    assert {row["holder"] for row in listed("astakos-quota", "--user", "bob@example.org")} == {bob.uuid}
    Holding.rows.filter(holder=f"project:{bob.uuid}", resource=VM).update(limit=1)
    assert len(listed("astakos-quota", "--verify")) == 1
    assert listed("astakos-quota", "--verify", "--user", ada.uuid) == []
    manage("astakos-quota", "--sync")
    assert listed("astakos-quota", "--verify") == []


# -- the ledger -----------------------------------------------------------------------------------
def test_usage_is_exported(ada: Person, bob: Person, lab: Callable[..., Project]) -> None:
    project = lab(ada, bob)
    for who in (ada.uuid, bob.uuid):
        rules.issue(provisions_for(who, who, {VM: 1}), client="t", auto_accept=True)
    rules.issue(provisions_for(bob.uuid, project.uuid, {VM: 2}), client="t", auto_accept=True)

    def users(*arguments: str) -> list[tuple[str, str]]:
        lines = csv.DictReader(io.StringIO(manage("usage-export", *arguments)))
        return [(line["user"], line["quantity"]) for line in lines]

    assert users("--user", "bob@example.org") == [(bob.uuid, "1"), (bob.uuid, "2")]
    assert users("--project", project.uuid) == [("", "2")]
    assert users("--project", project.uuid, "--members") == [(bob.uuid, "2")]
    assert users() == [(ada.uuid, "1"), (bob.uuid, "1"), (bob.uuid, "2")]
    assert users("--user", ada.uuid, "--to", "2020-01-01") == []
    events = json.loads(manage("usage-export", "--user", ada.uuid, "--format", "json"))
    assert [(event["quantity"], event["limit"]) for event in events] == [(1, INFINITE)]
    for wrong in (("--from", "soon"), ("--members",), ("--user", "nobody")):
        with pytest.raises(CommandError):
            manage("usage-export", *wrong)


# -- commissions ----------------------------------------------------------------------------------
def test_a_commission_is_shown_with_its_component_whatever_that_is_called(ada: Person) -> None:
    component = Component.objects.get(name="cyclades")
    serial = rules.issue(
        provisions_for(ada.uuid, ada.uuid, {SPACE: 2048}), client=clients.of_component(component), name="n"
    )
    Component.objects.filter(pk=component.pk).update(name="renamed")
    shown = json.loads(manage("commission-show", str(serial), "--output-format", "json"))[0]
    assert (shown["clientkey"], shown["name"]) == ("renamed", "n")
    assert {part["quantity"] for part in shown["provisions"]} == {"2 KB"}
    assert [row["clientkey"] for row in listed("commission-list", "--filter-by", "clientkey=renamed")] == [
        "renamed"
    ]
    with pytest.raises(CommandError):
        manage("commission-show", str(serial + 1))


def test_old_commissions_are_overdue(ada: Person) -> None:
    rules.issue(provisions_for(ada.uuid, ada.uuid, {VM: 1}), client="t")
    assert listed("commission-list", "--overdue", "60") == []
    Commission.objects.update(issued=timezone.now() - datetime.timedelta(minutes=2))
    assert len(listed("commission-list", "--overdue", "60")) == 1


# -- reconciliation -------------------------------------------------------------------------------
@pytest.fixture
def application(ada: Person) -> ProjectApplication:
    """Ada's, which nobody charged."""
    project = Project.objects.create(realname="lab.example.org", end_date=timezone.now())
    return ProjectApplication.objects.create(project=project, applicant=ada.user)


def test_applications_that_nobody_charged_are_charged(ada: Person, application: ProjectApplication) -> None:
    found = listed("reconcile-resources-astakos")
    assert [(row["user"], row["waiting"], row["charged"]) for row in found] == [(ada.uuid, "1", "0")]
    assert listed("reconcile-resources-astakos", "--user", "somebody") == []
    manage("reconcile-resources-astakos", "--fix")
    assert listed("reconcile-resources-astakos") == []
    application.delete()
    manage("reconcile-resources-astakos", "--fix")
    row = Holding.objects.get(holder=f"user:{ada.uuid}", resource=PENDING)
    assert (row.usage_min, row.usage_max) == (0, 0)


def test_only_by_force_more_is_charged_than_allowed(ada: Person, application: Any) -> None:
    set_limits(system_caller("test"), Project.objects.get(uuid=ada.uuid), {PENDING: (0, 0)})
    manage("reconcile-resources-astakos", "--fix")
    assert len(listed("reconcile-resources-astakos")) == 1
    manage("reconcile-resources-astakos", "--fix", "--force")
    assert listed("reconcile-resources-astakos") == []


# -- resources and figures ------------------------------------------------------------------------
def test_a_default_is_changed_by_its_old_name_too(cloud: None) -> None:
    manage("resource-modify", SPACE, "--default-quota", "20GiB", "--unit-style", "gb")
    assert Resource.objects.get(name=SPACE).system_default == 20 * 2**30


def test_figures_of_the_cloud(ada: Person) -> None:
    found = json.loads(manage("stats-astakos", "--output-format", "json"))
    assert found["users"]["all"] == {"total": 1, "verified": 1, "active": 1}
    assert VM in manage("stats-astakos")
