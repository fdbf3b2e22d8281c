"""Identity v2.0 as kamaki and old scripts speak it (spec: astakos 1.3)."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import Token
from synnefo.common.caller import system_caller
from tests.astakos.conftest import PASSWORD, Person

V2 = "/astakos/identity/v2.0"
NAMESPACE = {"v2": "http://docs.openstack.org/identity/api/v2.0"}
pytestmark = pytest.mark.django_db


def post(http: Client, body: Any, path: str = "/tokens", **options: Any) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return http.post(V2 + path, text, **{"content_type": "application/json", **options})


def by_token(token: Any, **more: Any) -> dict[str, Any]:
    return {"auth": {"token": {"id": token}, **more}}


def by_password(username: str, password: str, **more: Any) -> dict[str, Any]:
    return {"auth": {"passwordCredentials": {"username": username, "password": password}, **more}}


def test_versions(http: Client, cloud: None) -> None:
    version = http.get(f"{V2}/").json()["version"]
    assert version["id"] == "v2.0"
    assert version["links"] == [
        {"href": "http://testserver/astakos/identity/v2.0/", "rel": "self"},
        {"href": "https://docs.openstack.org/", "rel": "describedby", "type": "text/html"},
    ]
    assert http.get(V2).json()["version"] == version


def test_without_a_body_anybody_gets_the_catalog_and_only_that(http: Client, cloud: None) -> None:
    response = http.post(f"{V2}/tokens", "", content_type="application/json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=UTF-8"
    access = response.json()["access"]
    assert set(access) == {"serviceCatalog"}
    weblogin = _entry("astakos_weblogin", "astakos_weblogin", "astakos/weblogin", "")
    weblogin["endpoints"][0]["SNF:webloginURL"] = "http://testserver/astakos/weblogin"
    assert access["serviceCatalog"] == [
        weblogin,
        _entry("astakos_account", "account", "astakos/account/v1.0", "v1.0"),
        _entry("astakos_oauth2", "astakos_auth", "astakos/oauth2", ""),
        _entry("astakos_identity", "identity", "astakos/identity/v2.0", "v2.0"),
        _entry("cyclades_compute", "compute", "cyclades/compute/v2.0", "v2.0"),
        _entry("cyclades_network", "network", "cyclades/network", "v2.0", exposed="False"),
        _entry("cyclades_volume", "volume", "cyclades/volume", "v2.0", exposed="False"),
        _entry("cyclades_plankton", "image", "cyclades/image", "v1.0", exposed="False"),
        _entry("cyclades_vmapi", "vmapi", "cyclades/vmapi/v1.0", "v1.0"),
        _entry("cyclades_admin", "admin", "cyclades/admin", ""),
        _entry("pithos_object-store", "object-store", "pithos/object-store/v1", "v1"),
    ]


def test_a_token_is_answered_with_its_user(http: Client, ada: Person) -> None:
    rules.add_group(system_caller(), ada.user, "helpdesk")
    access = post(http, by_token(ada.token)).json()["access"]
    assert set(access) == {"token", "user", "serviceCatalog"}
    assert access["token"]["id"] == ada.token
    assert access["token"]["expires"].endswith("+00:00")
    assert access["token"]["tenant"] == {"id": ada.uuid, "name": "Ada Byron"}
    (role,) = access["user"].pop("roles")
    assert role["name"] == "helpdesk"
    assert role["id"].isdigit()
    assert access["user"] == {
        "id": ada.uuid,
        "name": "Ada Byron",
        "roles_links": [],
        "projects": [ada.uuid],
    }


def test_uuid_and_token_work_as_name_and_password(http: Client, ada: Person) -> None:
    assert post(http, by_password(ada.uuid, ada.token)).json()["access"]["user"]["id"] == ada.uuid
    assert post(http, by_password(ada.uuid, ada.token, tenantName=ada.uuid)).status_code == 200
    both = {"auth": {**by_token(ada.token)["auth"], **by_password("x", "y")["auth"]}}
    assert post(http, both).status_code == 200


def test_what_is_refused(http: Client, ada: Person, bob: Person) -> None:
    refused = {
        401: [
            by_password("ada@example.org", PASSWORD),
            by_password(bob.uuid, ada.token),
            by_token("unknown"),
            by_token("\ud800"),
        ],
        400: [
            by_token(ada.token, tenantName=bob.uuid),
            by_token(None),
            {},
            {"auth": {}},
            {"auth": None},
            [],
            "not json",
            {"auth": {"token": {}}},
            {"auth": {"passwordCredentials": {"username": ada.uuid}}},
        ],
    }
    for status, bodies in refused.items():
        for body in bodies:
            response = post(http, body)
            assert response.status_code == status, body
            (fault,) = response.json().values()
            assert (fault["code"], fault["details"]) == (status, "")
    assert post(http, by_token(ada.token), content_type="application/xml").status_code == 400


def test_the_reason_is_told_as_ever(http: Client, ada: Person, bob: Person) -> None:
    def message(body: Any) -> str:
        text: str = post(http, body).json()["unauthorized"]["message"]
        return text

    assert message(by_token("unknown")) == "Invalid token"
    rules.deactivate(system_caller(), bob.user)
    assert message(by_token(bob.token)) == "User inactive"
    Token.objects.update(expires=timezone.now())
    assert message(by_token(ada.token)) == "Authentication expired"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/tokens?format=xml", {}),
        ("/tokens.xml", {}),
        ("/tokens", {"headers": {"Accept": "application/xml"}}),
    ],
)
def test_xml_where_it_is_asked_for(http: Client, ada: Person, path: str, options: dict[str, Any]) -> None:
    response = post(http, by_token(ada.token), path, **options)
    assert response["Content-Type"] == "application/xml; charset=UTF-8"
    root = ElementTree.fromstring(response.content)  # noqa: S314  our own answer
    assert root.tag == f"{{{NAMESPACE['v2']}}}access"
    user = root.find("v2:user", NAMESPACE)
    tenant = root.find("v2:token/v2:tenant", NAMESPACE)
    assert user is not None
    assert tenant is not None
    assert (user.get("id"), user.get("name"), tenant.get("id")) == (ada.uuid, "Ada Byron", ada.uuid)
    urls = [element.get("publicURL") for element in root.iterfind(".//v2:endpoint", NAMESPACE)]
    own = ("weblogin", "account/v1.0", "oauth2", "identity/v2.0")
    assert urls[:4] == [f"http://testserver/astakos/{name}" for name in own]
    names = ("compute/v2.0", "network", "volume", "image", "vmapi/v1.0", "admin")
    cyclades = [f"http://testserver/cyclades/{name}" for name in names]
    assert urls[4:] == [*cyclades, "http://testserver/pithos/object-store/v1"]
    refused = post(http, by_token("unknown"), path, **options)
    fault = ElementTree.fromstring(refused.content)  # noqa: S314  our own answer
    assert (fault.tag, fault.get("code")) == (f"{{{NAMESPACE['v2']}}}unauthorized", "401")
    assert fault.findtext("v2:message", namespaces=NAMESPACE) == "Invalid token"


def test_other_paths_and_methods(http: Client, ada: Person) -> None:
    for path in ("/tenants", "/nothing", "/users", "/endpoints"):
        response = http.get(V2 + path)
        assert response.status_code == 400
        assert response.json()["badRequest"]["message"] == "API endpoint not found"
    assert http.get(f"{V2}/tokens/{ada.token}").status_code == 404
    assert http.get(f"{V2}/tokens/{ada.token}/endpoints").json()["itemNotFound"]["message"] == "No such token"
    wrong = http.get(f"{V2}/tokens")
    assert (wrong.status_code, wrong["Allow"]) == (405, "POST")
    assert wrong.json()["notAllowed"]["code"] == 405


def test_a_huge_body_is_refused(http: Client, cloud: None) -> None:
    assert post(http, "x" * (2 * 1024 * 1024)).status_code == 413


def _entry(name: str, kind: str, path: str, version: str, *, exposed: str = "True") -> dict[str, Any]:
    """A service of the catalog; ``exposed``: whether its address ends in the version."""
    endpoint = {
        "versionId": version,
        "region": "default",
        "SNF:exposeVersion": exposed,
        "SNF:uiURL": "http://testserver/ui",
        "publicURL": f"http://testserver/{path}",
    }
    return {"name": name, "type": kind, "endpoints_links": [], "endpoints": [endpoint]}
