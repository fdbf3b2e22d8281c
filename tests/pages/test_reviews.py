"""The queue of accounts: who waits, who is let in or not and why, and who may decide."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.accounts import rules
from synnefo.astakos.models import User
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of

QUEUE = "/ui/reviews/accounts/"


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def waiting(people: People) -> list[User]:
    """Two who confirmed their addresses, and one who did not."""
    made = [
        rules.create(SYSTEM, f"{name}@example.org", name.title(), "New") for name in ("eve", "fay", "gus")
    ]
    return [rules.verify(SYSTEM, user) for user in made[:2]]


def names_in(answer: Any) -> list[str]:
    return sorted(re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode()))


def test_who_confirmed_his_address_waits_and_the_bar_counts_them(root: Client, waiting: list[User]) -> None:
    assert names_in(root.get(QUEUE + "?state=waiting")) == ["eve@example.org", "fay@example.org"]
    assert "Accounts 2 waiting" in texts_of(root.get("/ui/"))
    assert names_in(root.get(QUEUE + "?q=EVE")) == ["eve@example.org"]


def test_they_are_let_in_one_by_one_or_together(root: Client, waiting: list[User]) -> None:
    answer = root.post(QUEUE + "act/", {"do": "accept", "account": [one.pk for one in waiting]}, follow=True)
    assert "eve@example.org is accepted, and told by mail." in texts_of(answer)
    assert all(User.objects.get(pk=one.pk).is_active for one in waiting)
    again = root.post(QUEUE + "act/", {"do": f"accept:{waiting[0].pk}"}, follow=True)
    assert "accepted already" in texts_of(again)


def test_who_is_rejected_stands_there_with_the_reason(root: Client, waiting: list[User]) -> None:
    asked = root.post(QUEUE + "act/", {"do": "reject", "account": [one.pk for one in waiting]}, follow=True)
    assert "Reject 2 accounts?" in texts_of(asked)
    root.post(QUEUE + "reject/", {"account": [waiting[0].pk], "reason": "no student of ours"})
    row = User.objects.get(pk=waiting[0].pk)
    assert (row.is_rejected, row.rejected_reason) == (True, "no student of ours")
    assert "no student of ours" in texts_of(root.get(QUEUE + "?state=rejected"))


@pytest.mark.parametrize("numbers", [[], ["nonsense"], [str(number) for number in range(101)]])
def test_who_ticks_nobody_or_too_many_is_told(root: Client, numbers: list[str]) -> None:
    assert root.post(QUEUE + "act/", {"do": "accept", "account": numbers}).status_code == 400


def test_others_neither_see_nor_decide(people: People, waiting: list[User]) -> None:
    alice = signed_in(people.alice)
    assert [alice.get(QUEUE + page).status_code for page in ("", "rows/", "reject/")] == [403, 403, 403]
    typed = {"do": "accept", "account": [waiting[0].pk], "reason": "x"}
    assert [alice.post(QUEUE + page, typed).status_code for page in ("act/", "reject/")] == [403, 403]
    assert not User.objects.get(pk=waiting[0].pk).moderated
    assert Client().get(QUEUE)["Location"].startswith("/ui/login/")
