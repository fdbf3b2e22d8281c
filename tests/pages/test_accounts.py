"""Pages of accounts: signing up, confirming, a new password, one's profile, leaving; who may see which."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from synnefo.astakos.accounts import rules, terms
from synnefo.astakos.accounts.models import EmailChange, User
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.methods.identities import Identity
from synnefo.astakos.methods.models import AuthMethod
from synnefo.astakos.methods.rules import pend
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of

PASSWORD = "a-long-password-1"
NEW_PASSWORD = "another-long-one-2"
FORM = {
    "email": "new@example.org", "first_name": "New", "last_name": "User",
    "password": PASSWORD, "again": PASSWORD,
}  # fmt: skip


def link(template: str) -> str:
    """The path of the link in the last mail of a kind."""
    mail = Mail.objects.filter(template=template).latest("pk")
    found = re.search(r"http://127\.0\.0\.1:8080(/ui/\S{12,})", mail.text)
    assert found is not None
    return found[1]


def who_is_signed_in(client: Client) -> str:
    found = re.search(r"Signed in as</div>\s*<div[^>]*>([^<]*)<", client.get("/ui/tokens/").content.decode())
    return found[1] if found else ""


def without_secrets(answer: Any) -> str:
    """A page, without what differs from answer to answer."""
    text = answer.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|req-[0-9a-f-]+', "", text)


def test_a_stranger_signs_up_is_accepted_and_signs_in(client: Client, cloud: People) -> None:
    sent = client.post("/ui/signup/", FORM, follow=True)
    assert "We have sent a mail to new@example.org" in texts_of(sent)
    page = client.get(link("verification"))
    assert "Is new@example.org your address" in texts_of(page)
    assert not User.objects.get(username="new@example.org").email_verified
    waits = client.post(link("verification"))
    assert "waits for approval" in texts_of(waits)
    assert client.get("/ui/").status_code == 302
    rules.accept(SYSTEM, User.objects.get(username="new@example.org"))
    client.post("/ui/login/", {"login": "NEW@example.org", "password": PASSWORD})
    assert who_is_signed_in(client) == "new@example.org"


def test_who_needs_no_decision_is_signed_in_by_the_link_and_gets_where_he_wanted(
    client: Client, cloud: People, settings: Settings
) -> None:
    settings.ASTAKOS_MODERATION_ENABLED = False
    client.post("/ui/signup/", {**FORM, "next": "/ui/keys/"})
    elsewhere = Client()
    assert elsewhere.post(link("verification"))["Location"] == "/ui/keys/"
    assert who_is_signed_in(elsewhere) == "new@example.org"
    again = client.post(link("verification"))
    assert again.status_code == 409
    assert "confirmed already" in texts_of(again)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_up_never_leads_to_another_host(
    client: Client, cloud: People, settings: Settings, elsewhere: str
) -> None:
    settings.ASTAKOS_MODERATION_ENABLED = False
    client.post("/ui/signup/", {**FORM, "next": elsewhere})
    assert client.post(link("verification"))["Location"] == "/ui/"


def test_the_pages_after_signing_up_and_confirming_are_the_installations(
    client: Client, cloud: People, settings: Settings
) -> None:
    settings.ASTAKOS_MODERATION_ENABLED = False
    settings.ASTAKOS_ACTIVATION_REDIRECT_URL = "/ui/files/"
    client.post("/ui/signup/", {**FORM, "next": "/ui/keys/"})
    assert client.post(link("verification"))["Location"] == "/ui/files/"
    settings.ASTAKOS_LOGOUT_NEXT = "https://www.example.org/"
    assert client.post("/ui/logout/")["Location"] == "https://www.example.org/"
    settings.ASTAKOS_LOGIN_SUCCESS_URL = "/ui/networks/"
    told = client.post("/ui/login/", {"login": "new@example.org", "password": PASSWORD})
    assert told["Location"] == "/ui/networks/"


def test_nobody_learns_which_addresses_have_accounts(cloud: People) -> None:
    """The same pages, word for word, and a mail to each."""
    asked = {
        "/ui/signup/": FORM,
        "/ui/signup/again/": {},
        "/ui/password/reset/": {},
    }
    for path, form in asked.items():
        answers = []
        for email in ("alice@example.org", "somebody@example.org"):
            count = Mail.objects.count()
            answer = Client().post(path, {**form, "email": email}, follow=True)
            assert answer.status_code == 200
            answers.append(without_secrets(answer).replace(email, "EMAIL"))
            assert Mail.objects.count() == count + 1
            assert Mail.objects.latest("pk").recipient == email
        assert answers[0] == answers[1], path


def test_a_wrong_form_says_where_and_keeps_what_was_typed(client: Client, cloud: People) -> None:
    wrong = {**FORM, "email": "no address", "again": "something else", "last_name": ""}
    page = client.post("/ui/signup/", wrong)
    text = page.content.decode()
    assert page.status_code == 422
    for words in (
        "This is no e-mail address.",
        "The two passwords are not the same.",
        "Enter your last name.",
    ):
        assert words in text
    assert 'value="no address"' in text
    assert PASSWORD not in text
    weak = client.post("/ui/signup/", {**FORM, "password": "short", "again": "short"})
    assert "too short" in texts_of(weak)
    assert not Mail.objects.filter(template="verification").exists()


def test_terms_of_use_are_agreed_to_while_signing_up(client: Client, cloud: People) -> None:
    row = terms.publish(SYSTEM, "<p>Be kind.</p>")
    assert "Read the terms of use" in texts_of(client.post("/ui/signup/", FORM))
    client.post("/ui/signup/", {**FORM, "agreed": row.pk})
    assert User.objects.get(username="new@example.org").signed_terms == row


def test_an_identity_that_waits_gets_an_account_without_a_password(
    client: Client, cloud: People, settings: Settings
) -> None:
    settings.ASTAKOS_IM_MODULES = ["local", "shibboleth"]
    imposed = frozenset({"first_name"})
    token = pend(Identity("shibboleth", "ada@uni", "a@example.org", "Ada", "Byron", imposed=imposed))
    assert client.get(f"/ui/signup/?third_party_token={token}").status_code == 404  # it began elsewhere
    session = client.session
    session["arrived_identities"] = [token]
    session.save()
    page = client.get(f"/ui/signup/?third_party_token={token}")
    assert 'value="a@example.org"' in page.content.decode()
    assert "Password" not in texts_of(page)
    form = {"email": "a@example.org", "first_name": "Eve", "last_name": "King", "third_party_token": token}
    client.post("/ui/signup/", form)
    user = User.objects.get(username="a@example.org")
    assert (user.first_name, user.last_name, user.has_usable_password()) == ("Ada", "King", False)
    assert AuthMethod.objects.get(user=user).identifier == "ada@uni"
    assert client.get(f"/ui/signup/?third_party_token={token}").status_code == 404


def test_a_lost_password_is_set_anew_by_the_link(client: Client, cloud: People) -> None:
    client.post("/ui/password/reset/", {"email": "alice@example.org"})
    there = link("password_reset")
    assert "For the account of alice@example.org" in texts_of(client.get(there))
    assert client.post(there, {"password": "short", "again": "short"}).status_code == 422
    done = client.post(there, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert "Your password is changed" in texts_of(done)
    assert client.get(there).status_code == 400
    client.post("/ui/login/", {"login": "alice@example.org", "password": NEW_PASSWORD})
    assert who_is_signed_in(client) == "alice@example.org"


def test_a_changed_password_ends_sessions_elsewhere_and_not_this_one(alice: Client, cloud: People) -> None:
    elsewhere = signed_in(cloud.alice)
    form = {"old": "not this one", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    refused = alice.post("/ui/profile/password/", form)
    assert "not your present password" in texts_of(refused)
    told = alice.post("/ui/profile/password/", {**form, "old": PASSWORD}, follow=True)
    assert "Your password is changed." in texts_of(told)
    assert who_is_signed_in(alice) == "alice@example.org"
    assert elsewhere.get("/ui/tokens/").status_code == 302


def test_ending_tokens_is_a_choice_where_the_cloud_leaves_it(alice: Client, settings: Settings) -> None:
    assert 'name="end_tokens"' not in alice.get("/ui/profile/password/").content.decode()
    settings.ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN = False
    assert 'name="end_tokens"' in alice.get("/ui/profile/password/").content.decode()


def test_names_are_changed_and_shown(alice: Client, cloud: People) -> None:
    told = alice.post("/ui/profile/", {"first_name": "Alicia", "last_name": "Liddell"}, follow=True)
    assert "Your name is changed." in texts_of(told)
    assert 'value="Liddell"' in told.content.decode()
    assert User.objects.get(pk=cloud.alice.user.pk).realname == "Alicia Liddell"
    assert alice.post("/ui/profile/", {"first_name": "", "last_name": "x"}).status_code == 422


def test_what_a_provider_imposes_cannot_be_changed(alice: Client, cloud: People, settings: Settings) -> None:
    settings.ASTAKOS_IM_MODULES = ["local", "ldap"]
    settings.ASTAKOS_AUTH_PROVIDER_LDAP_USER_ATTR_MAP = {"first_name": ("givenName", False)}
    AuthMethod.objects.create(
        user=cloud.alice.user, module="ldap", identifier="1", info={"givenName": "Alice"}
    )
    alice.post("/ui/profile/", {"first_name": "Eve", "last_name": "Liddell"})
    assert User.objects.get(pk=cloud.alice.user.pk).realname == "Alice Liddell"


def test_another_address_when_both_have_agreed(alice: Client, cloud: People, settings: Settings) -> None:
    settings.ASTAKOS_EMAILCHANGE_ENABLED = True
    told = alice.post("/ui/profile/email/", {"email": "liddell@example.org"}, follow=True)
    assert "Both addresses have to agree" in texts_of(told)
    stranger = Client()
    one = stranger.post(link("email_change_new"))
    assert "One address has agreed" in texts_of(one)
    assert "The new address has agreed" in texts_of(alice.get("/ui/profile/"))
    assert "Sign in with liddell@example.org" in texts_of(alice.post(link("email_change_old")))
    assert who_is_signed_in(alice) == "liddell@example.org"
    assert stranger.get(link("email_change_old")).status_code == 400


def test_a_change_of_address_is_taken_back(alice: Client, cloud: People, settings: Settings) -> None:
    settings.ASTAKOS_EMAILCHANGE_ENABLED = True
    alice.post("/ui/profile/email/", {"email": "liddell@example.org"})
    assert "Your address stays as it is." in texts_of(alice.post("/ui/profile/email/cancel/", follow=True))
    assert not EmailChange.objects.exists()
    assert alice.post("/ui/profile/email/cancel/").status_code == 409


def test_a_link_opened_by_somebody_else_signs_that_one_out(
    alice: Client, cloud: People, settings: Settings
) -> None:
    settings.ASTAKOS_EMAILCHANGE_ENABLED = True
    alice.post("/ui/profile/email/", {"email": "liddell@example.org"})
    bob = signed_in(cloud.bob)
    bob.post(link("email_change_new"))
    assert bob.get("/ui/tokens/").status_code == 302


def test_leaving_says_first_what_becomes_of_everything(alice: Client, cloud: People) -> None:
    page = alice.get("/ui/profile/remove/")
    assert "What goes" in texts_of(page)
    assert "Not yet" not in texts_of(page)
    assert alice.post("/ui/profile/remove/", {"typed": "bob@example.org"}).status_code == 422
    assert User.objects.get(pk=cloud.alice.user.pk).is_active
    gone = alice.post("/ui/profile/remove/", {"typed": "Alice@example.org"})
    assert "Your account is removed" in texts_of(gone)
    assert User.objects.get(pk=cloud.alice.user.pk).status == "Removed"
    assert alice.get("/ui/tokens/").status_code == 302


def test_what_stands_in_the_way_of_leaving_is_named(alice: Client, server: Any, cloud: People) -> None:
    page = texts_of(alice.get("/ui/profile/remove/"))
    assert "Delete first" in page
    assert "Servers: 1" in page
    refused = alice.post("/ui/profile/remove/", {"typed": "alice@example.org"})
    assert refused.status_code == 409
    assert User.objects.get(pk=cloud.alice.user.pk).is_active


def test_feedback_goes_to_the_helpdesk(alice: Client, settings: Settings) -> None:
    settings.FEEDBACK_NOTIFICATIONS_RECIPIENTS = ["help@example.org"]
    assert alice.post("/ui/feedback/", {"message": " "}).status_code == 422
    assert "on its way" in texts_of(alice.post("/ui/feedback/", {"message": "It rains"}, follow=True))
    assert Mail.objects.filter(template="feedback").get().recipient == "help@example.org"


def test_everybody_looks_at_his_account_first_where_that_is_wished(alice: Client, settings: Settings) -> None:
    settings.ASTAKOS_FORCE_PROFILE_UPDATE = True
    first = alice.get("/ui/servers/", follow=True)
    assert "look at your account first" in texts_of(first)
    assert alice.get("/ui/servers/").status_code == 200


def test_who_lacks_a_way_to_sign_in_gets_it_first(cloud: People, settings: Settings) -> None:
    settings.ASTAKOS_IM_MODULES = ["local", "shibboleth"]
    settings.ASTAKOS_AUTH_PROVIDER_SHIBBOLETH_REQUIRED_POLICY = True
    client = signed_in(cloud.alice)
    sent = client.get("/ui/servers/", follow=True)
    assert sent.request["PATH_INFO"] == "/ui/profile/"
    assert "must have" in texts_of(sent)
    for path in ("/ui/profile/", "/ui/account/methods/", "/ui/feedback/"):
        assert client.get(path).status_code == 200
    AuthMethod.objects.create(user=cloud.alice.user, module="shibboleth", identifier="alice@uni")
    assert client.get("/ui/servers/").status_code == 200


@pytest.mark.parametrize(
    ("name", "path"), [("LOGIN", "/ui/login/"), ("SIGNUP", "/ui/signup/"), ("PROFILE", "/ui/profile/")]
)
@pytest.mark.parametrize("as_dict", [False, True])
def test_announcements_stand_on_their_pages(
    alice: Client, settings: Settings, name: str, path: str, as_dict: bool
) -> None:
    said = [("warning", "Rain <b>tonight</b>")]
    setattr(settings, f"ASTAKOS_{name}_MESSAGES", dict(said) if as_dict else said)
    settings.ASTAKOS_GLOBAL_MESSAGES = [("error", "No lifts")]
    client = alice if name == "PROFILE" else Client()
    text = client.get(path).content.decode()
    assert "Rain &lt;b&gt;tonight" in text
    assert "alert-warning" in text
    assert "No lifts" in text
    other = alice.get("/ui/tokens/").content.decode()
    assert ("No lifts" in other, "Rain" in other) == (True, False)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"email_verified": False}, "not confirmed yet"),
        ({"moderated": False}, "waits for an administrator's approval"),
        (
            {"is_rejected": True, "rejected_reason": "Unknown <b>here</b>."},
            "not accepted. Unknown <b>here</b>.",
        ),
        ({"deactivated_reason": "Holidays."}, "not active. Ask an administrator of this cloud. Holidays."),
    ],
)
def test_who_knows_the_password_is_told_why_he_is_not_let_in_and_nobody_else(
    client: Client, cloud: People, state: dict[str, Any], words: str
) -> None:
    User.objects.filter(pk=cloud.alice.user.pk).update(is_active=False, **state)
    form = {"login": "alice@example.org", "password": PASSWORD}
    right, wrong, unknown = (
        client.post("/ui/login/", {**form, **other})
        for other in ({}, {"password": "another-password"}, {"login": "nobody@example.org"})
    )
    assert words in texts_of(right)
    assert "Unknown <b>here</b>" not in right.content.decode()
    assert ("/ui/signup/again/" in right.content.decode()) == ("email_verified" in state)
    shown = [without_secrets(answer) for answer in (wrong, unknown)]
    assert shown[0] == shown[1].replace("nobody@example.org", "alice@example.org")
    assert words not in shown[0]


def test_the_way_to_sign_up_is_shown_or_not(client: Client, cloud: People, settings: Settings) -> None:
    assert "/ui/signup/" in client.get("/ui/login/").content.decode()
    settings.ASTAKOS_SHOW_SIGNUP = False
    assert "/ui/signup/" not in client.get("/ui/login/").content.decode()
    assert client.get("/ui/signup/").status_code == 200


OPEN = ["/ui/signup/", "/ui/signup/again/", "/ui/password/reset/", "/ui/terms/"]
OWN = [
    "/ui/profile/", "/ui/profile/password/", "/ui/profile/email/", "/ui/profile/remove/", "/ui/feedback/",
]  # fmt: skip


@pytest.mark.parametrize("path", OPEN)
def test_pages_for_everybody(client: Client, cloud: People, path: str) -> None:
    assert client.get(path).status_code == 200
    if path == "/ui/signup/":
        assert signed_in(cloud.alice).get(path)["Location"] == "/ui/"


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("who", ["alice", "bob", "admin"])
def test_pages_of_ones_own(client: Client, cloud: People, path: str, who: str) -> None:
    assert client.get(path)["Location"].startswith("/ui/login/?next=")
    assert client.post(path)["Location"].startswith("/ui/login/")
    person = getattr(cloud, who)
    page = signed_in(person).get(path)
    assert page.status_code == 200
    others = {one.user.email for one in (cloud.alice, cloud.bob, cloud.admin)} - {person.user.email}
    assert not any(email in page.content.decode() for email in others)


@pytest.mark.parametrize("path", ["/ui/profile/email/cancel/", "/ui/terms/sign/"])
def test_what_changes_something_is_done_by_forms_alone(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 405


@pytest.mark.parametrize("path", ["/ui/activate/nothing/", "/ui/email/nothing/", "/ui/activate/a:b:c/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_none_is_told_kindly(client: Client, cloud: People, path: str, method: str) -> None:
    answer = getattr(client, method)(path)
    assert answer.status_code == 400
    assert "Copy all of it from the mail" in texts_of(answer)


def test_forms_want_their_token(cloud: People) -> None:
    client = Client(enforce_csrf_checks=True)
    for path in (*OPEN[:3], "/ui/terms/sign/", "/ui/activate/x/"):
        assert client.post(path, FORM).status_code == 403
