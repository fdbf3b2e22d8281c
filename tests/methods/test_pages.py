"""The sign-in page and the page of one's ways to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts import login as password_login
from synnefo.astakos.accounts.models import User
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.methods import profiles, rules
from synnefo.astakos.methods.models import AuthMethod
from tests.conftest import SYSTEM
from tests.methods.conftest import PASSWORD, is_signed_in, sign_in, texts_of

pytestmark = pytest.mark.django_db
PAGE = "/ui/account/methods/"


def test_the_first_provider_has_the_large_form_and_the_others_follow_in_order(
    client: Client, db: None, settings: Any
) -> None:
    settings.ASTAKOS_IM_MODULES = ["ldap", "google", "local"]
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_LOGIN_TITLE = "Staff"
    page = client.get("/ui/login/").content.decode()
    assert 'name="username"' in page
    assert 'name="login"' not in page
    assert page.index("/ui/login/google/") < page.index("/ui/login/local/")
    assert 'name="login"' in client.get("/ui/login/local/").content.decode()


def test_a_first_provider_elsewhere_is_a_large_button(client: Client, db: None, settings: Any) -> None:
    settings.ASTAKOS_IM_MODULES = ["shibboleth"]
    page = client.get("/ui/login/?next=/ui/tokens/").content.decode()
    assert 'type="password"' not in page
    assert 'action="/ui/login/shibboleth/"' in page
    assert 'name="next" value="/ui/tokens/"' in page


def test_a_provider_whose_policy_forbids_it_is_not_offered(client: Client, db: None, settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_LOGIN_POLICY = False
    page = client.get("/ui/login/").content.decode()
    assert "/ui/login/google/" not in page
    assert "/ui/login/linkedin/" in page


@pytest.mark.parametrize("where", ["off", "policy", "profile", "method"])
def test_passwords_are_no_way_to_sign_in_where_that_is_said(
    client: Client, alice: User, settings: Any, where: str
) -> None:
    if where == "off":
        settings.ASTAKOS_IM_MODULES = ["google"]
    elif where == "policy":
        settings.ASTAKOS_AUTH_PROVIDER_LOCAL_LOGIN_POLICY = False
    elif where == "profile":
        profiles.assign(SYSTEM, profiles.add(SYSTEM, "p", "local", {"login": False}), [alice], [])
    else:
        rules.methods_of(alice).update(active=False)
    sign_in(client)
    assert not is_signed_in(client)
    assert password_login.by_password("alice@example.org", PASSWORD, address="192.0.2.1") is None


def test_the_last_used_way_is_marked(client: Client, alice: User) -> None:
    assert sign_in(client).cookies["astakos_last_login_method"].value == "local"
    client.cookies["astakos_last_login_method"] = "google"
    client.post("/ui/logout/")
    assert "Sign in with Google used last" in texts_of(client.get("/ui/login/"))


def test_one_s_ways_to_sign_in_are_listed_with_what_can_be_done(
    client: Client, alice: User, link: Callable[..., AuthMethod], settings: Any
) -> None:
    google = link(alice, "google", "1234")
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_ADD_POLICY = False
    sign_in(client)
    page = client.get(PAGE).content.decode()
    assert "1234" in page
    assert f"{PAGE}{google.pk}/remove/" in page
    assert "/ui/login/ldap/add/" not in page
    assert 'action="/ui/login/linkedin/"' in page


def test_a_way_to_sign_in_is_removed_after_a_question(
    client: Client, alice: User, link: Callable[..., AuthMethod]
) -> None:
    google = link(alice, "google", "1234")
    sign_in(client)
    assert "Remove Google?" in texts_of(client.get(f"{PAGE}{google.pk}/remove/"))
    answer = client.post(f"{PAGE}{google.pk}/remove/now/", follow=True)
    assert "Google is removed from your account." in texts_of(answer)
    assert list(rules.methods_of(alice).values_list("module", flat=True)) == ["local"]
    mail = Mail.objects.filter(template="sign_in_changed", recipient=alice.email).latest("pk")
    assert "Google was removed from the ways to sign in." in mail.text


def test_nobody_removes_another_s_way_to_sign_in(
    client: Client, alice: User, bob: User, link: Callable[..., AuthMethod]
) -> None:
    google = link(bob, "google", "1234")
    sign_in(client)
    assert client.post(f"{PAGE}{google.pk}/remove/now/").status_code == 404
    assert rules.methods_of(bob).filter(module="google").exists()


def test_the_last_way_cannot_be_removed_by_hand_either(client: Client, alice: User) -> None:
    sign_in(client)
    local = rules.methods_of(alice).get()
    assert client.post(f"{PAGE}{local.pk}/remove/now/").status_code == 403
    assert is_signed_in(client)


def test_who_lacks_a_way_that_everybody_must_have_is_led_to_add_it(
    client: Client, alice: User, link: Callable[..., AuthMethod], settings: Any
) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_REQUIRED_POLICY = True
    sign_in(client)
    assert client.get("/ui/tokens/")["Location"] == "/ui/profile/"
    assert "Every account of this cloud must have Google" in texts_of(client.get(PAGE))
    link(alice, "google", "1234")
    assert client.get("/ui/tokens/").status_code == 200


def test_a_provider_that_there_is_not_is_told(client: Client, db: None) -> None:
    assert "no such way to sign in" in texts_of(client.get("/ui/login/facebook/", follow=True))
