"""Coming from a component's page to sign in or out here, and back: ``ui/...`` as components know it.

The pages themselves are at ``/ui/``. Going back is to components alone, whose origins are registered; whoever
names another place stays here.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import urlencode

from synnefo.astakos.cloudbar import places
from synnefo.astakos.oauth.leaving import leave
from synnefo.common.pages import local_path

_RETURNING = ("login", "login/local", "local", "logout", "signup")
_RENAMED = {"": "", "landing": "", "local": "login/", "login/local": "login/"}


def ui(request: HttpRequest, path: str = "") -> HttpResponse:
    """GET ui/PATH: the console's page of that name, with its query; ``next`` elsewhere goes by ``onward``."""
    name = path.strip("/")
    query = request.GET.copy()
    wanted = query.get("next", "")
    if name in _RETURNING and wanted and not local_path(wanted, ""):
        del query["next"]
        if places.is_ours(request, wanted):
            query["next"] = f"{reverse('astakos-onward')}?{urlencode({'to': wanted})}"
    target = _RENAMED.get(name, path if path.startswith(".") or path.endswith("/") else f"{path}/")
    text = f"?{query.urlencode()}" if query else ""
    return HttpResponseRedirect(f"/ui/{target}{text}")


def onward(request: HttpRequest) -> HttpResponse:
    """GET ui/onward?to=URL: back to a component."""
    url = request.GET.get("to", "")
    return leave(request, url) if places.is_ours(request, url) else HttpResponseRedirect(resolve_url("/ui/"))
