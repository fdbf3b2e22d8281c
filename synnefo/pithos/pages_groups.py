"""The page of groups: people to whom an account shares under one name."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.pages import form_page
from synnefo.common.quota_shown import told
from synnefo.pithos.namespace import accounts as own_accounts
from synnefo.pithos.namespace import groups
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.pages_places import HOME
from synnefo.pithos.pages_sharing import user_named


@form_page
def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    """All groups with their members; each form changes one thing."""
    error = ""
    if request.method == "POST":
        try:
            messages.success(request, _done(request, caller))
            return HttpResponseRedirect(f"{HOME}groups/", status=303)
        except Fault as fault:
            error = told(fault)
    context = {**_context(caller), "error": error, "posted": request.POST}
    return render(request, "pithos/groups.html", context, status=409 if error else 200)


def _done(request: HttpRequest, caller: Caller) -> str:
    """What was changed, in words. Raises BadRequest and what the rules raise."""
    do, _, who = request.POST.get("do", "").partition(":")
    name = request.POST.get("group", "").strip().lower()
    account = account_of(caller)
    there = groups.of(own_accounts.get(caller, account))
    members = there.get(name, [])
    if do == "add":
        changed, words = [*members, user_named(request.POST.get("email", ""))], f"The group {name} has grown."
    elif do == "remove" and who in members:
        changed, words = [one for one in members if one != who], f"The group {name} is smaller now."
    elif do == "delete" and members:
        changed, words = [], f"The group {name} is deleted."
    else:
        raise BadRequest("There is no such action.")
    own_accounts.set_attributes(caller, account, {}, merge=True, wanted={name: changed})
    return words


def _context(caller: Caller) -> dict[str, Any]:
    found = groups.of(own_accounts.get(caller, account_of(caller)))
    names = accounts().names({user for members in found.values() for user in members})
    return {
        "groups": [
            (name, [(user, names.get(user, user)) for user in members]) for name, members in found.items()
        ]
    }


urlpatterns: list[URLPattern] = [path("files/groups/", listing, name="groups")]
