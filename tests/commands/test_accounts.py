"""The operators' commands about accounts: letting in, terms of use, duplicates, cleaning up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from synnefo.astakos.accounts import login, rules, terms
from synnefo.astakos.accounts.models import Terms, User
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from tests.conftest import SYSTEM, People, Person

PASSWORD = "a-long-password-1"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def new_user(standard: None) -> Callable[..., User]:
    def make(name: str) -> User:
        return rules.create(SYSTEM, f"{name}@example.org", name.title(), "Tester", password=PASSWORD)

    return make


@pytest.mark.usefixtures("standard")
def test_an_account_made_by_hand_is_verified_accepted_and_signs_in() -> None:
    uuid = run("user-add", "ada@example.org", "Ada", "Byron", "--password", PASSWORD).strip()
    run("user-modify", uuid, "--verify", "--accept")
    assert login.by_password("ada@example.org", PASSWORD, address="") is not None


def test_verifying_accepts_where_nobody_decides(new_user: Callable[..., User], settings: Settings) -> None:
    settings.ASTAKOS_MODERATION_ENABLED = False
    user = new_user("ada")
    run("user-modify", user.uuid, "--verify")
    user.refresh_from_db()
    assert user.status == "Accepted/Active (auto_moderation)"
    other = new_user("bob")
    run("user-modify", other.uuid, "--verify", "--accept")
    other.refresh_from_db()
    assert other.status == "Accepted/Active (manual)"


def test_the_link_is_sent_again_to_who_has_not_used_it(new_user: Callable[..., User], people: People) -> None:
    waits = new_user("waits")
    run("user-activation-send", waits.email, str(waits.pk))
    assert Mail.objects.filter(template="verification", recipient=waits.email).count() == 2
    with pytest.raises(CommandError, match="verified already"):
        run("user-activation-send", waits.uuid, people.alice.user.uuid)
    assert Mail.objects.filter(template="verification").count() == 2
    listed = json.loads(
        run("user-list", "-o", "uuid,activation_sent", "--pending-verification", "--output-format", "json")
    )
    assert [one["uuid"] for one in listed] == [waits.uuid]
    assert listed[0]["activation_sent"]


def test_terms_come_from_a_file_and_are_signed_for_somebody(people: People, tmp_path: Path) -> None:
    file = tmp_path / "terms.html"
    file.write_text("<h1>Terms</h1><script>x</script>", encoding="utf-8")
    number = int(run("term-add", str(file)))
    assert Terms.objects.get(pk=number).content == "<h1>Terms</h1>"
    assert not User.objects.filter(terms_due=None).exists()
    run("user-modify", people.alice.user.uuid, "--sign-terms")
    assert list(User.objects.filter(terms_due=None)) == [people.alice.user]
    with pytest.raises(CommandError, match="cannot read"):
        run("term-add", str(tmp_path / "nothing.html"))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="cannot read"):
        run("term-add", str(file))


def test_superusers_without_an_account_get_one(new_user: Callable[..., User]) -> None:
    user = new_user("chief")
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    assert user.uuid in run("fix-superusers")
    user.refresh_from_db()
    assert user.is_active
    assert Project.objects.get(uuid=user.uuid).is_normal
    assert run("fix-superusers") == ""


def test_what_goes_on_of_inactive_accounts_is_found_and_suspended(people: People) -> None:
    user = people.alice.user
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert run("fix-deactivated-users", "--all-users").startswith(f"{user.uuid} ")
    assert projects.get(user.uuid).is_normal
    run("fix-deactivated-users", user.uuid, "--fix", "--noemail")
    assert not projects.get(user.uuid).is_normal
    assert run("fix-deactivated-users", "--all-users") == ""
    rules.activate(SYSTEM, user)
    assert projects.get(user.uuid).is_normal
    for words in ((), (user.uuid, "--all-users")):
        with pytest.raises(CommandError):
            run("fix-deactivated-users", *words)


def test_what_has_expired_is_removed(people: People) -> None:
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now())
    lines = run("cleanup-full").splitlines()
    assert "sessions: 1" in lines
    assert run("cleanup-full").splitlines()[0] == "sessions: 0"


def test_accounts_that_share_an_address_are_found_and_merged(
    people: People, new_person: Callable[..., Person]
) -> None:
    other = new_person("other")
    for user in (people.alice.user, other.user):
        User.objects.filter(pk=user.pk).update(username=user.uuid, shares_email=True)
    User.objects.filter(pk=other.user.pk).update(email="ALICE@example.org")
    found = json.loads(run("user-find-duplicates", "--output-format", "json"))
    assert [one["uuid"] for one in found] == [people.alice.user.uuid, other.user.uuid]
    assert {one["address"] for one in found} == {"alice@example.org"}
    with pytest.raises(CommandError, match="Several accounts"):
        run("user-show", "alice@example.org")
    run("user-merge", other.user.uuid, people.alice.user.uuid, "--no-confirm")
    assert run("user-find-duplicates", "--no-headers").strip() == ""
    assert "alice@example.org" in run("user-show", "alice@example.org")


def test_an_account_is_removed_but_for_its_uuid(people: People, new_person: Callable[..., Person]) -> None:
    user = new_person("leaver").user
    run("user-modify", user.uuid, "--remove", "--no-confirm")
    assert user.uuid not in run("user-list", "-o", "uuid")
    assert run("user-list", "-o", "uuid", "--removed", "--no-headers").strip() == user.uuid
    with pytest.raises(CommandError):
        run("user-show", user.uuid)


def test_lists_and_facts_tell_how_people_sign_in(people: People) -> None:
    rows: Any = json.loads(run("user-list", "--auth-providers", "--display-mails", "--output-format", "json"))
    assert {one["providers"] for one in rows} == {"local"}
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    run("user-modify", people.bob.user.uuid, "--level", "2", "--invitations", "7")
    (facts,) = json.loads(run("user-show", people.bob.user.uuid, "--output-format", "json"))
    assert (facts["level"], facts["invitations"], facts["has signed terms"]) == ("2", "7", "False")
    assert facts["accepted e-mail"] == "bob@example.org"
