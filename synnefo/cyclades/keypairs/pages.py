"""Pages of SSH keys: the list, a new one, and their end. Every change is a call of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, go, living, local_path, page
from synnefo.common.same_request import label_of
from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.keypairs.same_request import create_key

_MOST_AT_ONCE = 100


def _find(rows: QuerySet[KeyPair], words: str) -> QuerySet[KeyPair]:
    """By name, or the beginning of the fingerprint."""
    return rows.filter(Q(name__icontains=words) | Q(fingerprint__startswith=words))


KEYS = Listing(
    path="/ui/keys/",
    noun="key",
    columns={
        "name": ("Name", ("name", "id")),
        "kind": ("Type", ("kind", "name")),
        "created": ("Age", ("created", "id")),
    },
    usual="name",
    find=_find,
)


class CreateForm(forms.Form):
    """``how`` is to paste a public key or to make a pair; a pasted key may bring its name along."""

    name = forms.CharField(max_length=255, required=False)
    how = forms.ChoiceField(choices=[("paste", ""), ("generate", "")])
    public_key = forms.CharField(max_length=rules.MAX_CONTENT, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        pasted = cleaned.get("how") == "paste"
        if not pasted:
            cleaned["public_key"] = ""
        elif not cleaned.get("public_key") and "public_key" not in self.errors:
            self.add_error("public_key", "Paste a public key, or have a pair made for you.")
        cleaned["name"] = cleaned.get("name") or comment_of(cleaned.get("public_key", ""))
        if not cleaned["name"] and "name" not in self.errors and not self.errors:
            self.add_error("name", "Give the key a name.")
        return cleaned


@living("cyclades/keys")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = KEYS.context(rules.keypairs_for(caller), request.GET)
    keys = [(key, urlencode({"key": key.name, "next": context["here"]})) for key in context["page"]]
    return {**context, "keys": keys, "refresh_s": CALM_REFRESH_S}


@never_cache
@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A pair that is made here is shown in this very answer and nowhere else."""
    if request.method != "POST":
        return _show_form(request, CreateForm(initial={"how": "paste"}))
    form = CreateForm(request.POST)
    if not form.is_valid():
        return _show_form(request, form)
    wanted = form.cleaned_data
    try:
        key, private = rules.create(caller, wanted["name"], wanted["public_key"] or None)
    except Fault as fault:
        form.add_error(
            "public_key" if fault.status == 400 and wanted["public_key"] else "name", fault.message
        )
        return _show_form(request, form)
    if private is None:
        messages.success(request, f"Key {key.name} is there.")
        return go(request, "keys")
    context = {"key": key, "private": private, "file": f"{label_of(key.name, 'key')}.pem"}
    return render(request, "cyclades/key_made.html", context)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands."""
    return render(request, "parts/same_again.html", {"same": _same(CreateForm(request.POST))})


@page
def ask_delete(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What exactly goes, before it goes."""
    context = {
        "keys": _ticked(caller, request.GET.getlist("key")),
        "url": resolve_url("key-delete-now"),
        "next": _next(request.GET),
    }
    return render(request, "cyclades/keys_delete.html", context)


@action
def delete(request: HttpRequest, caller: Caller) -> HttpResponse:
    gone = _ticked(caller, request.POST.getlist("key"))
    for key in gone:
        rules.delete(caller, key.name)
    words = f"Key {gone[0].name} is deleted." if len(gone) == 1 else f"{len(gone)} keys are deleted."
    messages.success(request, words)
    return HttpResponseRedirect(_next(request.POST), status=303)


@action
def act(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Without scripts: the question about the ticked ones."""
    asked = {"key": request.POST.getlist("key"), "next": _next(request.POST)}
    return go(request, "/ui/keys/delete/?" + urlencode(asked, doseq=True))


def comment_of(public_key: str) -> str:
    """What stands behind a public key, usually whose it is."""
    words = public_key.strip().split(None, 2)
    return words[2].strip() if len(words) > 2 else ""


def _show_form(request: HttpRequest, form: CreateForm) -> HttpResponse:
    context = {"form": form, "same": _same(form), "same_url": resolve_url("key-same")}
    return render(request, "cyclades/key_create.html", context, status=422 if form.errors else 200)


def _same(form: CreateForm) -> Any:
    typed = {name: form[name].value() or "" for name in form.fields}
    key = typed["public_key"].strip() if typed["how"] != "generate" else ""
    if typed["how"] != "generate" and not key:
        key = "ssh-ed25519 AAAA… you@laptop"
    return create_key(name=typed["name"] or comment_of(typed["public_key"]) or "NAME", public_key=key)


def _ticked(caller: Caller, names: list[str]) -> list[KeyPair]:
    if not names:
        raise BadRequest("No key is ticked.")
    if len(names) > _MOST_AT_ONCE:
        raise BadRequest(f"At most {_MOST_AT_ONCE} keys at once.")
    return [rules.get(caller, name) for name in dict.fromkeys(names)]


def _next(asked: QueryDict) -> str:
    return local_path(asked.get("next", ""), KEYS.path)


urlpatterns: list[URLPattern | URLResolver] = [
    path("keys/", listing.page, name="keys"),
    path("keys/rows/", listing.part, name="key-rows"),
    path("keys/create/", create, name="key-create"),
    path("keys/create/same/", same, name="key-same"),
    path("keys/act/", act, name="key-act"),
    path("keys/delete/", ask_delete, name="key-delete"),
    path("keys/delete/now/", delete, name="key-delete-now"),
]
