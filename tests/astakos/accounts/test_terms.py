"""Terms of use: versions, who has to sign them when, and what is refused until then."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from synnefo.astakos.accounts import terms, tokens
from synnefo.astakos.accounts.models import User
from synnefo.common.faults import BadRequest, Unauthorized
from tests.astakos.accounts.conftest import SYSTEM
from tests.astakos.conftest import Person

TOKENS = "/astakos/identity/v2.0/tokens"


def test_unsigned_terms_stop_programs_at_once_and_signing_lets_them_go_on(ada: Person, bob: Person) -> None:
    row = terms.publish(SYSTEM, "<h1>Terms</h1><p>Be kind.</p>")
    with pytest.raises(Unauthorized, match="Pending approval terms") as refused:
        tokens.identify(ada.token)
    assert refused.value.details == "terms_not_signed"
    user = terms.sign(SYSTEM, ada.user, version=row.pk)
    assert (user.has_signed_terms, user.signed_terms, user.date_signed_terms is not None) == (True, row, True)
    assert tokens.identify(ada.token).user == ada.uuid
    with pytest.raises(Unauthorized):
        tokens.identify(bob.token)


def test_the_apis_say_so_in_words_for_people_and_for_machines(ada: Person, http: Client) -> None:
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    body = {"auth": {"token": {"id": ada.token}}}
    answers = [
        http.post(TOKENS, body, content_type="application/json"),
        http.get("/astakos/account/v1.0/quotas", headers={"X-Auth-Token": ada.token}),
    ]
    for answer in answers:
        assert answer.status_code == 401
        told = answer.json()["unauthorized"]
        assert (told["message"], told["details"]) == ("Pending approval terms", "terms_not_signed")


def test_every_version_has_to_be_signed_anew_and_the_newest_alone_can_be(ada: Person) -> None:
    first = terms.publish(SYSTEM, "<p>First</p>")
    terms.sign(SYSTEM, ada.user, version=first.pk)
    second = terms.publish(SYSTEM, "<p>Second</p>")
    with pytest.raises(BadRequest, match="newer version"):
        terms.sign(SYSTEM, ada.user, version=first.pk)
    with pytest.raises(Unauthorized):
        tokens.identify(ada.token)
    terms.sign(SYSTEM, ada.user, version=second.pk)
    assert list(terms.versions()) == [second, first]


def test_a_grace_period_lets_programs_go_on_for_some_days(ada: Person, settings: Settings) -> None:
    settings.ASTAKOS_TERMS_GRACE_DAYS = 3
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    ada.user.refresh_from_db()
    assert not ada.user.has_signed_terms
    assert tokens.identify(ada.token).user == ada.uuid
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(days=3, minutes=1)),
        pytest.raises(Unauthorized, match="Pending approval terms"),
    ):
        tokens.identify(ada.token)


def test_looking_a_token_up_costs_no_further_query_for_it(
    ada: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    terms.sign(SYSTEM, ada.user)
    tokens.lookup(ada.token)
    with django_assert_num_queries(1):
        tokens.lookup(ada.token)


def test_new_accounts_have_them_to_sign_if_there_are_any(user_in: Callable[..., User]) -> None:
    assert user_in("unverified", "first@example.org").has_signed_terms
    terms.publish(SYSTEM, "<p>Be kind.</p>")
    assert not user_in("unverified", "second@example.org").has_signed_terms


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["", "  \n", "<p></p>", "<script>alert(1)</script>", "x" * (terms.LARGEST + 1)]
)
def test_terms_without_a_text_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        terms.publish(SYSTEM, text)


@pytest.mark.django_db
def test_what_could_run_or_look_like_the_console_is_taken_out() -> None:
    evil = (
        '<h2 onclick="x()">One</h2><script>alert(1)</script><a href="javascript:x()">two</a>'
        '<form action="/ui/logout/"><input></form><style>body{display:none}</style><iframe src="/"></iframe>'
        '<p style="position:fixed">three</p><img src=x onerror=x()>'
    )
    content = terms.publish(SYSTEM, evil).content
    for part in ("script", "onclick", "onerror", "javascript", "<form", "<style", "<iframe", "style="):
        assert part not in content
    assert "<h2>One</h2>" in content


@given(st.text(alphabet=st.sampled_from("<>/\"'= abcsriptonx:&;"), max_size=60))
def test_whatever_is_written_no_element_stays_that_is_not_plain(text: str) -> None:
    import nh3

    cleaned = nh3.clean(f"{text}<p>end</p>")
    assert nh3.clean(cleaned) == cleaned
    assert "<script" not in cleaned.lower()


def test_pages_ask_before_anything_else(ada: Person, http: Client) -> None:
    http.force_login(ada.user)
    row = terms.publish(SYSTEM, "<h2>Be kind</h2>")
    for place in ("/ui/", "/ui/servers/?q=a", "/ui/profile/", "/ui/tokens/create/"):
        answer: Any = http.get(place)
        assert answer.status_code == 303
        assert answer["Location"].startswith("/ui/terms/?next=")
    assert http.post("/ui/profile/", {"first_name": "Eve", "last_name": "Byron"}).status_code == 303
    assert http.get("/ui/tokens/rows/", headers={"HX-Request": "true"})["HX-Redirect"] == "/ui/terms/?"
    page = http.get("/ui/terms/?next=/ui/tokens/").content.decode()
    assert "<h2>Be kind</h2>" in page
    assert "I agree" in page
    answer = http.post("/ui/terms/sign/", {"version": row.pk, "next": "/ui/tokens/"})
    assert answer["Location"] == "/ui/tokens/"
    assert http.get("/ui/tokens/").status_code == 200
    assert "I agree" not in http.get("/ui/terms/").content.decode()


@pytest.mark.django_db
def test_anybody_reads_every_version(client: Client) -> None:
    first = terms.publish(SYSTEM, "<p>First</p>")
    terms.publish(SYSTEM, "<p>Second</p>")
    assert "<p>Second</p>" in client.get("/ui/terms/").content.decode()
    assert "<p>First</p>" in client.get(f"/ui/terms/{first.pk}/").content.decode()
    assert client.get("/ui/terms/999999/").status_code == 404
    assert client.post("/ui/terms/sign/", {"version": first.pk})["Location"] == "/ui/login/"


def test_a_next_page_elsewhere_is_not_gone_to(ada: Person, http: Client) -> None:
    http.force_login(ada.user)
    row = terms.publish(SYSTEM, "<p>Be kind.</p>")
    answer = http.post("/ui/terms/sign/", {"version": row.pk, "next": "https://evil.example.net/"})
    assert answer["Location"] == "/ui/"
