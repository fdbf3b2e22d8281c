"""Questions with fields: a form that stands in a dialog, or on a page of its own without scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from synnefo.common.faults import Fault
from synnefo.common.pages import go
from synnefo.common.quota_shown import told


def asked(
    request: HttpRequest, form: Form, deed: Callable[[], object], *, template: str, done: str, to: str,
    context: Mapping[str, object],
) -> HttpResponse:  # fmt: skip
    """Show the form; once it is sent, do what it asks for, say ``done`` and go on to the page ``to``.

    What the rules refuse is told above the fields, and nothing that was typed is lost.
    """
    if request.method == "POST" and form.is_valid():
        try:
            deed()
        except Fault as fault:
            form.add_error(None, told(fault))
        else:
            messages.success(request, done)
            return go(request, to)
    shown = {**context, "form": form, "url": request.path, "next": to}
    return render(request, template, shown, status=422 if form.errors else 200)


def confirmed(request: HttpRequest, deed: Callable[[], object], *, done: str, to: str) -> HttpResponse:
    """Do what was asked for without fields, say ``done`` or why not, and go on to the page ``to``."""
    try:
        deed()
    except Fault as fault:
        messages.error(request, told(fault))
    else:
        messages.success(request, done)
    return go(request, to)
