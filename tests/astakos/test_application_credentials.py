"""Application credentials: a program signs in with one, with no more rights than it was given."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.astakos.accounts.models import ApplicationCredential
from tests.astakos.conftest import Person
from tests.astakos.v3 import V3, error_of, get, login, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(http: Client, ada: Person) -> str:
    return sign_in(http, ada)


def sign_in(http: Client, who: Person) -> str:
    identity = {"methods": ["password"], "password": {"user": {"id": who.uuid, "password": who.password}}}
    token: str = login(http, identity)["X-Subject-Token"]
    return token


def create(http: Client, token: str, who: Person, **fields: Any) -> Any:
    body = {"application_credential": {"name": "backup", **fields}}
    return post(http, f"/users/{who.uuid}/application_credentials", body, token)


def use(http: Client, **fields: Any) -> Any:
    return login(http, {"methods": ["application_credential"], "application_credential": fields})


def test_a_program_signs_in_by_id_or_by_name(http: Client, ada: Person, session: str) -> None:
    response = create(http, session, ada, description="nightly")
    assert response.status_code == 201
    made = response.json()["application_credential"]
    assert (made["project_id"], made["unrestricted"], made["expires_at"]) == (ada.uuid, False, None)
    assert made["secret"] not in str(ApplicationCredential.objects.values())
    by_id = use(http, id=made["id"], secret=made["secret"])
    assert by_id.status_code == 201
    shown = by_id.json()["token"]
    assert shown["methods"] == ["application_credential"]
    assert shown["project"]["id"] == ada.uuid
    assert shown["application_credential"] == {
        "id": made["id"],
        "name": "backup",
        "restricted": True,
    }
    owner = {"name": "Ada@example.org", "domain": {"id": "default"}}
    assert use(http, name="backup", user=owner, secret=made["secret"]).status_code == 201
    assert use(http, name="backup", user={"id": ada.uuid}, secret=made["secret"]).status_code == 201
    assert error_of(use(http, id=made["id"], secret="wrong"))[0] == 401


def test_guessing_a_secret_is_slowed_down(http: Client, ada: Person, session: str) -> None:
    made = create(http, session, ada).json()["application_credential"]
    for _ in range(5):
        assert use(http, id=made["id"], secret="wrong").status_code == 401
    assert use(http, id=made["id"], secret=made["secret"]).status_code == 429


def test_the_secret_is_shown_once(http: Client, ada: Person, session: str) -> None:
    made = create(http, session, ada).json()["application_credential"]
    path = f"/users/{ada.uuid}/application_credentials"
    listed = get(http, path, session).json()["application_credentials"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert "secret" not in listed[0]
    assert "secret" not in get(http, f"{path}/{made['id']}", session).json()["application_credential"]
    assert get(http, f"{path}?name=other", session).json()["application_credentials"] == []


def test_a_reader_only_reads(http: Client, ada: Person, session: str) -> None:
    made = create(http, session, ada, roles=[{"name": "reader"}]).json()["application_credential"]
    response = use(http, id=made["id"], secret=made["secret"])
    assert [role["name"] for role in response.json()["token"]["roles"]] == ["reader"]
    token = response["X-Subject-Token"]
    assert get(http, "/auth/projects", token).status_code == 200
    assert create(http, token, ada, name="more").status_code == 403


def test_a_restricted_credential_makes_no_more_of_its_kind(http: Client, ada: Person, session: str) -> None:
    made = create(http, session, ada).json()["application_credential"]
    token = use(http, id=made["id"], secret=made["secret"])["X-Subject-Token"]
    path = f"{V3}/users/{ada.uuid}/application_credentials/{made['id']}"
    assert create(http, token, ada, name="more").status_code == 403
    assert http.delete(path, headers={"X-Auth-Token": token}).status_code == 403
    assert login(http, {"methods": ["token"], "token": {"id": token}}).status_code == 401
    free = create(http, session, ada, name="free", unrestricted=True).json()["application_credential"]
    token = use(http, id=free["id"], secret=free["secret"])["X-Subject-Token"]
    assert create(http, token, ada, name="more").status_code == 201


def test_an_administrators_credential_has_the_roles_it_was_given(http: Client, root: Person) -> None:
    session = sign_in(http, root)
    made = create(http, session, root, roles=[{"name": "member"}]).json()["application_credential"]
    token = use(http, id=made["id"], secret=made["secret"])["X-Subject-Token"]
    assert get(http, "/users", token).status_code == 403
    assert create(http, token, root, name="more", roles=[{"name": "admin"}]).status_code == 403


def test_deleting_ends_its_tokens(http: Client, ada: Person, session: str) -> None:
    made = create(http, session, ada).json()["application_credential"]
    token = use(http, id=made["id"], secret=made["secret"])["X-Subject-Token"]
    path = f"{V3}/users/{ada.uuid}/application_credentials/{made['id']}"
    assert http.delete(path, headers={"X-Auth-Token": session}).status_code == 204
    assert get(http, "/auth/projects", token).status_code == 401
    assert use(http, id=made["id"], secret=made["secret"]).status_code == 401
    assert http.delete(path, headers={"X-Auth-Token": session}).status_code == 404


def test_it_expires_and_so_do_its_tokens(http: Client, ada: Person, session: str) -> None:
    soon = timezone.now() + datetime.timedelta(minutes=5)
    made = create(http, session, ada, expires_at=soon.isoformat()).json()["application_credential"]
    shown = use(http, id=made["id"], secret=made["secret"]).json()["token"]
    assert shown["expires_at"] == made["expires_at"] + "Z"
    ApplicationCredential.objects.update(expires=timezone.now())
    assert use(http, id=made["id"], secret=made["secret"]).status_code == 401


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"roles": [{"name": "admin"}]}, 400),
        ({"roles": [{}]}, 400),
        ({"roles": "reader"}, 400),
        ({"name": ""}, 400),
        ({"name": "x" * 300}, 400),
        ({"secret": "short"}, 400),
        ({"expires_at": "2001-01-01T00:00:00"}, 400),
        ({"expires_at": "soon"}, 400),
        ({"access_rules": [{"path": "/", "method": "GET", "service": "compute"}]}, 501),
        ({"secret": "chosen by the user himself"}, 201),
    ],
)
def test_what_can_be_asked_for(
    http: Client, ada: Person, session: str, fields: dict[str, Any], status: int
) -> None:
    assert create(http, session, ada, **fields).status_code == status


def test_a_name_is_used_once(http: Client, ada: Person, session: str) -> None:
    assert create(http, session, ada).status_code == 201
    assert error_of(create(http, session, ada))[0] == 409


def test_nobody_makes_or_removes_them_for_others(
    http: Client, ada: Person, bob: Person, root: Person
) -> None:
    made = create(http, sign_in(http, ada), ada).json()["application_credential"]
    path = f"{V3}/users/{ada.uuid}/application_credentials/{made['id']}"
    assert create(http, sign_in(http, bob), ada).status_code == 403
    assert create(http, sign_in(http, root), ada).status_code == 403
    assert http.delete(path, headers={"X-Auth-Token": bob.token}).status_code == 403
    assert use(http, id=made["id"], secret=made["secret"]).status_code == 201
