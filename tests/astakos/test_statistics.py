"""Figures of the cloud: what everybody may see, what some groups may, and that they are right."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from synnefo.astakos.methods.models import AuthMethod
from synnefo.astakos.projects.models import Project
from synnefo.astakos.projects.rules import set_limits
from synnefo.astakos.quotas import deltas, rules
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import system_caller
from synnefo.common.transactions import atomic
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

STATS = "/astakos/admin/stats"
SPACE = "pithos.diskspace"


@pytest.fixture
def of_stats(ada: Person) -> Person:
    ada.user.groups.add(Group.objects.create(name="admin-stats"))
    return ada


def test_everybody_sees_how_many_users_there_are(http: Client, ada: Person, bob: Person) -> None:
    bob.user.is_active = False
    bob.user.save()
    assert http.get(STATS).json() == {"users": {"total": 2, "active": 1}}


def test_a_page_of_another_site_gets_a_script(http: Client, ada: Person) -> None:
    response = http.get(STATS, {"callback": "site.show"})
    assert response["Content-Type"].startswith("application/javascript")
    text = response.content.decode()
    assert json.loads(text.removeprefix("site.show(").removesuffix(");"))["users"]["total"] == 1


@pytest.mark.parametrize("name", ["", "alert(1)//", "a b", "a;", "x" * 200, "é"])
def test_a_callback_is_a_name(http: Client, cloud: None, name: str) -> None:
    assert http.get(STATS, {"callback": name}).status_code == 400


def test_details_are_for_some(http: Client, of_stats: Person, bob: Person, root: Person) -> None:
    def status(token: str) -> int:
        return http.get(f"{STATS}/detail", headers={"X-Auth-Token": token}).status_code

    assert [status(who.token) for who in (of_stats, root, bob)] == [200, 200, 403]
    assert status("nonsense") == http.get(f"{STATS}/detail").status_code == 401
    assert http.post(STATS).status_code == 405
    assert http.get("/astakos/admin/").status_code == 404


def test_details_count_people_and_what_they_use(http: Client, of_stats: Person, bob: Person) -> None:
    AuthMethod.objects.create(user=bob.user, module="google", identifier="g1")
    for person in (of_stats, bob):
        project = Project.objects.get(uuid=person.uuid)
        set_limits(system_caller("test"), project, {SPACE: (10**6, 10**6)})
    rules.issue(provisions_for(bob.uuid, bob.uuid, {SPACE: 300}), client="t")
    with atomic():
        assert deltas.append(provisions_for(of_stats.uuid, of_stats.uuid, {SPACE: 1}))
    found = http.get(f"{STATS}/detail", headers={"X-Auth-Token": of_stats.token}).json()
    assert found["providers"] == ["google", "local"]
    assert found["users"] == {
        "all": {"total": 2, "verified": 2, "active": 2},
        "google": {"total": 1, "verified": 1, "active": 1, "exclusive": 0},
        "local": {"total": 2, "verified": 2, "active": 2, "exclusive": 1},
    }
    amounts = {
        name: (part[SPACE]["used"], part[SPACE]["allocated"]) for name, part in found["resources"].items()
    }
    assert amounts == {"all": (301, 2 * 10**6), "google": (0, 0), "local": (1, 10**6)}
    assert found["resources"]["all"][SPACE]["unit"] == "bytes"
