"""Users, groups, projects, domains and roles of identity v3 at the HTTP edge, by who asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Membership, Project
from tests.astakos.conftest import Person
from tests.astakos.v3 import V3, by_password, by_token, error_of, get, login, post

pytestmark = pytest.mark.django_db

PASSWORD = "a sufficient password"


class Api:
    """Identity v3 as one person speaks it."""

    def __init__(self, http: Client, token: str) -> None:
        self.http, self.token = http, token

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-Auth-Token": self.token} if self.token else {}
        return self.http.generic(
            method, V3 + path, _text(body), content_type="application/json", headers=headers
        )

    def make(self, noun: str, **fields: Any) -> dict[str, Any]:
        response = self("POST", f"/{noun}s", {noun: fields})
        assert response.status_code == 201, response.content
        made: dict[str, Any] = response.json()[noun]
        assert made["links"]["self"].endswith(f"/v3/{noun}s/{made['id']}")
        return made

    def change(self, noun: str, key: str, **fields: Any) -> dict[str, Any]:
        response = self("PATCH", f"/{noun}s/{key}", {noun: fields})
        assert response.status_code == 200, response.content
        changed: dict[str, Any] = response.json()[noun]
        return changed

    def show(self, noun: str, key: str) -> dict[str, Any]:
        shown: dict[str, Any] = self("GET", f"/{noun}s/{key}").json()[noun]
        return shown

    def ids(self, kind: str) -> list[str]:
        listed = kind.partition("?")[0].rpartition("/")[2]
        return [row["id"] for row in self("GET", f"/{kind}").json()[listed]]


def _text(body: Any) -> str:
    import json

    return "" if body is None else json.dumps(body)


@dataclasses.dataclass
class Cloud:
    """A lab that ``owner`` owns and ``member`` works in; a stranger; an administrator."""

    owner: Api
    member: Api
    stranger: Api
    admin: Api
    nobody: Api
    people: dict[str, Person]
    lab: Project


@pytest.fixture
def scene(http: Client, person: Callable[..., Person], lab: Callable[..., Project]) -> Cloud:
    people = {name: person(name) for name in ("olga", "mark", "susan")}
    people["root"] = person("root", admin=True)
    project = lab(people["olga"], people["mark"])
    apis = [Api(http, people[name].token) for name in ("olga", "mark", "susan", "root")]
    return Cloud(*apis, Api(http, ""), people, project)


@pytest.fixture
def admin(http: Client, root: Person) -> Api:
    return Api(http, root.token)


def token_of(http: Client, name: str, scope: Any = None, password: str = PASSWORD) -> Any:
    return login(http, by_password(name, password), scope)


# -- who may ----------------------------------------------------------------------------------------
S3 = {"credentials": {"access": "a", "signature": "b", "token": "QQ=="}}
#: method, path, body, and what nobody, a stranger, a member, the owner and an administrator are answered
ROUTES: list[tuple[str, str, Any, int, int, int, int, int]] = [
    ("GET", "/users", None, 401, 403, 403, 403, 200),
    ("POST", "/users", {"user": {"name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/users/{mark}", None, 401, 403, 200, 403, 200),
    ("PATCH", "/users/{mark}", {"user": {"description": "x"}}, 401, 403, 403, 403, 200),
    ("DELETE", "/users/{mark}", None, 401, 403, 403, 403, 204),
    ("GET", "/users/{mark}/projects", None, 401, 403, 200, 403, 200),
    ("GET", "/users/{mark}/groups", None, 401, 403, 200, 403, 200),
    ("GET", "/users/{mark}/credentials/OS-EC2", None, 401, 403, 200, 403, 403),
    ("POST", "/users/{mark}/credentials/OS-EC2", {"tenant_id": "{lab}"}, 401, 403, 201, 403, 403),
    ("GET", "/users/{mark}/credentials/OS-EC2/none", None, 401, 403, 404, 403, 403),
    ("DELETE", "/users/{mark}/credentials/OS-EC2/none", None, 401, 403, 404, 403, 403),
    ("GET", "/users/{mark}/application_credentials", None, 401, 403, 200, 403, 200),
    ("GET", "/projects", None, 401, 403, 403, 403, 200),
    ("POST", "/projects", {"project": {"name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/projects/{lab}", None, 401, 403, 200, 200, 200),
    ("GET", "/projects/none", None, 401, 403, 403, 403, 404),
    ("PATCH", "/projects/{lab}", {"project": {"description": "x"}}, 401, 403, 403, 403, 200),
    ("DELETE", "/projects/{lab}", None, 401, 403, 403, 403, 204),
    ("GET", "/projects/{lab}/tags", None, 401, 403, 200, 200, 200),
    ("PUT", "/projects/{lab}/tags", {"tags": ["a"]}, 401, 403, 403, 403, 200),
    ("DELETE", "/projects/{lab}/tags", None, 401, 403, 403, 403, 204),
    ("HEAD", "/projects/{lab}/tags/none", None, 401, 403, 404, 404, 404),
    ("PUT", "/projects/{lab}/tags/a", None, 401, 403, 403, 403, 201),
    ("DELETE", "/projects/{lab}/tags/none", None, 401, 403, 404, 404, 404),
    ("GET", "/domains", None, 401, 200, 200, 200, 200),
    ("POST", "/domains", {"domain": {"name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/domains/default", None, 401, 200, 200, 200, 200),
    ("GET", "/domains/none", None, 401, 403, 403, 403, 404),
    ("PATCH", "/domains/default", {"domain": {"name": "x"}}, 401, 403, 403, 403, 403),
    ("DELETE", "/domains/default", None, 401, 403, 403, 403, 403),
    ("GET", "/groups", None, 401, 403, 403, 403, 200),
    ("POST", "/groups", {"group": {"name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/groups/999999", None, 401, 403, 403, 403, 404),
    ("PATCH", "/groups/999999", {"group": {"name": "x"}}, 401, 403, 403, 403, 404),
    ("DELETE", "/groups/999999", None, 401, 403, 403, 403, 404),
    ("GET", "/groups/999999/users", None, 401, 403, 403, 403, 404),
    ("HEAD", "/groups/999999/users/{mark}", None, 401, 403, 403, 403, 404),
    ("PUT", "/groups/999999/users/{mark}", None, 401, 403, 403, 403, 404),
    ("DELETE", "/groups/999999/users/{mark}", None, 401, 403, 403, 403, 404),
    ("GET", "/roles", None, 401, 200, 200, 200, 200),
    ("POST", "/roles", {"role": {"name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/roles/member", None, 401, 200, 200, 200, 200),
    ("PATCH", "/roles/member", {"role": {"name": "x"}}, 401, 403, 403, 403, 403),
    ("DELETE", "/roles/member", None, 401, 403, 403, 403, 403),
    ("GET", "/roles/admin/implies", None, 401, 200, 200, 200, 200),
    ("GET", "/roles/admin/implies/member", None, 401, 200, 200, 200, 200),
    ("HEAD", "/roles/admin/implies/member", None, 401, 204, 204, 204, 204),
    ("PUT", "/roles/reader/implies/admin", None, 401, 403, 403, 403, 403),
    ("DELETE", "/roles/admin/implies/member", None, 401, 403, 403, 403, 403),
    ("GET", "/role_inferences", None, 401, 200, 200, 200, 200),
    ("GET", "/role_assignments", None, 401, 403, 403, 403, 200),
    ("GET", "/role_assignments?user.id={mark}", None, 401, 403, 200, 403, 200),
    ("GET", "/projects/{lab}/users/{mark}/roles", None, 401, 403, 200, 403, 200),
    ("HEAD", "/projects/{lab}/users/{mark}/roles/member", None, 401, 403, 403, 403, 204),
    ("PUT", "/projects/{lab}/users/{susan}/roles/member", None, 401, 403, 403, 204, 204),
    ("DELETE", "/projects/{lab}/users/{mark}/roles/member", None, 401, 403, 403, 204, 204),
    ("PUT", "/projects/{lab}/users/{susan}/roles/reader", None, 401, 403, 403, 403, 204),
    ("DELETE", "/projects/{lab}/users/{susan}/roles/reader", None, 401, 403, 403, 403, 404),
    ("GET", "/domains/default/users/{mark}/roles", None, 401, 403, 403, 403, 200),
    ("PUT", "/domains/default/users/{mark}/roles/reader", None, 401, 403, 403, 403, 204),
    ("PUT", "/domains/default/users/{mark}/roles/admin", None, 401, 403, 403, 403, 403),
    ("GET", "/system/users/{mark}/roles", None, 401, 403, 200, 403, 200),
    ("HEAD", "/system/users/{mark}/roles/admin", None, 401, 403, 403, 403, 404),
    ("PUT", "/system/users/{mark}/roles/admin", None, 401, 403, 403, 403, 204),
    ("DELETE", "/system/users/{mark}/roles/reader", None, 401, 403, 403, 403, 404),
    ("GET", "/nowhere/{lab}/users/{mark}/roles", None, 401, 404, 404, 404, 404),
    ("GET", "/services", None, 401, 200, 200, 200, 200),
    ("POST", "/services", {"service": {"type": "dns", "name": "new"}}, 401, 403, 403, 403, 201),
    ("GET", "/services/none", None, 401, 404, 404, 404, 404),
    ("DELETE", "/services/none", None, 401, 403, 403, 403, 404),
    ("GET", "/endpoints", None, 401, 200, 200, 200, 200),
    ("GET", "/endpoints/none", None, 401, 404, 404, 404, 404),
    ("DELETE", "/endpoints/none", None, 401, 403, 403, 403, 404),
    ("GET", "/regions", None, 401, 200, 200, 200, 200),
    ("POST", "/regions", None, 401, 403, 403, 403, 403),
    ("GET", "/regions/default", None, 401, 200, 200, 200, 200),
    ("GET", "/regions/none", None, 401, 404, 404, 404, 404),
    ("POST", "/ec2tokens", {"credentials": {"access": "a", "signature": "b"}}, 401, 403, 403, 403, 401),
    ("POST", "/s3tokens", S3, 401, 403, 403, 403, 401),
    ("GET", "/policies", None, 401, 501, 501, 501, 501),
    ("POST", "/OS-TRUST/trusts", {}, 401, 501, 501, 501, 501),
    ("GET", "/auth/system", None, 401, 200, 200, 200, 200),
    ("GET", "/auth/domains", None, 401, 200, 200, 200, 200),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "answers"), [(row[0], row[1], row[2], row[3:]) for row in ROUTES]
)
def test_who_may_do_what(scene: Cloud, method: str, path: str, body: Any, answers: tuple[int, ...]) -> None:
    known = {name: one.uuid for name, one in scene.people.items()} | {"lab": scene.lab.uuid}
    path = path.format(**known)
    if isinstance(body, dict) and "tenant_id" in body:
        body = {"tenant_id": scene.lab.uuid}
    asking = (scene.nobody, scene.stranger, scene.member, scene.owner, scene.admin)
    for who, status in zip(asking, answers, strict=True):
        if who is scene.admin and "/users/{susan}/roles/member" not in path:
            Membership.objects.filter(person=scene.people["susan"].user, project=scene.lab).delete()
        if who is scene.admin and method == "DELETE":
            Membership.objects.filter(person=scene.people["mark"].user, project=scene.lab).update(
                state=Membership.State.ACCEPTED
            )
        response = who(method, path, body)
        assert response.status_code == status, (method, path, response.content)
        if status >= 400 and method != "HEAD":
            error_of(response)


# -- users ------------------------------------------------------------------------------------------
def test_a_user_made_by_an_administrator_signs_in_by_any_name(http: Client, admin: Api) -> None:
    made = admin.make("user", name="Carol", password=PASSWORD, email="Carol@Example.org", description="d")
    assert (made["name"], made["email"], made["enabled"], made["description"]) == (
        "Carol", "Carol@Example.org", True, "d",
    )  # fmt: skip
    token = token_of(http, "carol")
    assert token.status_code == 201
    assert token.json()["token"]["user"] == {
        "domain": {"id": "default", "name": "Default"},
        "id": made["id"], "name": "Carol", "password_expires_at": None,
    }  # fmt: skip
    assert not {"project", "roles", "catalog"} & token.json()["token"].keys()
    assert admin.show("user", made["id"]) == made
    assert admin.ids("users?name=CAROL") == [made["id"]]
    assert User.objects.get(uuid=made["id"]).is_accepted


def test_a_user_is_changed_disabled_and_removed(http: Client, admin: Api) -> None:
    key = admin.make("user", name="carol", password=PASSWORD, color="red")["id"]
    changed = admin.change(
        "user", key, name="caroline", email="c@example.org", color="blue", description=None
    )
    assert (changed["name"], changed["email"], changed["color"]) == ("caroline", "c@example.org", "blue")
    assert token_of(http, "caroline").status_code == 201
    assert token_of(http, "carol").status_code == 401
    assert admin.change("user", key, enabled=False)["enabled"] is False
    assert token_of(http, "caroline").status_code == 401
    assert admin.ids("users?enabled=false") == [key]
    admin.change("user", key, enabled=True, password="another good password")
    token = token_of(http, "caroline", password="another good password")["X-Subject-Token"]
    assert admin("DELETE", f"/users/{key}").status_code == 204
    assert admin("GET", f"/users/{key}").status_code == 404
    assert get(http, "/auth/projects", token).status_code == 401
    assert admin.make("user", name="caroline")["id"] != key


def test_an_address_that_another_has_is_told_but_gets_no_mail(admin: Api, ada: Person) -> None:
    made = admin.make("user", name="carol", email="ada@example.org")
    assert made["email"] == "ada@example.org"
    assert User.objects.get(uuid=made["id"]).email == ""
    assert admin.change("user", made["id"], email="carol@example.org")["email"] == "carol@example.org"
    assert User.objects.get(uuid=made["id"]).email == "carol@example.org"


def test_who_uses_something_or_owns_a_project_is_not_deleted(scene: Cloud) -> None:
    owner = scene.people["olga"].uuid
    assert error_of(scene.admin("DELETE", f"/users/{owner}"))[0] == 409
    assert scene.admin("GET", f"/users/{owner}").status_code == 200
    assert error_of(scene.admin("DELETE", f"/users/{scene.people['root'].uuid}"))[0] == 403


def test_names_of_users_are_unique_and_an_ordinary_user_is_called_by_his_e_mail(
    admin: Api, ada: Person
) -> None:
    body = {"user": {"name": "ADA@example.org"}}
    assert error_of(admin("POST", "/users", body))[0] == 409
    assert admin.change("user", ada.uuid, email="Lovelace@example.org")["name"] == "lovelace@example.org"
    refused = admin("PATCH", f"/users/{ada.uuid}", {"user": {"name": "ada", "email": "b@example.org"}})
    assert error_of(refused)[0] == 400
    assert error_of(admin("POST", "/users", {"user": {"name": "x", "password": "short"}}))[0] == 400
    assert not User.objects.filter(username="x").exists()


def test_the_default_project_of_an_ordinary_user_is_one_he_works_in(scene: Cloud) -> None:
    mark, lab = scene.people["mark"].uuid, scene.lab.uuid
    assert scene.admin.change("user", mark, default_project_id=lab)["default_project_id"] == lab
    assert User.objects.get(uuid=mark).default_project == lab
    refused = scene.admin(
        "PATCH", f"/users/{scene.people['susan'].uuid}", {"user": {"default_project_id": lab}}
    )
    assert error_of(refused)[0] == 409


def test_a_password_is_changed_by_whoever_knows_it(http: Client, ada: Person) -> None:
    def change(old: str, new: str) -> int:
        body = {"user": {"original_password": old, "password": new}}
        return int(post(http, f"/users/{ada.uuid}/password", body).status_code)

    assert change("wrong", PASSWORD) == 401
    assert change(ada.password, "short") == 400
    assert change(ada.password, PASSWORD) == 204
    assert token_of(http, "ada@example.org").status_code == 201


def test_further_attributes_have_a_limit(admin: Api) -> None:
    body = {"user": {"name": "carol", "story": "x" * 20_000}}
    assert error_of(admin("POST", "/users", body))[0] == 400
    assert admin.ids("users?name=carol") == []


# -- projects ---------------------------------------------------------------------------------------
def test_a_project_of_an_administrator_runs_at_once(http: Client, admin: Api, ada: Person) -> None:
    made = admin.make("project", name="Weather 1", description="d", tags=["b", "a"])
    assert (made["enabled"], made["domain_id"], made["parent_id"], made["is_domain"], made["tags"]) == (
        True, "default", "default", False, ["a", "b"],
    )  # fmt: skip
    row = Project.objects.get(uuid=made["id"])
    assert (row.is_normal, row.owner, row.last_application_id) == (True, None, None)
    assert admin("PUT", f"/projects/{row.uuid}/users/{ada.uuid}/roles/member").status_code == 204
    scoped = login(http, by_token(ada.token), {"project": {"name": "Weather 1", "domain": {"id": "default"}}})
    assert {role["name"] for role in scoped.json()["token"]["roles"]} == {"member", "reader"}
    assert admin.ids("projects?name=Weather 1") == [made["id"]]
    assert admin.ids("projects?name__icontains=WEATHER") == [made["id"]]


def test_a_disabled_project_is_suspended_and_a_deleted_one_has_ended(admin: Api) -> None:
    key = admin.make("project", name="lab")["id"]
    assert error_of(admin("POST", "/projects", {"project": {"name": "lab"}}))[0] == 409
    assert admin.change("project", key, enabled=False)["enabled"] is False
    assert Project.objects.get(uuid=key).state == Project.State.SUSPENDED
    assert admin.change("project", key, enabled=True, name="laboratory")["name"] == "laboratory"
    assert admin("DELETE", f"/projects/{key}").status_code == 204
    assert Project.objects.get(uuid=key).state == Project.State.TERMINATED
    assert admin("GET", f"/projects/{key}").status_code == 404
    assert admin.make("project", name="laboratory")["id"] != key


def test_projects_stand_below_others(admin: Api) -> None:
    above = admin.make("project", name="above")["id"]
    below = admin.make("project", name="below", parent_id=above)
    assert below["parent_id"] == above
    assert admin.ids(f"projects?parent_id={above}") == [below["id"]]
    assert above in admin.ids("projects?parent_id=default")
    assert error_of(admin("DELETE", f"/projects/{above}"))[0] == 403
    assert error_of(admin("PATCH", f"/projects/{below['id']}", {"project": {"parent_id": "x"}}))[0] == 403


def test_a_project_of_ones_own_stays_and_tags_come_and_go(admin: Api, ada: Person) -> None:
    assert error_of(admin("DELETE", f"/projects/{ada.uuid}"))[0] == 403
    path = f"/projects/{ada.uuid}/tags"
    assert admin("PUT", f"{path}/one").status_code == 201
    assert admin("PUT", path, {"tags": ["two", "three"]}).json()["tags"] == ["three", "two"]
    assert admin("HEAD", f"{path}/two").status_code == 204
    assert admin("DELETE", f"{path}/two").status_code == 204
    assert admin("GET", path).json()["tags"] == ["three"]
    assert error_of(admin("PUT", path, {"tags": ["a", "a"]}))[0] == 400
    assert error_of(admin("GET", "/projects?tags=three"))[0] == 501


# -- domains ----------------------------------------------------------------------------------------
def test_a_domain_closes_and_opens_with_its_users_and_projects(http: Client, admin: Api) -> None:
    domain = admin.make("domain", name="Physics")["id"]
    user = admin.make("user", name="marie", password=PASSWORD, domain_id=domain)["id"]
    off = admin.make("user", name="pierre", domain_id=domain, enabled=False)["id"]
    project = admin.make("project", name="radium", domain_id=domain)
    assert (project["domain_id"], project["parent_id"]) == (domain, domain)
    assert admin.ids(f"users?domain_id={domain}") == [user, off]
    here = by_password("marie", PASSWORD, domain={"name": "physics"})
    assert login(http, here).json()["token"]["user"]["domain"] == {"id": domain, "name": "Physics"}
    assert token_of(http, "marie").status_code == 401
    assert get(http, f"/domains/{domain}", login(http, here)["X-Subject-Token"]).status_code == 200
    assert error_of(admin("DELETE", f"/domains/{domain}"))[0] == 403
    admin.change("domain", domain, enabled=False)
    assert login(http, here).status_code == 401
    assert admin.show("project", project["id"])["enabled"] is False
    admin.change("domain", domain, enabled=True)
    assert login(http, here).status_code == 201
    assert admin.show("project", project["id"])["enabled"] is True
    assert admin.show("user", off)["enabled"] is False
    admin.change("domain", domain, enabled=False)
    assert admin("DELETE", f"/domains/{domain}").status_code == 204
    assert admin("GET", f"/projects/{project['id']}").status_code == 404
    assert domain not in admin.ids("domains")


def test_a_project_may_act_as_a_domain(admin: Api) -> None:
    made = admin.make("project", name="Physics", is_domain=True, domain_id=None)
    assert made["id"] in admin.ids("domains")
    assert admin.ids("projects?is_domain=true") == [made["id"]]
    assert admin.show("project", made["id"])["is_domain"] is True
    assert admin.change("project", made["id"], enabled=False)["enabled"] is False
    assert admin("DELETE", f"/projects/{made['id']}").status_code == 204
    assert error_of(admin("POST", "/domains", {"domain": {"name": "DEFAULT"}}))[0] == 409


# -- groups and roles -------------------------------------------------------------------------------
def test_groups_have_users(admin: Api, ada: Person) -> None:
    group = admin.make("group", name="chemists", description="d")["id"]
    path = f"/groups/{group}/users/{ada.uuid}"
    assert admin("HEAD", path).status_code == 404
    assert admin("PUT", path).status_code == 204
    assert admin("GET", path).status_code == 204
    assert admin.ids(f"groups/{group}/users") == [ada.uuid]
    assert admin.ids(f"users/{ada.uuid}/groups") == [group]
    assert admin.change("group", group, name="alchemists")["name"] == "alchemists"
    assert error_of(admin("POST", "/groups", {"group": {"name": "alchemists"}}))[0] == 409
    assert admin("DELETE", path).status_code == 204
    assert error_of(admin("DELETE", path))[0] == 404
    assert admin("DELETE", f"/groups/{group}").status_code == 204


def test_a_role_that_was_given_is_in_the_token_and_reads_only(
    http: Client, admin: Api, ada: Person, bob: Person
) -> None:
    role = admin.make("role", name="auditor")
    path = f"/projects/{bob.uuid}/users/{ada.uuid}/roles"
    scope = {"project": {"id": bob.uuid}}
    assert login(http, by_token(ada.token), scope).status_code == 401
    assert admin("PUT", f"{path}/{role['id']}").status_code == 204
    scoped = login(http, by_token(ada.token), scope)
    assert scoped.json()["token"]["roles"] == [{"id": role["id"], "name": "auditor"}]
    token = scoped["X-Subject-Token"]
    assert [row["id"] for row in get(http, "/auth/projects", token).json()["projects"]] == [
        ada.uuid,
        bob.uuid,
    ]
    body = {"application_credential": {"name": "x"}}
    assert post(http, f"/users/{ada.uuid}/application_credentials", body, token).status_code == 403
    assert not Membership.objects.filter(person=ada.user, project__uuid=bob.uuid).exists()
    assert admin("DELETE", f"{path}/{role['id']}").status_code == 204
    assert get(http, "/auth/projects", token).status_code == 401


def test_admin_of_a_project_administers_with_tokens_for_it_alone(
    http: Client, admin: Api, ada: Person, bob: Person
) -> None:
    assert admin("PUT", f"/projects/{bob.uuid}/users/{ada.uuid}/roles/admin").status_code == 204
    there = login(http, by_token(ada.token), {"project": {"id": bob.uuid}})["X-Subject-Token"]
    assert get(http, "/users", there).status_code == 200
    assert get(http, "/users", ada.token).status_code == 403
    assert not User.objects.get(pk=ada.user.pk).is_superuser
    assert admin("DELETE", f"/projects/{bob.uuid}/users/{ada.uuid}/roles/admin").status_code == 204
    assert get(http, "/users", there).status_code == 401


def test_groups_give_roles_but_no_membership(http: Client, admin: Api, ada: Person, bob: Person) -> None:
    group, role = admin.make("group", name="auditors")["id"], admin.make("role", name="auditor")["id"]
    path = f"/projects/{bob.uuid}/groups/{group}/roles"
    assert error_of(admin("PUT", f"{path}/member"))[0] == 403
    assert admin("PUT", f"{path}/{role}").status_code == 204
    assert admin.ids(path.removeprefix("/")) == [role]
    admin("PUT", f"/groups/{group}/users/{ada.uuid}")
    scoped = login(http, by_token(ada.token), {"project": {"id": bob.uuid}})
    assert [row["id"] for row in scoped.json()["token"]["roles"]] == [role]
    told = admin("GET", f"/role_assignments?user.id={ada.uuid}&scope.project.id={bob.uuid}&effective")
    assert [row["role"]["id"] for row in told.json()["role_assignments"]] == [role]
    admin("DELETE", f"/groups/{group}/users/{ada.uuid}")
    assert get(http, "/auth/projects", scoped["X-Subject-Token"]).status_code == 401


def test_roles_imply_others_directly_or_not(http: Client, admin: Api, ada: Person, bob: Person) -> None:
    first, second, third = (admin.make("role", name=name)["id"] for name in ("one", "two", "three"))
    assert admin("PUT", f"/roles/{first}/implies/{second}").status_code == 201
    assert admin("PUT", f"/roles/{second}/implies/{third}").status_code == 201
    assert admin("PUT", f"/roles/{third}/implies/{first}").status_code == 201
    admin("PUT", f"/projects/{bob.uuid}/users/{ada.uuid}/roles/{first}")
    scoped = login(http, by_token(ada.token), {"project": {"id": bob.uuid}})
    assert {row["name"] for row in scoped.json()["token"]["roles"]} == {"one", "two", "three"}
    assert admin("DELETE", f"/roles/{second}").status_code == 204
    assert error_of(admin("GET", f"/roles/{first}/implies/{third}"))[0] == 404
    shown = get(
        http, "/auth/tokens", scoped["X-Subject-Token"], **{"X-Subject-Token": scoped["X-Subject-Token"]}
    )
    assert [row["name"] for row in shown.json()["token"]["roles"]] == ["one"]
    assert error_of(admin("PUT", f"/roles/{first}/implies/admin"))[0] == 403


def test_membership_obeys_the_rules_of_the_project(scene: Cloud) -> None:
    own = scene.people["mark"].uuid
    susan = scene.people["susan"].uuid
    assert error_of(scene.admin("PUT", f"/projects/{own}/users/{susan}/roles/member"))[0] == 409
    path = f"/projects/{scene.lab.uuid}/users/{susan}/roles/member"
    assert scene.owner("PUT", path).status_code == 204
    assert scene.owner("PUT", path).status_code == 204
    row = Membership.objects.get(person__uuid=susan, project=scene.lab)
    assert row.state == Membership.State.ACCEPTED
    assert scene.owner("DELETE", path).status_code == 204
    assert error_of(scene.owner("DELETE", path))[0] == 404


def test_administration_of_the_system_is_the_accounts_own(admin: Api, root: Person, ada: Person) -> None:
    path = f"/system/users/{ada.uuid}/roles/admin"
    assert admin("PUT", path).status_code == 204
    assert User.objects.get(pk=ada.user.pk).is_superuser
    assert admin("HEAD", path).status_code == 204
    assert admin("DELETE", path).status_code == 204
    assert not User.objects.get(pk=ada.user.pk).is_superuser
    assert error_of(admin("DELETE", f"/system/users/{root.uuid}/roles/admin"))[0] == 403


# -- scopes -----------------------------------------------------------------------------------------
def test_tokens_for_the_system_and_for_a_domain(http: Client, admin: Api, root: Person, ada: Person) -> None:
    system, domain = {"system": {"all": True}}, {"domain": {"id": "default"}}
    shown = login(http, by_password("root@example.org", root.password), system).json()["token"]
    assert shown["system"] == {"all": True}
    assert {row["name"] for row in shown["roles"]} == {"admin", "member", "reader"}
    assert "project" not in shown
    assert "catalog" in shown
    assert login(http, by_token(ada.token), system).status_code == 401
    assert admin("PUT", f"/system/users/{ada.uuid}/roles/reader").status_code == 204
    reading = login(http, by_token(ada.token), system)["X-Subject-Token"]
    assert get(http, "/users", reading).status_code == 200
    assert post(http, "/users", {"user": {"name": "x"}}, reading).status_code == 403
    assert admin("PUT", f"/domains/default/users/{ada.uuid}/roles/reader").status_code == 204
    there = login(http, by_token(ada.token), domain)
    assert there.json()["token"]["domain"] == {"id": "default", "name": "Default"}
    assert get(http, "/users", there["X-Subject-Token"]).status_code == 403
    domains = get(http, "/auth/domains", ada.token).json()["domains"]
    assert [row["id"] for row in domains] == ["default"]
    assert get(http, "/auth/system", ada.token).json()["system"] == [{"all": True}]
    assert admin("DELETE", f"/system/users/{ada.uuid}/roles/reader").status_code == 204
    assert get(http, "/users", reading).status_code == 401


# -- lists ------------------------------------------------------------------------------------------
def test_lists_are_paged_by_marker(admin: Api, settings: Settings) -> None:
    made = [admin.make("project", name=f"p{number}")["id"] for number in range(5)]
    found, path = [], "/projects?limit=2&name__startswith=p"
    while path:
        page = admin("GET", path).json()
        found += [row["id"] for row in page["projects"]]
        assert len(page["projects"]) <= 2
        path = (page["links"]["next"] or "").partition("/v3")[2]
    assert found == made
    assert error_of(admin("GET", "/projects?marker=nobody"))[0] == 400
    assert error_of(admin("GET", "/projects?limit=few"))[0] == 400
    assert admin.ids("projects?limit=0") == []
    settings.SYNNEFO_MAX_PAGE = 1
    assert len(admin("GET", "/role_assignments").json()["role_assignments"]) == 1
    assert admin("GET", "/role_assignments").json()["truncated"] is True


@pytest.mark.parametrize("kind", ["users", "projects", "groups", "role_assignments", "roles", "domains"])
def test_lists_cost_as_much_for_many_as_for_one(admin: Api, person: Callable[..., Person], kind: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin("GET", f"/{kind}?include_names").status_code == 200
        return len(seen)

    def more(name: str) -> None:
        one = person(name)
        role = admin.make("role", name=name)["id"]
        domain = admin.make("domain", name=name)["id"]
        group = admin.make("group", name=name, domain_id=domain)["id"]
        project = admin.make("project", name=name, domain_id=domain)["id"]
        admin("PUT", f"/projects/{project}/users/{one.uuid}/roles/{role}")
        admin("PUT", f"/projects/{project}/groups/{group}/roles/{role}")
        admin("PUT", f"/projects/{project}/users/{one.uuid}/roles/member")

    more("one")
    queries()
    few = queries()
    for name in ("two", "three", "four"):
        more(name)
    assert queries() == few


# -- the catalog ------------------------------------------------------------------------------------
def test_a_service_that_is_run_elsewhere_comes_into_the_catalog(
    http: Client, admin: Api, ada: Person
) -> None:
    service = admin.make("service", type="dns", name="designate")["id"]
    body = {"service_id": service, "interface": "public", "url": "https://dns.example.org/"}
    endpoint = admin.make("endpoint", **body)
    assert endpoint["region"] == "default"
    assert admin.ids(f"endpoints?service_id={service}") == [endpoint["id"]]
    urls = {row["type"]: row["endpoints"] for row in get(http, "/auth/catalog", ada.token).json()["catalog"]}
    assert urls["dns"][0]["url"] == "https://dns.example.org/"
    assert error_of(admin("POST", "/endpoints", {"endpoint": body}))[0] == 409
    assert error_of(admin("POST", "/endpoints", {"endpoint": {**body, "interface": "admin"}}))[0] == 501
    (nova,) = admin.ids("services?name=nova")
    assert error_of(admin("DELETE", f"/services/{nova}"))[0] == 403
    assert admin("DELETE", f"/endpoints/{endpoint['id']}").status_code == 204
    assert admin("DELETE", f"/services/{service}").status_code == 204
    assert admin.ids("services?type=dns") == []
