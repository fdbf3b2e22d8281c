"""A token is good for what it was made for: its services, its project, its time; in all facades."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.astakos.accounts import access, tokens
from synnefo.astakos.accounts.models import ApplicationCredential, Token
from synnefo.astakos.projects.models import Project
from synnefo.astakos.seam import InProcessAccounts
from synnefo.common.accounts import SERVICES
from synnefo.common.caller import Scope, system_caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, Unauthorized
from tests.astakos.conftest import Person
from tests.astakos.v3 import by_password, get, login, post

pytestmark = pytest.mark.django_db

SYSTEM = system_caller("test")
#: One path of every facade, by the service whose token opens it. {user} is the user's uuid.
PATHS = [
    ("compute", "/cyclades/compute/v2.0/servers"),
    ("compute", "/cyclades/openstack/compute/v2.1/servers"),
    ("network", "/cyclades/network/v2.0/networks"),
    ("network", "/cyclades/openstack/network/v2.0/networks"),
    ("image", "/cyclades/image/v1.0/images/detail"),
    ("image", "/cyclades/openstack/image/v2/images"),
    ("volume", "/cyclades/openstack/volume/v3/{user}/volumes"),
    ("object-store", "/pithos/object-store/v1/{user}"),
    ("object-store", "/pithos/object-store/swift/v1/AUTH_{user}"),
    ("identity", "/astakos/account/v1.0/quotas"),
    ("identity", "/astakos/identity/v3/users/{user}"),
]


def issue(who: Person, *services: str, **fields: Any) -> str:
    project = Project.objects.get(uuid=who.uuid)
    return access.create(
        SYSTEM,
        who.user,
        f"for {services}",
        project=project.uuid,
        lifetime=access.DAY,
        services=services,
        **fields,
    ).token


def api_token(who: Person, *services: str) -> str:
    project = Project.objects.get(uuid=who.uuid)
    expires = timezone.now() + access.DAY
    return tokens.issue(who.user, kind=Token.Kind.API, project=project, services=services, expires=expires)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("owner", "path"), PATHS)
def test_a_token_opens_the_services_that_it_names_and_no_other(
    http: Client, ada: Person, owner: str, path: str, service: str
) -> None:
    answer = http.get(path.format(user=ada.uuid), headers={"X-Auth-Token": issue(ada, service)})
    assert answer.status_code == (403 if service != owner else 200 if answer.content else 204), answer.content
    if service != owner:
        assert f"This token is not for the service {owner}." in answer.content.decode()


@pytest.mark.parametrize(("owner", "path"), PATHS)
def test_a_token_may_be_for_several_services(http: Client, ada: Person, owner: str, path: str) -> None:
    others = [name for name in SERVICES if name != owner]
    good, bad = issue(ada, owner, others[0]), issue(ada, *others)
    path = path.format(user=ada.uuid)
    assert http.get(path, headers={"X-Auth-Token": good}).status_code in (200, 204)
    assert http.get(path, headers={"X-Auth-Token": bad}).status_code == 403


def test_a_token_without_services_or_with_all_is_for_all(ada: Person) -> None:
    assert tokens.identify(issue(ada)).services == set()
    assert tokens.identify(issue(ada, *SERVICES)).services == set()
    with pytest.raises(BadRequest, match="No service telephony"):
        issue(ada, "telephony")


def test_any_token_signs_in_and_tells_the_catalog(http: Client, ada: Person) -> None:
    token = issue(ada, "compute")
    body = {"auth": {"token": {"id": token}}}
    plain = http.post("/astakos/identity/v2.0/tokens", body, content_type="application/json")
    assert plain.json()["access"]["user"]["id"] == ada.uuid
    shown = get(http, "/auth/tokens", token, **{"X-Subject-Token": token})
    assert shown.json()["token"]["project"]["id"] == ada.uuid
    assert get(http, "/auth/projects", token).status_code == 200


def test_signing_in_at_the_object_store_by_user_and_key_minds_the_services(http: Client, ada: Person) -> None:
    url = "/pithos/object-store/swift/auth/v1.0"
    for service, status in (("object-store", 200), ("compute", 403)):
        headers = {"X-Auth-User": ada.uuid, "X-Auth-Key": issue(ada, service)}
        assert http.get(url, headers=headers).status_code == status


def test_an_exchanged_token_inherits_the_limits_and_ends_with_the_first(http: Client, ada: Person) -> None:
    project = Project.objects.get(uuid=ada.uuid)
    first, row = tokens.create_api_token(
        SYSTEM, ada.user, "ci", project=project, services=["compute"], read_only=True
    )
    answer = login(http, {"methods": ["token"], "token": {"id": first}})
    second = answer["X-Subject-Token"]
    third = login(http, {"methods": ["token"], "token": {"id": second}})["X-Subject-Token"]
    for token in (second, third):
        identity = tokens.identify(token)
        assert (identity.services, identity.read_only, identity.confined) == ({"compute"}, True, True)
    tokens.revoke(SYSTEM, ada.user, row.uuid)
    for token in (first, second, third):
        with pytest.raises(Unauthorized):
            tokens.identify(token)


def test_a_token_from_a_password_does_not_end_those_that_were_made_from_it(http: Client, ada: Person) -> None:
    user = {"id": ada.uuid, "password": ada.password}
    first = login(http, {"methods": ["password"], "password": {"user": user}})["X-Subject-Token"]
    second = login(http, {"methods": ["token"], "token": {"id": first}})["X-Subject-Token"]
    tokens.revoke_by_value(first, first)
    assert tokens.identify(second).user == ada.uuid


def test_a_limited_token_makes_no_credential_that_may_do_more(http: Client, ada: Person) -> None:
    token = api_token(ada, "identity", "compute")
    body = {"application_credential": {"name": "more"}}
    answer = post(http, f"/users/{ada.uuid}/application_credentials", body, token)
    assert answer.status_code == 201, answer.content
    made = ApplicationCredential.objects.get(name="more")
    assert made.services == "compute,identity"
    secret = answer.json()["application_credential"]["secret"]
    method = {"id": made.uuid, "secret": secret}
    signed_in = login(http, {"methods": ["application_credential"], "application_credential": method})
    assert tokens.identify(signed_in["X-Subject-Token"]).services == {"compute", "identity"}
    body = {"application_credential": {"name": "none"}}
    refused = post(http, f"/users/{ada.uuid}/application_credentials", body, api_token(ada, "compute"))
    assert refused.status_code == 403


@pytest.mark.parametrize("limit", ["services", "project", "read only"])
def test_a_limited_token_neither_makes_nor_reads_keys_without_limits(
    http: Client, ada: Person, limit: str
) -> None:
    path = f"/users/{ada.uuid}/credentials/OS-EC2"
    whole = login(http, by_password("ada@example.org"))["X-Subject-Token"]
    assert post(http, path, {"tenant_id": ada.uuid}, whole).status_code == 201
    limited, _ = tokens.create_api_token(
        SYSTEM,
        ada.user,
        "limited",
        project=Project.objects.get(uuid=ada.uuid) if limit == "project" else None,
        services=["identity", "compute"] if limit == "services" else (),
        read_only=limit == "read only",
    )
    assert post(http, path, {"tenant_id": ada.uuid}, limited).status_code == 403
    assert get(http, path, limited).status_code == 403


@pytest.fixture
def in_the_lab(ada: Person, lab: Callable[..., Project]) -> tuple[Project, str]:
    project = lab(ada, ada)
    made = access.create(SYSTEM, ada.user, "lab", project=project.uuid, lifetime=access.DAY)
    return project, made.token


def test_a_token_for_one_project_sees_nothing_of_the_others(
    http: Client, ada: Person, in_the_lab: tuple[Project, str]
) -> None:
    project, token = in_the_lab
    identity = tokens.identify(token)
    assert identity.projects == {project.uuid}
    caller = identity.caller(Scope.OWNER)
    assert (caller.scope, caller.project, caller.projects) == (Scope.PROJECT, project.uuid, {project.uuid})
    headers = {"X-Auth-Token": token}
    for face in ("v1/", "swift/v1/AUTH_"):
        assert http.get(f"/pithos/object-store/{face}{project.uuid}", headers=headers).status_code in (
            200,
            204,
        )
        assert http.get(f"/pithos/object-store/{face}{ada.uuid}", headers=headers).status_code == 403
    body = {"network": {"name": "net", "type": "MAC_FILTERED", "project": ada.uuid}}
    answer = http.post(
        "/cyclades/network/v2.0/networks", body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 400
    assert "not in project" in answer.content.decode()


def test_a_token_for_one_project_is_not_exchanged_for_another(
    http: Client, ada: Person, lab: Callable[..., Project]
) -> None:
    project = lab(ada, ada)
    token, _ = tokens.create_api_token(SYSTEM, ada.user, "lab", project=project)
    method = {"methods": ["token"], "token": {"id": token}}
    assert login(http, method).json()["token"]["project"]["id"] == project.uuid
    same = login(http, method, {"project": {"id": project.uuid}})
    assert same.status_code == 201
    assert login(http, method, {"project": {"id": ada.uuid}}).status_code == 401
    assert login(http, method, "unscoped").status_code == 401


def test_a_token_for_all_projects_is_one_token_without_a_credential(ada: Person) -> None:
    made = access.create(SYSTEM, ada.user, "kamaki", project=None, lifetime=access.DAY, services=["image"])
    assert made.credential is None
    assert tokens.identify(made.token).project is None
    assert not ApplicationCredential.objects.exists()


def test_a_token_without_end_needs_the_setting(ada: Person, settings: Any) -> None:
    with pytest.raises(BadRequest, match="every token ends"):
        access.create(SYSTEM, ada.user, "always", project=None, lifetime=tokens.FOREVER)
    settings.ASTAKOS_TOKENS_WITHOUT_END = True
    made = access.create(SYSTEM, ada.user, "always", project=ada.uuid, lifetime=tokens.FOREVER)
    assert made.expires == tokens.NEVER
    assert tokens.identify(made.token).user == ada.uuid
    assert access.page_of(ada.user, "1", 10)[0].expires is None


def test_what_is_renewed_is_the_same_again_and_the_old_one_ends(ada: Person, bob: Person) -> None:
    old = access.create(
        SYSTEM,
        ada.user,
        "ci",
        project=ada.uuid,
        lifetime=3 * access.DAY,
        services=["compute"],
        read_only=True,
    )
    before = access.get(ada.user, old.credential.uuid)
    with pytest.raises(ItemNotFound):
        access.renew(SYSTEM, bob.user, before.uuid)
    made = access.renew(SYSTEM, ada.user, before.uuid)
    after = access.get(ada.user, made.credential.uuid)
    assert (after.name, after.services, after.roles, after.project) == (
        "ci", ("compute",), frozenset({"reader"}), before.project,
    )  # fmt: skip
    assert after.expires is not None
    assert abs(after.expires - after.created - 3 * access.DAY) < datetime.timedelta(seconds=5)
    assert tokens.identify(made.token).services == {"compute"}
    with pytest.raises(Unauthorized):
        tokens.identify(old.token)


def test_a_look_up_is_one_query(ada: Person, django_assert_num_queries: Any) -> None:
    token = issue(ada, "compute")
    tokens.lookup(token)  # notes the first use
    with django_assert_num_queries(1):
        tokens.lookup(token)


def test_a_token_of_a_page_is_for_the_object_store_alone(http: Client, ada: Person) -> None:
    token = InProcessAccounts().short_token(ada.uuid, ada.uuid, 60)
    headers = {"X-Auth-Token": token}
    assert http.get(f"/pithos/object-store/v1/{ada.uuid}", headers=headers).status_code in (200, 204)
    assert http.get("/cyclades/compute/v2.0/servers", headers=headers).status_code == 403
    with pytest.raises(Forbidden):
        tokens.require_service(tokens.lookup(token), "identity")
