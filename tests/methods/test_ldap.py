"""Signing in by a directory: a real slapd, django-auth-ldap, our pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.methods import ldap as ldap_method
from synnefo.astakos.methods import rules
from synnefo.astakos.methods.models import AuthMethod, PendingThirdParty
from synnefo.common.faults import ServiceUnavailable, TooManyRequests, Unauthorized
from tests.conftest import SYSTEM
from tests.methods.conftest import is_signed_in, sign_in, texts_of
from tests.methods.directory import ADMIN, ADMIN_PASSWORD, BASE, GUID, PASSWORD, Directory, directory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with directory(tmp_path_factory.mktemp("slapd")) as found:
        yield found


@pytest.fixture(autouse=True)
def _configured(slapd: Directory, settings: Any) -> None:
    import ldap
    from django_auth_ldap.config import GroupOfNamesType, LDAPSearch

    settings.AUTH_LDAP_SERVER_URI = slapd.url
    settings.AUTH_LDAP_BIND_DN, settings.AUTH_LDAP_BIND_PASSWORD = ADMIN, ADMIN_PASSWORD
    settings.AUTH_LDAP_USER_SEARCH = LDAPSearch(f"ou=people,{BASE}", ldap.SCOPE_SUBTREE, "(uid=%(user)s)")
    settings.AUTH_LDAP_GROUP_SEARCH = LDAPSearch(
        f"ou=groups,{BASE}", ldap.SCOPE_SUBTREE, "(objectClass=groupOfNames)"
    )
    settings.AUTH_LDAP_GROUP_TYPE = GroupOfNamesType()
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {"identifier": ("uid", False)}


def authenticate(name: str, password: str = PASSWORD) -> Any:
    return ldap_method.authenticate(name, password, address="192.0.2.1")


def log_in(client: Client, name: str = "ada", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/ui/login/ldap/", {"username": name, "password": password, **more})


def test_the_directory_says_who_somebody_is() -> None:
    found = authenticate(" ada ")
    assert (found.module, found.identifier, found.email) == ("ldap", "ada", "Ada@Example.org")
    assert (found.first_name, found.last_name) == ("Ada", "Lovelace")
    assert found.groups == {"engineers"}


def test_the_usual_identifier_is_active_directory_s(settings: Any) -> None:
    del settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP
    assert authenticate("ada").identifier == str(uuid.UUID(bytes_le=GUID))


def test_the_attributes_that_are_wanted_are_kept(settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_PROVIDER_ATTRS = ["employeeNumber"]
    assert authenticate("ada").info == {"employeeNumber": "1815"}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"), ("nobody", PASSWORD), ("ada", ""), ("", PASSWORD), ("", ""),
        ("*", PASSWORD), ("ad*", PASSWORD), ("ada)(uid=*", PASSWORD), ("*)(|(uid=ada", PASSWORD),
        ("ada\\2a", PASSWORD), ("ada\x00", PASSWORD), ("uid=ada,ou=people", PASSWORD),
    ],
)  # fmt: skip
def test_whatever_is_wrong_the_answer_is_the_same(name: str, password: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        authenticate(name, password)
    assert refused.value.message == "The name or the password is wrong."


def test_the_directory_is_asked_to_check_a_password_for_unknown_names_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What takes the time, a bind, happens as often for a name that there is not."""
    from django_auth_ldap.backend import _LDAPUser

    binds: list[str] = []
    bind = _LDAPUser._bind_as

    def counted(self: Any, dn: str, *args: Any, **more: Any) -> Any:
        binds.append(dn)
        return bind(self, dn, *args, **more)

    monkeypatch.setattr(_LDAPUser, "_bind_as", counted)
    counts = []
    for name in ("ada", "nobody"):
        binds.clear()
        with pytest.raises(Unauthorized):
            authenticate(name, "wrong")
        counts.append(len(binds))
    assert counts[0] == counts[1] == 2


def test_guessing_is_stopped_even_with_the_right_password(settings: Any) -> None:
    settings.ASTAKOS_RATELIMIT_RETRIES_ALLOWED = 2
    for _ in range(2):
        with pytest.raises(Unauthorized):
            authenticate("ada", "wrong")
    with pytest.raises(TooManyRequests):
        authenticate("ADA")
    authenticate("bob")


def test_a_directory_that_is_away_is_told_apart_from_a_wrong_password(settings: Any) -> None:
    settings.AUTH_LDAP_SERVER_URI = "ldap://127.0.0.1:9"
    with pytest.raises(ServiceUnavailable):
        authenticate("ada")


def test_without_the_extra_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(ldap_method, "LDAPBackend", None)
    assert "pip install 'synnefo[ldap]'" in texts_of(log_in(client))


def test_somebody_unknown_signs_up_with_what_the_directory_says(client: Client, standard: None) -> None:
    answer = log_in(client)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/ui/signup/?third_party_token=")
    row = PendingThirdParty.objects.get()
    assert (row.identifier, row.email, row.first_name) == ("ada", "Ada@Example.org", "Ada")


def test_an_account_that_leaves_nothing_to_ask_is_made_at_once(
    client: Client, standard: None, settings: Any
) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {
        "identifier": ("uid", False), "email": ("mail", False), "first_name": ("givenName", False),
        "last_name": ("sn", False),
    }  # fmt: skip
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_AUTOVERIFY_POLICY = True
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_AUTOMODERATE_POLICY = True
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_CREATION_GROUPS_POLICY = ["from-ldap"]
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_MIRROR_GROUPS_POLICY = False
    log_in(client)
    user = User.objects.get(username="ada@example.org")
    assert (user.email, user.realname, user.status) == (
        "Ada@Example.org", "Ada Lovelace", "Accepted/Active (auth_provider_ldap)",
    )  # fmt: skip
    assert not user.has_usable_password()
    assert list(user.groups.values_list("name", flat=True)) == ["from-ldap"]
    assert is_signed_in(client)


def test_without_autoverify_such_an_account_waits(client: Client, standard: None, settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {
        "identifier": ("uid", False), "email": ("mail", False), "first_name": ("givenName", False),
        "last_name": ("sn", False),
    }  # fmt: skip
    answer = log_in(client)
    assert "We sent a mail to Ada@Example.org." in texts_of(client.get(answer["Location"]))
    assert User.objects.get(username="ada@example.org").status == "Pending email verification"
    assert Mail.objects.get(recipient="Ada@Example.org").template == "verification"
    assert not is_signed_in(client)


def test_an_address_that_is_known_is_not_told_to_whoever_comes_with_it(
    client: Client, alice: User, settings: Any, slapd: Directory
) -> None:
    """The directory says that Bob has the address of Alice's account."""
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {
        "identifier": ("uid", False), "email": ("mail", False), "first_name": ("givenName", False),
        "last_name": ("sn", False),
    }  # fmt: skip
    accounts.set_email(SYSTEM, alice, "ada@example.org")
    answer = log_in(client)
    assert "We sent a mail to Ada@Example.org." in texts_of(client.get(answer["Location"]))
    assert not is_signed_in(client)
    assert list(rules.methods_of(alice).values_list("module", flat=True)) == ["local"]
    assert Mail.objects.filter(recipient="Ada@Example.org").latest("pk").template == "known_already"


def test_where_there_are_terms_even_such_a_person_is_asked(
    client: Client, standard: None, settings: Any
) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {
        "identifier": ("uid", False), "email": ("mail", False), "first_name": ("givenName", False),
        "last_name": ("sn", False),
    }  # fmt: skip
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_AUTOVERIFY_POLICY = True
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_AUTOMODERATE_POLICY = True
    current = terms.publish(SYSTEM, "<p>Be kind.</p>")
    form = log_in(client)["Location"]
    assert "/ui/signup/" in form
    token = parse_qs(urlsplit(form).query)["third_party_token"][0]
    page = client.get(form).content.decode()
    assert "Lovelace" in page
    client.post(
        "/ui/signup/",
        {"third_party_token": token, "email": "x@example.org", "agreed": str(current.pk)},
    )
    user = User.objects.get(username="ada@example.org")
    assert (user.email, user.status) == ("Ada@Example.org", "Accepted/Active (auth_provider_ldap)")
    assert is_signed_in(client)


def test_whoever_is_known_signs_in(client: Client, alice: User, link: Callable[..., AuthMethod]) -> None:
    method = link(alice, "ldap", "ada")
    answer = log_in(client, next="/ui/tokens/")
    assert answer["Location"] == "/ui/tokens/"
    assert answer.cookies["astakos_last_login_method"].value == "ldap"
    method.refresh_from_db()
    assert method.last_login is not None
    assert is_signed_in(client)


def test_a_wrong_password_is_told_on_the_page(client: Client, alice: User, link: Any) -> None:
    link(alice, "ldap", "ada")
    answer = log_in(client, password="wrong")
    assert answer.status_code == 422
    assert "The name or the password is wrong." in texts_of(answer)
    assert 'value="ada"' in answer.content.decode()
    assert "wrong</" not in answer.content.decode()
    assert not is_signed_in(client)


def test_groups_of_the_directory_are_mirrored_where_the_policy_says_so(
    client: Client, alice: User, link: Any, settings: Any, slapd: Directory
) -> None:
    link(alice, "ldap", "ada")
    accounts.add_group(SYSTEM, alice, "of old")
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_MIRROR_GROUPS_POLICY = True
    log_in(client)
    assert list(alice.groups.values_list("name", flat=True)) == ["engineers"]


def test_what_the_directory_imposes_is_taken_over_at_each_sign_in(
    client: Client, alice: User, link: Any, settings: Any
) -> None:
    link(alice, "ldap", "ada")
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {
        "identifier": ("uid", False),
        "last_name": ("sn", False),
    }
    log_in(client)
    alice.refresh_from_db()
    assert (alice.first_name, alice.last_name, alice.email) == ("Alice", "Lovelace", "alice@example.org")


def test_the_identity_is_added_to_an_account_and_belongs_to_no_other(
    client: Client, alice: User, bob: User, link: Any
) -> None:
    sign_in(client)
    answer = client.post("/ui/login/ldap/add/", {"username": "ada", "password": PASSWORD}, follow=True)
    assert "You can sign in by Enterprise from now on." in texts_of(answer)
    assert rules.methods_of(alice).get(module="ldap").identifier == "ada"
    link(bob, "ldap", "bob")
    rules.methods_of(alice).filter(module="ldap").delete()
    answer = client.post("/ui/login/ldap/add/", {"username": "bob", "password": PASSWORD}, follow=True)
    assert "belongs to another account" in texts_of(answer)


def test_policies_refuse_signing_in_and_signing_up(
    client: Client, alice: User, link: Any, settings: Any
) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_CREATE_POLICY = False
    answer = log_in(client)
    assert not PendingThirdParty.objects.exists()
    assert "Accounts cannot be made" in texts_of(client.get(answer["Location"]))
    link(alice, "ldap", "ada")
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_LOGIN_POLICY = False
    log_in(client)
    assert not is_signed_in(client)


def test_a_deactivated_account_is_told_so(client: Client, alice: User, link: Any) -> None:
    link(alice, "ldap", "ada")
    accounts.deactivate(SYSTEM, alice)
    answer = log_in(client)
    assert "not active" in texts_of(client.get(answer["Location"]))
    assert not is_signed_in(client)


def test_a_provider_that_is_switched_off_has_no_page(client: Client, settings: Any) -> None:
    settings.ASTAKOS_IM_MODULES = ["local"]
    assert client.get("/ui/login/ldap/").status_code == 404
