"""Signing in and out by password, and where one gets to by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules as users
from tests.conftest import SYSTEM, People

PASSWORD = "a-long-password-1"
LIST = "/ui/servers/"


def sign_in(client: Client, *, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/ui/login/", {"login": "alice@example.org", "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return client.get(LIST).status_code == 200


@pytest.mark.parametrize("path", ["/", "/ui/"])
def test_the_front_door_leads_to_the_dashboard(client: Client, cloud: People, path: str) -> None:
    sign_in(client)
    answer = client.get(path, follow=True)
    assert answer.request["PATH_INFO"] == "/ui/"
    assert "<h1>Dashboard</h1>" in answer.content.decode()


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_comes_back(client: Client, cloud: People) -> None:
    asked = client.get("/ui/servers/?state=error")
    assert asked.status_code == 302
    assert asked["Location"] == "/ui/login/?next=/ui/servers/%3Fstate%3Derror"
    page = client.get(asked["Location"])
    assert page.status_code == 200
    assert 'value="/ui/servers/?state=error"' in page.content.decode()
    assert sign_in(client, next="/ui/servers/?state=error")["Location"] == "/ui/servers/?state=error"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_signing_in_never_leads_to_another_host(client: Client, cloud: People, elsewhere: str) -> None:
    assert sign_in(client, next=elsewhere)["Location"] == "/ui/"


def test_a_wrong_password_is_told_and_the_name_is_kept(client: Client, cloud: People) -> None:
    page = sign_in(client, password="another-password")
    text = page.content.decode()
    assert page.status_code == 200
    assert 'role="alert"' in text
    assert 'value="alice@example.org"' in text
    assert "another-password" not in text
    assert not is_signed_in(client)


def test_guessing_is_stopped_for_a_while_even_with_the_right_password(client: Client, cloud: People) -> None:
    for _ in range(6):
        sign_in(client, password="another-password")
    page = sign_in(client)
    assert "Too many failed" in page.content.decode()
    assert not is_signed_in(client)


def test_a_deactivated_user_is_out_at_once(client: Client, cloud: People) -> None:
    sign_in(client)
    users.deactivate(SYSTEM, cloud.alice.user)
    assert client.get(LIST).status_code == 302
    sign_in(client)
    assert not is_signed_in(client)


def test_signing_out_needs_a_form(client: Client, cloud: People) -> None:
    sign_in(client)
    client.get("/ui/logout/")
    assert is_signed_in(client)
    assert client.post("/ui/logout/")["Location"] == "/ui/login/"
    assert not is_signed_in(client)


def test_a_script_of_a_page_is_told_to_open_the_sign_in_page(client: Client, cloud: People) -> None:
    answer = client.get(
        "/ui/servers/rows/",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/ui/servers/?q=web"},
    )
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/ui/login/?next=%2Fui%2Fservers%2F%3Fq%3Dweb"


def test_nobody_makes_himself_an_account_where_only_operators_do(
    client: Client, cloud: People, settings: Any
) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LOCAL_CREATE_POLICY = False
    page = client.get("/ui/signup/")
    assert page.status_code == 403
    assert "made by administrators" in page.content.decode()
