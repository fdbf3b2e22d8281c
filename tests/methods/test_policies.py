"""What users may do with their ways to sign in: settings, profiles, and what follows from what they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies, profiles, registry, rules
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from tests.conftest import SYSTEM

pytestmark = pytest.mark.django_db
Link = Callable[..., AuthMethod]


def modules(user: User) -> list[str]:
    return sorted(rules.methods_of(user).values_list("module", flat=True))


def test_who_has_a_password_has_the_method_for_it(alice: User) -> None:
    assert modules(alice) == ["local"]
    alice.set_unusable_password()
    alice.save()
    assert modules(alice) == []
    accounts.set_password(SYSTEM, alice, "another-long-password")
    accounts.set_password(SYSTEM, alice, "yet-another-password")
    assert modules(alice) == ["local"]


def test_a_setting_for_the_provider_beats_the_one_for_all(settings: Any) -> None:
    google, local = registry.get("google"), registry.get("local")
    assert (policies.general(google).create, policies.general(google).switch) == (True, True)
    assert policies.general(local).switch is False
    settings.ASTAKOS_AUTH_PROVIDERS_CREATE_POLICY = False
    assert policies.general(google).create is False
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_CREATE_POLICY = True
    assert policies.general(google).create is True
    assert policies.general(local).create is False


def test_automoderation_follows_moderation_unless_it_is_set(settings: Any) -> None:
    google = registry.get("google")
    assert policies.general(google).automoderate is False
    settings.ASTAKOS_MODERATION_ENABLED = False
    assert policies.general(google).automoderate is True
    settings.ASTAKOS_AUTH_PROVIDERS_AUTOMODERATE_POLICY = False
    assert policies.general(google).automoderate is False


def test_profiles_of_groups_beat_those_of_users_and_higher_priorities_lower_ones(alice: User) -> None:
    google = registry.get("google")
    staff = Group.objects.create(name="staff")
    alice.groups.add(staff)

    def profile(name: str, priority: int, login: bool, *, group: bool = False) -> None:
        row = profiles.add(SYSTEM, name, "google", {"login": login}, priority=priority)
        profiles.assign(SYSTEM, row, [] if group else [alice], [staff] if group else [])

    profile("user low", 1, True)
    profile("user high", 5, False)
    assert policies.of(google, alice).login is False
    profile("group low", 1, True, group=True)
    assert policies.of(google, alice).login is True
    profile("group high", 2, False, group=True)
    assert policies.of(google, alice).login is False


def test_an_exclusive_profile_speaks_of_all_providers_but_its_own(alice: User) -> None:
    row = profiles.add(SYSTEM, "only shibboleth", "shibboleth", {"add": False}, is_exclusive=True)
    profiles.assign(SYSTEM, row, [alice], [])
    assert policies.of(registry.get("shibboleth"), alice).add is True
    assert policies.of(registry.get("google"), alice).add is False
    row.active = False
    row.save()
    assert policies.of(registry.get("google"), alice).add is True


def test_a_profile_without_an_opinion_leaves_settings_alone(alice: User, settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_LIMIT_POLICY = 3
    row = profiles.add(SYSTEM, "quiet", "google", {"login": None})
    profiles.assign(SYSTEM, row, [alice], [])
    assert policies.of(registry.get("google"), alice).limit == 3


def test_the_last_way_to_sign_in_stays(alice: User, link: Link) -> None:
    local = rules.methods_of(alice).get()
    with pytest.raises(Forbidden):
        rules.remove(SYSTEM, alice, local.pk)
    link(alice, "google", "1")
    rules.remove(SYSTEM, alice, local.pk)
    alice.refresh_from_db()
    assert modules(alice) == ["google"]
    assert not alice.has_usable_password()
    with pytest.raises(Forbidden):
        rules.remove(SYSTEM, alice, rules.methods_of(alice).get().pk)


def test_a_method_of_a_provider_that_is_switched_off_does_not_count(
    alice: User, link: Link, settings: Any
) -> None:
    link(alice, "google", "1")
    settings.ASTAKOS_IM_MODULES = ["local"]
    with pytest.raises(Forbidden):
        rules.remove(SYSTEM, alice, rules.methods_of(alice).get(module="local").pk)


def test_an_account_has_as_many_identities_of_a_provider_as_the_limit_says(
    alice: User, link: Link, settings: Any
) -> None:
    link(alice, "google", "1")
    with pytest.raises(Forbidden):
        link(alice, "google", "2")
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_LIMIT_POLICY = 2
    link(alice, "google", "2")
    assert modules(alice) == ["google", "google", "local"]


def test_an_identity_belongs_to_one_account(alice: User, bob: User, link: Link) -> None:
    link(alice, "google", "1")
    with pytest.raises(Conflict):
        link(bob, "google", "1")
    assert link(alice, "google", "1").pk == rules.methods_of(alice).get(module="google").pk


def test_an_identity_can_be_exchanged_where_it_could_not_be_removed_or_another_added(
    alice: User, bob: User, link: Link, settings: Any
) -> None:
    link(alice, "google", "1")
    rules.remove(SYSTEM, alice, rules.methods_of(alice).get(module="local").pk)
    google = rules.methods_of(alice).get()
    link(bob, "google", "taken")
    with pytest.raises(Conflict):
        rules.switch(SYSTEM, alice, google.pk, Identity("google", "taken"))
    assert rules.switch(SYSTEM, alice, google.pk, Identity("google", "2")).identifier == "2"
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_SWITCH_POLICY = False
    with pytest.raises(Forbidden):
        rules.switch(SYSTEM, alice, google.pk, Identity("google", "3"))
    with pytest.raises(ItemNotFound):
        rules.switch(SYSTEM, bob, google.pk, Identity("google", "3"))


def test_adding_gives_the_groups_of_the_policy(alice: User, link: Link, settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_ADD_GROUPS_POLICY = ["googlers"]
    link(alice, "google", "1")
    assert list(alice.groups.values_list("name", flat=True)) == ["googlers"]


def test_what_everybody_must_have_is_missed(alice: User, link: Link, settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_GOOGLE_REQUIRED_POLICY = True
    assert [provider.module for provider in policies.missing(alice)] == ["google"]
    link(alice, "google", "1")
    assert policies.missing(alice) == []


def test_texts_about_a_provider_can_be_replaced(settings: Any) -> None:
    settings.ASTAKOS_AUTH_PROVIDER_SHIBBOLETH_TITLE = "GRNET"
    assert registry.get("shibboleth").login_title == "Sign in with GRNET"
    settings.ASTAKOS_AUTH_PROVIDERS_LOGIN_TITLE = "{title} here"
    assert registry.get("shibboleth").login_title == "GRNET here"


def test_the_order_of_the_setting_is_the_order_of_the_providers(settings: Any) -> None:
    settings.ASTAKOS_IM_MODULES = ["shibboleth", "no-such", "local"]
    assert [provider.module for provider in registry.enabled()] == ["shibboleth", "local"]
    with pytest.raises(ItemNotFound):
        registry.get("google")


def test_an_identity_that_waits_is_taken_up_by_its_token_once(alice: User) -> None:
    old = rules.pend(Identity("google", "1", email="a@example.org"))
    token = rules.pend(Identity("google", "1", email="b@example.org", info={"name": "B"}))
    with pytest.raises(ItemNotFound):
        rules.pending(old)
    assert (rules.pending(token).email, rules.pending(token).info) == ("b@example.org", {"name": "B"})
    rules.attach_pending(SYSTEM, alice, token, is_new=False)
    assert modules(alice) == ["google", "local"]
    with pytest.raises(ItemNotFound):
        rules.pending(token)


def test_earlier_accounts_of_an_identity_that_were_never_verified_give_way(alice: User) -> None:
    ghost = accounts.create(SYSTEM, "ghost@example.org", "G", "H")
    rules.first_method(SYSTEM, ghost, Identity("google", "1"))
    rules.attach_pending(SYSTEM, alice, rules.pend(Identity("google", "1")), is_new=False)
    assert not User.objects.filter(pk=ghost.pk).exists()
    assert modules(alice) == ["google", "local"]


def test_a_profile_is_refused_for_what_there_is_not() -> None:
    with pytest.raises(BadRequest):
        profiles.add(SYSTEM, "a", "facebook", {})
    with pytest.raises(BadRequest):
        profiles.add(SYSTEM, "a", "google", {"fly": True})
