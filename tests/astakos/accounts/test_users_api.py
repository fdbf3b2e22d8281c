"""Users in identity v2.0, for administrators' programs; and what users do for themselves in account v1.0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from synnefo.astakos.accounts import login, rules, terms, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.ids import new_uuid
from tests.astakos.accounts.conftest import SYSTEM, mails
from tests.astakos.conftest import Person

USERS = "/astakos/identity/v2.0/users"
ACCOUNT = "/astakos/account/v1.0"
NEW = {"username": "New@Example.org", "first_name": "New", "last_name": "User"}


@pytest.fixture
def clerk(person: Callable[..., Person], settings: Settings) -> Person:
    """A member of the group that may use the API."""
    settings.ASTAKOS_ADMIN_API_ENABLED = True
    made = person("clerk")
    rules.add_group(SYSTEM, made.user, "admin-api")
    return made


def send(who: Person, method: str, path: str, body: Any = None) -> Any:
    headers = {"X-Auth-Token": who.token}
    return Client().generic(method, USERS + path, _json(body), "application/json", headers=headers)


def _json(body: Any) -> str:
    import json

    return "" if body is None else json.dumps(body)


EVERY = [
    ("GET", ""),
    ("GET", "/detail"),
    ("POST", ""),
    ("GET", "/{uuid}"),
    ("PUT", "/{uuid}"),
    ("POST", "/{uuid}/action"),
]


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_it_is_for_one_group_alone(clerk: Person, ada: Person, root: Person, method: str, path: str) -> None:
    path = path.format(uuid=ada.uuid)
    for who in (ada, root):
        assert send(who, method, path, {}).status_code == 403
    assert Client().generic(method, USERS + path).status_code == 401
    before = User.objects.count()
    assert send(clerk, method, path, {}).status_code in (200, 400)
    assert User.objects.count() == before


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_where_it_is_not_switched_on_there_is_no_such_endpoint(
    clerk: Person, settings: Settings, method: str, path: str
) -> None:
    settings.ASTAKOS_ADMIN_API_ENABLED = False
    answer = send(clerk, method, path.format(uuid=clerk.uuid), {})
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"] == "API endpoint not found"


@pytest.mark.parametrize("path", ["", "/detail"])
def test_a_wrong_method_is_told_the_right_ones(clerk: Person, path: str) -> None:
    answer = send(clerk, "DELETE", path)
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


def test_users_are_listed_in_brief_and_in_full(clerk: Person, ada: Person) -> None:
    brief = {one["id"]: one for one in send(clerk, "GET", "").json()["users"]}
    full = {one["id"]: one for one in send(clerk, "GET", "/detail").json()["users"]}
    assert brief.keys() == full.keys() == {clerk.uuid, ada.uuid}
    assert brief[clerk.uuid]["roles"] == ["admin-api"]
    assert brief[ada.uuid]["authentication_methods"] == [
        {
            "identifier": "Ada@Example.org", "active": True, "affiliation": "", "backend": "local",
            "metadata": {},
        }
    ]  # fmt: skip
    dates = {"date_joined", "moderated_at", "verified_at", "auth_token_expires"}
    assert full[ada.uuid].keys() - brief[ada.uuid].keys() == dates
    assert all(full[ada.uuid][name] for name in dates)
    assert send(clerk, "GET", f"/{ada.uuid}").json()["user"] == full[ada.uuid]


def test_a_new_user_is_accepted_at_once_and_hears_nothing(clerk: Person) -> None:
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    terms.sign(SYSTEM, clerk.user)
    count = len(mails())
    more = {**NEW, "affiliation": "NTUA", "metadata": {"room": "12"}}
    told = send(clerk, "POST", "", {"user": more}).json()["user"]
    assert login.by_password("new@example.org", told["password"], address="") is not None
    assert tokens.identify(told["auth_token"]).user == told["id"]
    assert len(mails()) == count
    method = send(clerk, "GET", f"/{told['id']}").json()["user"]["authentication_methods"][0]
    assert (method["affiliation"], method["metadata"]) == ("NTUA", {"room": "12"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"user": {**NEW, "username": "no address"}}, 400),
        ({"user": {**NEW, "first_name": " "}}, 400),
        ({"user": {"username": "x@example.org"}}, 400),
        ({"user": "x"}, 400),
        ({}, 400),
        ({"user": {**NEW, "password": "short"}}, 400),
        ({"user": {**NEW, "username": "ADA@example.org"}}, 409),
    ],
)
def test_a_wrong_new_user_is_refused(clerk: Person, ada: Person, body: Any, status: int) -> None:
    before = User.objects.count()
    assert send(clerk, "POST", "", body).status_code == status
    assert User.objects.count() == before


def test_a_user_is_changed_with_his_login_name(clerk: Person, ada: Person) -> None:
    wanted = {
        "username": "Countess@example.org",
        "first_name": "Augusta",
        "password": "the analytical engine",
    }
    told = send(clerk, "PUT", f"/{ada.uuid}", {"user": {**wanted, "metadata": {"a": 1}}}).json()["user"]
    assert (told["email"], told["first_name"], told["last_name"]) == (
        "Countess@example.org",
        "Augusta",
        "Byron",
    )
    assert told["authentication_methods"][0]["metadata"] == {"a": 1}
    assert login.by_password("countess@example.org", "the analytical engine", address="") == ada.user


def test_a_change_is_whole_or_none(clerk: Person, ada: Person, bob: Person) -> None:
    wanted = {"user": {"first_name": "Augusta", "username": "bob@example.org"}}
    assert send(clerk, "PUT", f"/{ada.uuid}", wanted).status_code == 409
    assert User.objects.get(pk=ada.user.pk).first_name == "Ada"
    for path in (f"/{new_uuid()}", "/no-uuid"):
        assert send(clerk, "PUT", path, {"user": {}}).status_code == 404
        assert send(clerk, "GET", path).status_code == 404
        assert send(clerk, "POST", f"{path}/action", {"activate": {}}).status_code == 404


def test_actions(clerk: Person, ada: Person, bob: Person, lab: Callable[..., Project]) -> None:
    def act(body: Any) -> Any:
        return send(clerk, "POST", f"/{ada.uuid}/action", body).json()["user"]

    assert act({"deactivate": {"reason": "holidays"}}) == {"id": ada.uuid, "is_active": False}
    assert User.objects.get(pk=ada.user.pk).deactivated_reason == "holidays"
    assert act({"activate": {}}) == {"id": ada.uuid, "is_active": True}
    renewed = act({"renewToken": {}})["auth_token"]
    assert tokens.identify(renewed).user == ada.uuid
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    terms.sign(SYSTEM, clerk.user)
    assert act({"signTerms": {}}) == {"id": ada.uuid, "has_signed_terms": True}
    project = lab(bob, ada)
    wanted = {"setDefaultProject": {"project_id": project.uuid}}
    assert act(wanted) == {"id": ada.uuid, "default_project": project.uuid}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"dance": {}}, 400),
        ({"activate": {}, "renewToken": {}}, 400),
        ({"deactivate": {"reason": 7}}, 400),
        ({"setDefaultProject": {}}, 400),
        ({"setDefaultProject": {"project_id": "00000000-0000-4000-8000-000000000000"}}, 409),
    ],
)
def test_wrong_actions_are_refused(clerk: Person, ada: Person, body: Any, status: int) -> None:
    assert send(clerk, "POST", f"/{ada.uuid}/action", body).status_code == status


def post(who: Person | None, path: str, body: str, kind: str = "application/json") -> Any:
    headers = {"X-Auth-Token": who.token} if who else {}
    return Client().generic("POST", ACCOUNT + path, body, kind, headers=headers)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/octet-stream"])
def test_feedback_reaches_the_helpdesk(ada: Person, settings: Settings, kind: str) -> None:
    settings.HELPDESK = [("Help", "help@example.org")]
    answer = post(ada, "/feedback", "feedback_msg=It%20rains&feedback_data=kamaki", kind)
    assert (answer.status_code, answer.content) == (200, b"")
    (told,) = mails("feedback")
    assert told.recipient == "help@example.org"
    for part in ("It rains", "kamaki", ada.uuid, "Ada@Example.org"):
        assert part in told.text


@pytest.mark.parametrize("body", ["", "feedback_data=x", "feedback_msg=%20", "feedback_msg=" + "x" * 10_001])
def test_feedback_says_something_and_no_book(ada: Person, body: str) -> None:
    assert post(ada, "/feedback", body).status_code == 400
    assert post(None, "/feedback", body).status_code == 401
    assert not mails("feedback")


def test_one_works_in_a_project_that_one_is_a_member_of(
    ada: Person, bob: Person, lab: Callable[..., Project]
) -> None:
    project = lab(bob, ada)

    def choose(uuid: object) -> int:
        status: int = post(ada, "/myaccount/default_project", _json({"project_id": uuid})).status_code
        return status

    assert choose(project.uuid) == 200
    assert User.objects.get(pk=ada.user.pk).default_project == project.uuid
    assert choose(None) == 403
    assert choose("") == 403
    assert choose(bob.uuid) == 404
    assert choose(new_uuid()) == 404
    Membership.objects.filter(project=project).update(state=Membership.State.REQUESTED)
    assert choose(project.uuid) == 403
    Project.objects.filter(pk=project.pk).update(state=Project.State.SUSPENDED)
    assert choose(project.uuid) == 403
    Project.objects.filter(pk=project.pk).update(state=Project.State.TERMINATED)
    assert choose(project.uuid) == 409
    assert post(None, "/myaccount/default_project", "{}").status_code == 401
