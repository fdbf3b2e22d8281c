"""A recorded database of Synnefo 0.21 comes over whole, and is served as it was."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from synnefo.astakos import default_settings
from synnefo.astakos.accounts import login
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.projects.models import Membership, Project, ProjectApplication
from synnefo.astakos.quotas.models import Holding
from tests.legacy import old

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not old.recorded(), reason="by design: the recorded database is not beside this clone"
    ),
]
#: When it was recorded; tokens were good then.
THEN = datetime.datetime(2026, 11, 20, 23, 0, tzinfo=datetime.UTC)
_AS_THEY_ARE = (
    "uuid", "email", "first_name", "last_name", "is_active", "is_superuser", "email_verified", "moderated",
    "is_rejected",
)  # fmt: skip
#: One e-mail in two spellings. The old system refused the token of the second, which was made by hand.
TWINS = ("Eve.Case@uni.example.org", "eve.case@uni.example.org")


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return old.facts()


@pytest.fixture(autouse=True)
def imported(old_server: old.Server, settings: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = default_settings.PASSWORD_HASHERS
    settings.ASTAKOS_LOGIN_ATTEMPTS = "1000/m/ip,1000/m/key"
    login._older_passwords.cache_clear()
    with time_machine.travel(THEN):
        call_command("legacy-import", "--astakos-db", old_server.recorded(), verbosity=0)
        yield
    login._older_passwords.cache_clear()


def get(path: str, token: str, status: int = 200) -> Any:
    answer = Client().get(f"/astakos/account/v1.0/{path}", headers={"X-Auth-Token": token})
    assert answer.status_code == status, answer.content
    return answer.json()


def test_every_user_is_there(facts: dict[str, Any]) -> None:
    for known in facts["users"]:
        user = User.objects.get(pk=known["id"])
        for name in _AS_THEY_ARE:
            assert getattr(user, name) == known[name], (known["username"], name)
        assert user.rejected_reason == (known["rejected_reason"] or "")
        assert user.deactivated_reason == (known["deactivated_reason"] or "")
        assert user.date_joined.isoformat() == known["date_joined"]
        assert [group.name for group in user.groups.order_by("name")] == sorted(known["groups"])
        methods = {(row["module"], row["identifier"]) for row in known["auth_providers"]}
        assert set(user.auth_methods.values_list("module", "identifier")) == methods
    assert User.objects.count() == len(facts["users"])


def test_every_membership_and_application_is_there(facts: dict[str, Any]) -> None:
    projects = {row["uuid"]: row for row in facts["projects"]}
    assert set(Project.objects.values_list("uuid", flat=True)) == set(projects)
    for uuid, known in projects.items():
        project = Project.objects.get(uuid=uuid)
        assert (project.realname, project.state, project.is_base) == (
            known["name"],
            known["state"],
            known["is_base"],
        )
        limits = {
            row.resource.name: {"project": row.project_capacity, "member": row.member_capacity}
            for row in project.limits.select_related("resource")
        }
        assert {name: limits[name] for name in known["limits"]} == known["limits"]
        members = {row.person.uuid: row.state for row in Membership.objects.filter(project=project)}
        assert members == {row["user"]: row["state"] for row in known["memberships"]}
    found = {row.pk: row for row in ProjectApplication.objects.select_related("project", "applicant")}
    assert set(found) == {row["id"] for row in facts["applications"]}
    for known in facts["applications"]:
        row = found[known["id"]]
        assert (row.state, row.project.uuid, row.applicant.uuid) == (
            known["state"], known["project"], known["applicant"])  # fmt: skip


def test_every_holding_is_there(facts: dict[str, Any]) -> None:
    found = {
        (row.holder, row.source or None, row.resource): (row.limit, row.usage_min, row.usage_max)
        for row in Holding.objects.all()
    }
    for known in facts["holdings"]:
        key = (known["holder"], known["source"], known["resource"])
        assert found[key] == (known["limit"], known["usage_min"], known["usage_max"]), key


def test_quotas_are_served_as_they_were(facts: dict[str, Any]) -> None:
    served = 0
    for known in facts["users"]:
        expected = facts["quotas_as_served"][known["uuid"]]
        if "status" not in expected:
            assert get("quotas", known["auth_token"]) == expected, known["username"]
            served += 1
        elif known["email"] not in TWINS:
            get("quotas", known["auth_token"], expected["status"])
    assert served == 8


def test_the_quota_of_projects_is_served_as_it_was(facts: dict[str, Any]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for token in facts["component_tokens"].values():
        for uuid, uses in get("service_project_quotas", token).items():
            found.setdefault(uuid, {}).update(uses)
    for uuid, uses in facts["project_quotas_as_served"].items():
        assert {name: found[uuid][name] for name in uses} == uses, uuid


def test_each_password_lets_in_and_is_kept_anew(facts: dict[str, Any]) -> None:
    let_in = 0
    for known in facts["users"]:
        password, inside = known["clear_password"], known["is_active"] and known["email"] not in TWINS
        if password is None:
            continue
        assert login.by_password(known["email"], password + "x", address="") is None
        user = login.by_password(known["email"].upper(), password, address="")
        assert (user is not None) == inside, known["email"]
        if user is not None:
            assert User.objects.get(pk=known["id"]).password.startswith("argon2$argon2id$")
            assert login.by_password(known["email"], password, address="") == user
            let_in += 1
    assert let_in == 6


def test_twins_sign_in_by_their_uuid_alone(facts: dict[str, Any]) -> None:
    twins = [known for known in facts["users"] if known["email"] in TWINS]
    for known in twins:
        user = User.objects.get(pk=known["id"])
        assert user.shares_email
        assert login.by_password(known["uuid"], known["clear_password"], address="") == user
    assert len(twins) == 2


def test_who_had_no_password_has_none() -> None:
    user = User.objects.get(email="shib@idp.example.org")
    assert not user.has_usable_password()
    [method] = user.auth_methods.all()
    assert (method.module, method.identifier) == ("shibboleth", "member-0042@idp.example.org")
    assert method.info["eppn"] == "member-0042@idp.example.org"


def test_tokens_work_or_are_refused_as_the_states_say(facts: dict[str, Any]) -> None:
    for known in facts["users"]:
        body = json.dumps({"auth": {"token": {"id": known["auth_token"]}}})
        answer = Client().post("/astakos/identity/v2.0/tokens", body, content_type="application/json")
        if known["is_active"] and known["has_signed_terms"]:
            assert answer.status_code == 200, (known["username"], answer.content)
            assert "access" in answer.json(), answer.content
            access = answer.json()["access"]
            assert access["user"]["id"] == known["uuid"]
        else:
            assert answer.status_code == 401, known["username"]
    assert Token.objects.count() == len(facts["users"])


def test_the_catalog_names_each_service_that_it_named(facts: dict[str, Any]) -> None:
    answer = Client().post("/astakos/identity/v2.0/tokens", "", content_type="application/json")
    urls = {
        entry["name"]: entry["endpoints"][0]["publicURL"]
        for entry in answer.json()["access"]["serviceCatalog"]
    }
    assert len(urls) >= 11
    assert urls["cyclades_compute"] == "http://testserver/cyclades/compute/v2.0"
    assert urls["pithos_object-store"] == "http://testserver/pithos/object-store/v1"
    assert urls["cyclades_network"] == "http://testserver/cyclades/network"
