"""The queue of accounts that wait for an administrator, and what became of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, action, do_to_each, form_page, go, living, local_path, ticked
from synnefo.common.shown import State

_WAITING = Q(moderated=False)


def _find(rows: QuerySet[User], words: str) -> QuerySet[User]:
    names = Q(first_name__icontains=words) | Q(last_name__icontains=words)
    return rows.filter(names | Q(email__icontains=words) | Q(uuid=words))


ACCOUNTS = Listing(
    path="/ui/reviews/accounts/",
    noun="account",
    columns={"email": ("E-mail", ("username", "id")), "verified": ("Confirmed", ("verified_at", "id"))},
    usual="-verified",
    find=_find,
    states={
        "waiting": _WAITING,
        "accepted": Q(moderated=True, is_rejected=False),
        "rejected": Q(is_rejected=True),
    },
)


def waiting() -> QuerySet[User]:
    """Whose e-mail is confirmed and who was not decided on."""
    return _verified().filter(_WAITING)


@living("astakos/review_accounts")
def queue(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    _require_admin(caller)
    context = ACCOUNTS.context(_verified(), request.GET)
    accounts = [{"user": user, "state": _state(user), "words": _words(user)} for user in context["page"]]
    return {**context, "accounts": accounts, "refresh_s": CALM_REFRESH_S}


@action
def act(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is an action for all ``account``s that are ticked, or ``action:number`` for one."""
    _require_admin(caller)
    name, _, one = request.POST.get("do", "").partition(":")
    numbers = [one] if one else request.POST.getlist("account")
    back = _back(request.POST)
    if name == "reject":
        query = urlencode([*(("account", number) for number in numbers), ("next", back)])
        return go(request, f"{resolve_url('review-accounts-reject')}?{query}")
    if name != "accept":
        raise BadRequest("There is no such action.")
    deeds = ((user.email, partial(rules.accept, caller, user)) for user in _ticked(numbers))
    do_to_each(request, deeds, "is accepted, and told by mail")
    return go(request, back)


@form_page
def reject(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Asked: who, and why. Told: they are told."""
    _require_admin(caller)
    asked = request.POST if request.method == "POST" else request.GET
    users, back = _ticked(asked.getlist("account")), _back(asked)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        deeds = ((user.email, partial(rules.reject, caller, user, reason=reason)) for user in users)
        do_to_each(request, deeds, "is rejected, and told by mail")
        return go(request, back)
    context = {"users": users, "url": resolve_url("review-accounts-reject"), "next": back}
    return render(request, "astakos/review_accounts_reject.html", context)


def _verified() -> QuerySet[User]:
    return User.objects.filter(email_verified=True, removed_at=None)


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Accounts are accepted by administrators.")


def _state(user: User) -> State:
    if not user.moderated:
        return State("Waiting", "orange")
    return State("Rejected", "red") if user.is_rejected else State("Accepted", "green")


def _words(user: User) -> str:
    """How, or why not, he was let in."""
    return user.rejected_reason if user.is_rejected else user.accepted_policy


def _ticked(numbers: Sequence[str]) -> list[User]:
    return list(_verified().filter(pk__in=ticked(numbers)).order_by("username"))


def _back(asked: QueryDict) -> str:
    return local_path(asked.get("next", ""), ACCOUNTS.path)


urlpatterns: list[URLPattern | URLResolver] = [
    path("reviews/accounts/", queue.page, name="review-accounts"),
    path("reviews/accounts/rows/", queue.part, name="review-account-rows"),
    path("reviews/accounts/act/", act, name="review-accounts-act"),
    path("reviews/accounts/reject/", reject, name="review-accounts-reject"),
]
