"""Pages of requests for more quota: asking, one's own with their answers, and the queue of who answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path

from synnefo.astakos.fields import AmountField
from synnefo.astakos.requests import rules
from synnefo.astakos.requests.models import QuotaRequest
from synnefo.astakos.requests.shown import KINDS, history, shown
from synnefo.astakos.requests.targets import Line, Target
from synnefo.astakos.shown import Use, amount_words, place_of, project_names, use_of
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, ItemNotFound
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, across, action, form_page, go, living, local_path

_STATE = QuotaRequest.State
_LONGEST = 4096


def _find(rows: QuerySet[QuotaRequest], words: str) -> QuerySet[QuotaRequest]:
    """By project, who asked, the reason, or the uuid."""
    return rows.filter(
        Q(project__realname__icontains=words)
        | Q(asker__email__icontains=words)
        | Q(reason__icontains=words)
        | Q(uuid=words)
    )


OWN = Listing(
    path="/ui/requests/",
    noun="request",
    columns={"state": ("State", ("state", "id")), "created": ("Asked", ("created", "id"))},
    usual="-created",
    find=_find,
    states={
        "waiting": Q(state=_STATE.PENDING),
        "approved": Q(state=_STATE.APPROVED),
        "denied": Q(state=_STATE.DENIED),
    },
)
REVIEWED = dataclasses.replace(OWN, path="/ui/reviews/requests/")


class AmountsForm(forms.Form):
    """A form with an amount for each of some resources, under its name."""

    @property
    def amounts(self) -> dict[str, int]:
        """Those that are filled in."""
        found = {
            name: self.cleaned_data.get(name)
            for name, field in self.fields.items()
            if isinstance(field, AmountField)
        }
        return {name: amount for name, amount in found.items() if amount is not None}


class AskForm(AmountsForm):
    """How much of which resource, and why; what is left empty stays as it is."""

    reason = forms.CharField(max_length=_LONGEST, error_messages={"required": "Say what you need it for."})

    def __init__(self, lines: Sequence[Line], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for line in lines:
            self.fields[line.resource.name] = AmountField(line.resource, required=False)

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.amounts:
            raise forms.ValidationError("Say of what you need more.")
        return self.cleaned_data


class AnswerForm(AmountsForm):
    """What is granted of what was asked for, and words to who asked."""

    answer = forms.CharField(max_length=_LONGEST, required=False)

    def __init__(self, row: QuotaRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in row.amounts.all():
            self.fields[one.resource.name] = AmountField(
                one.resource, one.wanted, required=False,
                initial=amount_words(one.wanted, one.resource.unit),
            )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Choice:
    """What one may ask for, by the value that the form sends."""

    value: str
    project: str
    kind: str


@living("astakos/requests")
@across
def own(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = OWN.context(rules.own(caller), request.GET)
    return {**context, "requests": shown(caller, context["page"]), "refresh_s": CALM_REFRESH_S}


@living("astakos/review_requests")
@across
def queue(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = REVIEWED.context(rules.answerable(caller), request.GET)
    return {**context, "requests": shown(caller, context["page"]), "refresh_s": CALM_REFRESH_S}


@living("astakos/request")
@across
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    row = rules.get(caller, uuid)
    return _detail(caller, row, AnswerForm(row))


@form_page
@across
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The form for one of the things that one may ask for; ``for`` is ``KIND:PROJECT``."""
    targets = rules.targets_of(caller)
    if not targets:
        raise ItemNotFound("You are in no project of which you could ask for more.")
    target = _chosen(targets, request.GET.get("for", ""), caller)
    lines = sorted(
        rules.preview(caller, target.project.uuid, target.kind), key=lambda line: place_of(line.resource)
    )
    if request.method != "POST":
        return _show_form(request, caller, targets, target, lines, AskForm(lines))
    form = AskForm(lines, request.POST)
    if form.is_valid():
        try:
            made = rules.ask(
                caller, target.project.uuid, target.kind, form.amounts, form.cleaned_data["reason"]
            )
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            messages.success(request, "You asked for more. The answer will be shown here, and comes by mail.")
            return go(request, "request", made.uuid)
    return _show_form(request, caller, targets, target, lines, form)


@action
@across
def answer(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Approve with what stands in the fields, or deny; a mistake is shown on the request's page."""
    row = rules.get(caller, uuid)
    form = AnswerForm(row, request.POST)
    words = request.POST.get("answer", "")
    if form.is_valid() or request.POST.get("do") == "deny":
        try:
            if request.POST.get("do") == "deny":
                rules.deny(caller, uuid, words)
            else:
                rules.approve(caller, uuid, form.amounts, words)
        except BadRequest as fault:
            form.add_error(None, fault.message)
        except Fault as fault:
            messages.error(request, fault.message)
            return go(request, "request", uuid)
        else:
            messages.success(request, "The request is answered; who asked is told by mail.")
            return go(request, "review-requests")
    return render(request, "astakos/request.html", _detail(caller, row, form), status=422)


@action
@across
def cancel(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    rules.cancel(caller, uuid)
    messages.success(request, "The request is taken back.")
    return go(request, "request", uuid)


@action
@across
def dismiss(request: HttpRequest, caller: Caller) -> HttpResponse:
    """One has read the answer."""
    rules.dismiss(caller, request.POST.get("key", ""))
    return HttpResponseRedirect(local_path(request.POST.get("next", ""), OWN.path), status=303)


def _chosen(targets: Sequence[Target], wanted: str, caller: Caller) -> Target:
    """What the address names; else one of the project in which he works."""
    for target in targets:
        if wanted in (_value(target), target.project.uuid):
            return target
    return next((one for one in targets if one.project.uuid == caller.project), targets[0])


def _value(target: Target) -> str:
    return f"{target.kind}:{target.project.uuid}"


def _show_form(
    request: HttpRequest, caller: Caller, targets: Sequence[Target], target: Target, lines: Sequence[Line],
    form: AskForm,
) -> HttpResponse:  # fmt: skip
    names = project_names(caller, [one.project for one in targets])
    choices = [
        Choice(
            _value(one), names[one.project.uuid],
            "" if one.project.is_base else KINDS[QuotaRequest.Kind(one.kind)].lower(),
        )
        for one in targets
    ]  # fmt: skip
    context = {
        "form": form,
        "choices": choices,
        "chosen": _value(target),
        "project": names[target.project.uuid],
        "lines": [(_use(target, line), form[line.resource.name]) for line in lines],
        "pending": rules.own(caller).filter(
            project=target.project, kind=target.kind, state=_STATE.PENDING
        ).first(),
    }  # fmt: skip
    return render(request, "astakos/request_create.html", context, status=422 if form.errors else 200)


def _use(target: Target, line: Line) -> Use:
    """An owner who asks for the pool is shown the pool; a member his share beside it."""
    alone = target.kind == QuotaRequest.Kind.POOL
    return use_of(line.resource, line.use, with_share=not alone)


def _detail(caller: Caller, row: QuotaRequest, form: AnswerForm) -> dict[str, object]:
    one = shown(caller, [row])[0]
    waits = row.state == _STATE.PENDING
    answers = waits and rules.may_answer(caller, row)
    return {
        "shown": one,
        "history": history(caller, row),
        "form": form if answers else None,
        "fields": [(amount, form[amount.name]) for amount in one.amounts],
        "may_cancel": waits and one.own,
        "refresh_s": CALM_REFRESH_S,
    }


urlpatterns: list[URLPattern | URLResolver] = [
    path("requests/", own.page, name="requests"),
    path("requests/rows/", own.part, name="request-rows"),
    path("requests/create/", create, name="request-create"),
    path("requests/dismiss/", dismiss, name="request-dismiss"),
    path("requests/<slug:uuid>/", detail.page, name="request"),
    path("requests/<slug:uuid>/facts/", detail.part, name="request-facts"),
    path("requests/<slug:uuid>/answer/", answer, name="request-answer"),
    path("requests/<slug:uuid>/cancel/", cancel, name="request-cancel"),
    path("reviews/requests/", queue.page, name="review-requests"),
    path("reviews/requests/rows/", queue.part, name="review-request-rows"),
]
