"""Identity v3 at the HTTP edge: who gets a token, what it says, who may look at what."""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from synnefo.astakos.accounts import login as sign_in
from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.models import Token
from synnefo.common.caller import system_caller
from tests.astakos.conftest import PASSWORD, Person
from tests.astakos.v3 import V3, by_password, by_token, error_of, get, login, post

pytestmark = pytest.mark.django_db


def test_versions_are_found_without_a_token(http: Client, cloud: None) -> None:
    everything = http.get("/astakos/identity")
    assert everything.status_code == 300
    found = {
        version["id"]: version["links"][0]["href"] for version in everything.json()["versions"]["values"]
    }
    assert found == {
        "v3.14": "http://testserver/astakos/identity/v3/",
        "v2.0": "http://testserver/astakos/identity/v2.0/",
    }
    assert http.get("/astakos/identity/").json() == everything.json()
    assert http.get(V3).json()["version"]["id"] == http.get(f"{V3}/").json()["version"]["id"] == "v3.14"


def test_a_password_gives_a_token_for_the_default_project(http: Client, ada: Person) -> None:
    response = login(http, by_password("Ada@Example.org"))
    assert response.status_code == 201
    token = response["X-Subject-Token"]
    assert len(token) == 43
    shown = response.json()["token"]
    assert shown["methods"] == ["password"]
    assert shown["user"]["id"] == ada.uuid
    assert shown["user"]["name"] == "ada@example.org"
    assert shown["project"] == {
        "domain": {"id": "default", "name": "Default"},
        "id": ada.uuid,
        "name": f"system:{ada.uuid}",
    }
    assert {role["name"] for role in shown["roles"]} == {"member", "reader"}
    urls = {entry["type"]: entry["endpoints"][0]["url"] for entry in shown["catalog"]}
    assert urls == {
        "identity": "http://testserver/astakos/identity",
        "compute": "http://testserver/cyclades/openstack/compute/v2.1",
        "network": "http://testserver/cyclades/openstack/network",
        "image": "http://testserver/cyclades/openstack/image",
        "block-storage": f"http://testserver/cyclades/openstack/volume/v3/{ada.uuid}",
        "volumev3": f"http://testserver/cyclades/openstack/volume/v3/{ada.uuid}",
        "object-store": f"http://testserver/pithos/object-store/swift/v1/AUTH_{ada.uuid}",
    }
    assert not Token.objects.filter(digest__contains=token).exists()
    assert get(http, "/auth/projects", token).status_code == 200


@pytest.mark.parametrize("name", ["ada@example.org", "ADA@EXAMPLE.ORG"])
@pytest.mark.parametrize("domain", [{"id": "default"}, {"name": "Default"}])
def test_names_are_found_in_any_case(http: Client, ada: Person, name: str, domain: dict[str, str]) -> None:
    assert login(http, by_password(name, domain=domain)).status_code == 201


@pytest.mark.parametrize("dashes", [True, False])
def test_a_user_is_also_known_by_his_id(http: Client, ada: Person, dashes: bool) -> None:
    uuid = ada.uuid if dashes else ada.uuid.replace("-", "")
    identity = {"methods": ["password"], "password": {"user": {"id": uuid, "password": PASSWORD}}}
    assert login(http, identity).status_code == 201


def test_scopes(http: Client, ada: Person, bob: Person) -> None:
    def project_of(scope: Any) -> Any:
        response = login(http, by_password("ada@example.org"), scope)
        return response.json()["token"].get("project", {}).get("id") if response.status_code == 201 else 401

    default = {"id": "default"}
    assert project_of({"project": {"id": ada.uuid}}) == ada.uuid
    assert project_of({"project": {"name": f"system:{ada.uuid}", "domain": default}}) == ada.uuid
    assert project_of("unscoped") is None
    assert project_of({"unscoped": {}}) is None
    assert project_of({"project": {"id": bob.uuid}}) == 401
    assert project_of({"project": {"id": "no such project"}}) == 401
    assert project_of({"project": {"name": f"system:{ada.uuid}", "domain": {"id": "other"}}}) == 401
    assert project_of({"domain": default}) == 401
    assert project_of({"domain": {"id": "no such domain"}}) == 401
    assert project_of({"system": {"all": True}}) == 401


def test_an_unscoped_token_has_no_roles_and_can_be_scoped(http: Client, ada: Person) -> None:
    unscoped = login(http, by_password("ada@example.org"), "unscoped")
    assert not {"roles", "project", "catalog"} & set(unscoped.json()["token"])
    scoped = login(http, by_token(unscoped["X-Subject-Token"]), {"project": {"id": ada.uuid}})
    assert scoped.status_code == 201
    assert scoped.json()["token"]["project"]["id"] == ada.uuid
    assert scoped.json()["token"]["methods"] == ["password", "token"]
    assert scoped.json()["token"]["expires_at"] == unscoped.json()["token"]["expires_at"]


def test_whatever_is_wrong_the_refusal_is_the_same(
    http: Client, ada: Person, bob: Person, settings: Settings
) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = ""
    rules.deactivate(system_caller(), bob.user)
    rules.create(system_caller(), "new@example.org", "New", "Comer", password=PASSWORD)
    attempts = [
        by_password("ada@example.org", "another password"),
        by_password("nobody@example.org"),
        by_password("ada@example.org", domain={"id": "another"}),
        by_password("bob@example.org"),
        by_password("new@example.org"),
        by_token("no such token"),
        {"methods": ["kerberos"], "kerberos": {}},
        {"methods": []},
        {"methods": ["application_credential"], "application_credential": {"id": "x", "secret": "y"}},
    ]
    answers = {error_of(login(http, identity)) for identity in attempts}
    assert {code for code, _ in answers} == {401}
    by_name = {error_of(login(http, identity)) for identity in attempts[:5]}
    assert len(by_name) == 1


@pytest.fixture
def real_hashes(settings: Settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["synnefo.astakos.accounts.hashing.Argon2id"]
    settings.ASTAKOS_LOGIN_ATTEMPTS = ""
    sign_in._decoy_hash.cache_clear()
    yield
    sign_in._decoy_hash.cache_clear()


def test_a_wrong_name_takes_as_long_as_a_wrong_password(real_hashes: None, ada: Person) -> None:
    """Processor time of the calling thread, so that a busy machine does not disturb."""

    def cost_s(name: str) -> float:
        sign_in.by_password(name, "warm up", address="")
        times = []
        for _ in range(7):
            started = time.thread_time()
            assert sign_in.by_password(name, "wrong", address="") is None
            times.append(time.thread_time() - started)
        return statistics.median(times)

    known, unknown = cost_s("ada@example.org"), cost_s("nobody@example.org")
    assert known > 0.005
    assert 0.5 < known / unknown < 2


def test_passwords_are_kept_as_argon2id(real_hashes: None, ada: Person) -> None:
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in ada.user.password


def test_too_many_failures_of_a_name_are_refused_even_with_the_right_password(
    http: Client, ada: Person
) -> None:
    for _ in range(5):
        assert login(http, by_password("ada@example.org", "wrong")).status_code == 401
    assert error_of(login(http, by_password("Ada@Example.org")))[0] == 429


def test_too_many_failures_from_an_address_are_refused_for_every_name(
    http: Client, ada: Person, settings: Settings
) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = "3/m/ip"
    for number in range(3):
        assert login(http, by_password(f"nobody{number}@example.org")).status_code == 401
    assert login(http, by_password("ada@example.org")).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert login(elsewhere, by_password("ada@example.org")).status_code == 201


def test_validating_a_token(http: Client, ada: Person) -> None:
    created = login(http, by_password("ada@example.org"))
    token = created["X-Subject-Token"]
    shown = get(http, "/auth/tokens", token, **{"X-Subject-Token": token})
    assert shown.status_code == 200
    assert shown.json() == created.json()
    assert shown["X-Subject-Token"] == token
    short = get(http, "/auth/tokens?nocatalog", token, **{"X-Subject-Token": token})
    assert "catalog" not in short.json()["token"]
    head = http.head(f"{V3}/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token})
    assert (head.status_code, head.content) == (200, b"")


def test_validating_costs_one_query(http: Client, ada: Person, root: Person) -> None:
    token = login(http, by_password("ada@example.org"))["X-Subject-Token"]
    get(http, "/auth/tokens", token, **{"X-Subject-Token": token})
    with CaptureQueriesContext(connection) as own:
        get(http, "/auth/tokens", token, **{"X-Subject-Token": token})
    assert len(own) == 1
    get(http, "/auth/tokens", root.token, **{"X-Subject-Token": token})
    with CaptureQueriesContext(connection) as anothers:
        get(http, "/auth/tokens", root.token, **{"X-Subject-Token": token})
    assert len(anothers) == 1


def test_only_administrators_look_at_other_peoples_tokens(
    http: Client, ada: Person, bob: Person, root: Person
) -> None:
    token = login(http, by_password("ada@example.org"))["X-Subject-Token"]
    subject = {"X-Subject-Token": token}
    assert get(http, "/auth/tokens", ada.token, **subject).status_code == 200
    assert get(http, "/auth/tokens", root.token, **subject).status_code == 200
    assert get(http, "/auth/tokens", bob.token, **subject).status_code == 403
    assert get(http, "/auth/tokens", "", **subject).status_code == 401
    assert get(http, "/auth/tokens", ada.token, **{"X-Subject-Token": "unknown"}).status_code == 404
    assert get(http, "/auth/tokens", ada.token).status_code == 400


def test_a_revoked_token_is_gone(http: Client, ada: Person, bob: Person) -> None:
    token = login(http, by_password("ada@example.org"))["X-Subject-Token"]

    def revoke(by: str) -> int:
        response = http.delete(f"{V3}/auth/tokens", headers={"X-Auth-Token": by, "X-Subject-Token": token})
        return response.status_code

    assert revoke(bob.token) == 403
    assert revoke(token) == 204
    assert get(http, "/auth/projects", token).status_code == 401


def test_an_expired_token_is_no_token(http: Client, ada: Person) -> None:
    Token.objects.update(expires=timezone.now() - datetime.timedelta(seconds=1))
    assert error_of(get(http, "/auth/projects", ada.token)) == (401, "Authentication expired")
    assert error_of(login(http, by_token(ada.token)))[0] == 401
    assert tokens.remove_expired() == 1


def test_deactivating_ends_every_token_and_activating_brings_them_back(http: Client, ada: Person) -> None:
    scoped = login(http, by_password("ada@example.org"))["X-Subject-Token"]
    rules.deactivate(system_caller(), ada.user, reason="away")
    assert get(http, "/auth/projects", scoped).status_code == 401
    rules.activate(system_caller(), ada.user)
    assert get(http, "/auth/projects", scoped).status_code == 200


def test_a_new_password_logs_out(http: Client, ada: Person) -> None:
    session = login(http, by_password("ada@example.org"))["X-Subject-Token"]
    rules.set_password(system_caller(), ada.user, "another good password")
    assert get(http, "/auth/projects", session).status_code == 401
    assert get(http, "/auth/projects", ada.token).status_code == 200


def test_a_read_only_token_reads_only(http: Client, ada: Person) -> None:
    token, _ = tokens.create_api_token(system_caller(), ada.user, "watch", read_only=True)
    assert get(http, "/auth/projects", token).status_code == 200
    body = {"application_credential": {"name": "x"}}
    assert error_of(post(http, f"/users/{ada.uuid}/application_credentials", body, token))[0] == 403
    weaker = login(http, by_token(token))
    assert {role["name"] for role in weaker.json()["token"]["roles"]} == {"reader"}


def test_last_use_is_noted_at_most_once_a_minute(http: Client, ada: Person) -> None:
    get(http, "/auth/projects", ada.token)
    first = Token.objects.get(user=ada.user).last_used
    get(http, "/auth/projects", ada.token)
    assert Token.objects.get(user=ada.user).last_used == first
    Token.objects.update(last_used=timezone.now() - datetime.timedelta(seconds=61))
    get(http, "/auth/projects", ada.token)
    assert Token.objects.get(user=ada.user).last_used > first


def test_lists_show_ones_own_and_an_administrator_everything(
    http: Client, ada: Person, bob: Person, root: Person
) -> None:
    def names(token: str, kind: str, key: str) -> set[str]:
        listed = kind.partition("?")[0].rpartition("/")[2]
        return {row[key] for row in get(http, f"/{kind}", token).json()[listed]}

    assert names(ada.token, "auth/projects", "id") == {ada.uuid}
    assert names(root.token, "users", "id") == {ada.uuid, bob.uuid, root.uuid}
    assert names(root.token, "projects", "id") == {ada.uuid, bob.uuid, root.uuid}
    assert names(root.token, "users?name=BOB@example.org", "name") == {"bob@example.org"}
    assert names(root.token, f"projects?name=system:{bob.uuid}", "id") == {bob.uuid}
    assert names(root.token, "users?domain_id=elsewhere", "id") == set()


@pytest.mark.parametrize(
    ("path", "stranger", "member", "other", "admin"),
    [
        ("/users/{ada}", 401, 200, 403, 200),
        ("/users/{ada}/projects", 401, 200, 403, 200),
        ("/users/{ada}/application_credentials", 401, 200, 403, 200),
        ("/users/{ada}/application_credentials/unknown", 401, 404, 403, 404),
        ("/projects/{ada}", 401, 200, 403, 200),
        ("/users/ada@example.org", 401, 403, 403, 404),
        ("/projects/unknown", 401, 403, 403, 404),
        ("/users", 401, 403, 403, 200),
        ("/projects", 401, 403, 403, 200),
        ("/domains", 401, 200, 200, 200),
        ("/domains/default", 401, 200, 200, 200),
        ("/domains/other", 401, 403, 403, 404),
        ("/roles", 401, 200, 200, 200),
        ("/roles/member", 401, 200, 200, 200),
        ("/roles/unknown", 401, 404, 404, 404),
        ("/auth/catalog", 401, 200, 200, 200),
        ("/auth/projects", 401, 200, 200, 200),
        ("/auth/domains", 401, 200, 200, 200),
        ("/nothing", 404, 404, 404, 404),
        ("/users/%00", 401, 403, 403, 404),
        ("/users?name=%00", 401, 403, 403, 400),
    ],
)
def test_routes_by_role(
    http: Client,
    ada: Person,
    bob: Person,
    root: Person,
    path: str,
    stranger: int,
    member: int,
    other: int,
    admin: int,
) -> None:
    path = path.format(ada=ada.uuid)
    expected = {"": stranger, "wrong": stranger, ada.token: member, bob.token: other, root.token: admin}
    for token, status in expected.items():
        response = get(http, path, token)
        assert response.status_code == status, (path, token, response.content)
        if status >= 400:
            error_of(response)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        {"auth": None},
        {"auth": {"identity": {}}},
        {"auth": {"identity": {"methods": "password"}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": 5, "password": "x"}}}}},
        {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": {"name": "x", "password": "x"}}}
            }
        },
        {"auth": {"identity": by_password("nul\x00@example.org")}},
        {"auth": {"identity": by_password("x" * 300)}},
        {"auth": {"identity": by_password("a@example.org", "x" * 5000)}},
        {"auth": {"identity": by_password("a@example.org"), "scope": {"project": {}}}},
        {"auth": {"identity": by_password("a@example.org"), "scope": {"project": {"name": "x"}}}},
        {"auth": {"identity": by_password("a@example.org"), "scope": {}}},
        {"auth": {"identity": {"methods": ["token"], "token": {"id": ["x"]}}}},
        {
            "auth": {
                "identity": {"methods": ["application_credential"], "application_credential": {"secret": "x"}}
            }
        },
    ],
)
def test_malformed_requests_are_bad_requests(http: Client, ada: Person, body: Any) -> None:
    assert error_of(post(http, "/auth/tokens", body))[0] == 400


def test_a_huge_body_is_refused(http: Client, cloud: None) -> None:
    assert error_of(post(http, "/auth/tokens", "x" * (2 * 1024 * 1024)))[0] == 413


def test_other_methods_are_not_allowed(http: Client, ada: Person) -> None:
    assert http.put(f"{V3}/auth/tokens", headers={"X-Auth-Token": ada.token}).status_code == 405


def test_the_catalog_is_absolute_for_whoever_asks(http: Client, ada: Person, settings: Settings) -> None:
    def identity_url() -> str:
        entries = get(http, "/auth/catalog", ada.token, Host="cloud.example.org:8080").json()["catalog"]
        return next(entry["endpoints"][0]["url"] for entry in entries if entry["type"] == "identity")

    assert identity_url() == "http://cloud.example.org:8080/astakos/identity"
    settings.SYNNEFO_PUBLIC_URL = "https://public.example.org/"
    assert identity_url() == "https://public.example.org/astakos/identity"
