"""The kit of all pages: who is signed in, in which project he works, and faults in words for people.

A page's view is written as ``@page def view(request, caller, ...)``. It calls the same rules as the APIs; a
fault that it lets through becomes a page that says what happened, with the request id. A page that renews
itself is written as ``@living("noun/template") def view(request, caller, ...)``: it says what is shown.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Concatenate, Generic, ParamSpec, TypeVar

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import conditional_page, require_http_methods

from synnefo.common.accounts import Identity, accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Fault, Forbidden, ItemNotFound, Unauthorized
from synnefo.common.http.context import client_address

P = ParamSpec("P")
R = TypeVar("R")
View = Callable[Concatenate[HttpRequest, Caller, P], HttpResponse]
Route = Callable[Concatenate[HttpRequest, P], HttpResponse]
Shown = Callable[Concatenate[HttpRequest, Caller, P], Mapping[str, object]]

#: How often a page that is open asks again: while something changes, and otherwise.
BUSY_REFRESH_S, CALM_REFRESH_S = 2, 15

#: To how many rows something is done by one click, and how many of them are told of one by one.
MOST_AT_ONCE, _MOST_TOLD = 100, 5

_PROJECT = "project"

_TITLES = {
    400: "This did not work",
    401: "Please sign in",
    403: "This is not yours to do",
    404: "There is nothing here",
    409: "Not possible now",
    413: "There is not enough left",
    429: "Too many tries",
    503: "Not available now",
}
_OURS = "Something went wrong on our side"


def page(view: View[P], *, methods: tuple[str, ...] = ("GET", "HEAD")) -> Route[P]:
    """A view for people who are signed in; everybody else is sent to the sign-in page and back."""

    @functools.wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, caller_of_session(request), *args, **kwargs)
        except Unauthorized:
            if request.user.is_authenticated:  # else somebody may be half way through signing in
                logout(request)
            return _to_sign_in(request)
        except Fault as fault:
            return fault_page(request, fault)

    return require_http_methods(methods)(answer)


def action(view: View[P]) -> Route[P]:
    """A view that changes something: the same, by POST alone."""
    return page(view, methods=("POST",))


def form_page(view: View[P]) -> Route[P]:
    """A view that shows a form and takes it."""
    return page(view, methods=("GET", "HEAD", "POST"))


def across(
    view: Callable[Concatenate[HttpRequest, Caller, P], R],
) -> Callable[Concatenate[HttpRequest, Caller, P], R]:
    """A view of all that is his, not of the project alone in which he works; stands below the others."""

    @functools.wraps(view)
    def answer(request: HttpRequest, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return view(request, caller.everywhere(), *args, **kwargs)

    return answer


@dataclasses.dataclass(frozen=True)
class Living(Generic[P]):
    """Two views of one context: the whole ``page``, and the ``part`` of it that asks again."""

    page: Route[P]
    part: Route[P]


def living(template: str, *, gone: tuple[str, str] | None = None) -> Callable[[Shown[P]], Living[P]]:
    """A page that renews itself: ``TEMPLATE.html``, which includes ``TEMPLATE_live.html``.

    What is decorated gives their context. ``gone`` is said, and where one goes on, when what an open page
    shows is not there any more.
    """

    def decorate(shown: Shown[P]) -> Living[P]:
        @page
        def whole(request: HttpRequest, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            return render(request, f"{template}.html", shown(request, caller, *args, **kwargs))

        @conditional_page
        @page
        def part(request: HttpRequest, caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                context = shown(request, caller, *args, **kwargs)
            except ItemNotFound:
                if gone is None:
                    raise
                messages.info(request, gone[0])
                return go(request, gone[1])
            return render(request, f"{template}_live.html", context)

        return Living(whole, part)

    return decorate


def caller_of_session(request: HttpRequest) -> Caller:
    """The caller as a token scoped to the session's project would give him. Raises Unauthorized."""
    identity = identity_of_session(request)
    caller = identity.caller(
        Scope.PROJECT, request_id=getattr(request, "id", ""), address=client_address(request)
    )
    return caller.in_project(_project_of(request, identity))


def stranger(request: HttpRequest, user: str = "") -> Caller:
    """The caller of a page for everybody: no rights. ``user`` where the page itself proves who it is."""
    return Caller(
        user=user, project=user, request_id=getattr(request, "id", ""), address=client_address(request)
    )


def identity_of_session(request: HttpRequest) -> Identity:
    """Who is signed in, looked up once a request. Raises Unauthorized."""
    if not hasattr(request, "_identity"):
        if not request.user.is_authenticated:
            raise Unauthorized("Nobody is signed in.")
        request._identity = accounts().identity_of_user(request.user.uuid)  # type: ignore[attr-defined]
    found: Identity = request._identity  # type: ignore[attr-defined]
    return found


def choose_project(request: HttpRequest, caller: Caller, project: str) -> None:
    """Work in another project from now on. Raises ItemNotFound if it is none of his."""
    if project not in caller.projects:
        raise ItemNotFound("You are no member of such a project.")
    request.session[_PROJECT] = project


def ticked(numbers: Iterable[str]) -> set[int]:
    """The numbers of rows that a form ticks. Raises BadRequest if it is none, or too many."""
    wanted = {int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) < 19}
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise BadRequest(f"Tick between 1 and {MOST_AT_ONCE}.")
    return wanted


def do_to_each(request: HttpRequest, deeds: Iterable[tuple[str, Callable[[], object]]], done: str) -> None:
    """Do each that can be done, and tell of all by name: what was refused, and who or what is ``done``."""
    names = []
    for name, deed in deeds:
        try:
            deed()
        except Fault as fault:
            messages.error(request, f"{name}: {fault.message}")
        else:
            names.append(name)
    if len(names) > _MOST_TOLD:
        messages.success(request, f"{len(names)} in all: each {done}.")
    else:
        for name in names:
            messages.success(request, f"{name} {done}.")


def is_partial(request: HttpRequest) -> bool:
    """Whether a script asks, to renew a part of the page that is open."""
    return request.headers.get("HX-Request") == "true"


def go(request: HttpRequest, to: str, *args: object) -> HttpResponse:
    """On to another page: a view's name or a path. A script that asks is told to open it."""
    url = resolve_url(to, *args)
    if is_partial(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return HttpResponseRedirect(url, status=303)


def local_path(wanted: str, otherwise: str) -> str:
    """Where to go next, as a form says it, if that is a page of this cloud."""
    return wanted if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else otherwise


def fault_page(request: HttpRequest, fault: Fault) -> HttpResponse:
    return error_page(request, fault.status, fault.message)


def error_page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """What happened, what to do next, and the request id. Reads no database: it must work without one."""
    context = {
        "status": status,
        "title": _TITLES.get(status, _OURS),
        "message": message,
        "request_id": getattr(request, "id", ""),
        "bare": status >= 500 or not hasattr(request, "_identity"),
    }
    return render(request, "error.html", context, status=status)


def _project_of(request: HttpRequest, identity: Identity) -> str:
    """The session's project, as long as he may work in it."""
    chosen: str = request.session.get(_PROJECT, "")
    if chosen in identity.projects:
        return chosen
    if identity.default_project in identity.projects:
        return identity.default_project
    raise Forbidden("You have no project to work in. An administrator can add you to one.")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if is_partial(request):
        page_url = request.headers.get("HX-Current-URL", "")
        path = "/" + page_url.partition("://")[2].partition("/")[2] if "://" in page_url else ""
        return go(request, f"{resolve_url('account_login')}?{urlencode({'next': local_path(path, '/ui/')})}")
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/ui/")
