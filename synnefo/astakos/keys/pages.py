"""The page of settings for programs that use files: kamaki, Swift's, S3's and WebDAV's clients.

Access keys for S3 are made and removed here; a secret is in the one answer that made it and nowhere else.
"""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.pages import identity_url
from synnefo.astakos.keys import rules
from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.http.addresses import dav_path, objects_path, objects_url, s3_url
from synnefo.common.pages import form_page


@form_page
def access(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Settings to copy; by POST a new access key, or an old one's end."""
    user = cast("User", request.user)
    made = None
    if request.method == "POST":
        do, _, key = request.POST.get("do", "").partition(":")
        if do == "delete":
            rules.delete(caller, user, key)
            messages.success(request, "The access key is deleted. What used it is refused from now on.")
            return HttpResponseRedirect(reverse("storage-access"), status=303)
        if do != "create":
            raise BadRequest("There is no such action.")
        made = rules.create(caller, user, projects.get(caller.project))
    objects = objects_url(request)
    context = {
        "user": user,
        "cloud_url": f"{identity_url(request)}/v2.0",
        "swift_url": f"{objects}{objects_path()}/swift/auth/v1.0",
        "dav_url": f"{objects}{dav_path()}/",
        "s3_url": s3_url(request),
        "keys": rules.keys_of(user),
        "made": made[0] if made else None,
        "key": made[0].access if made else "ACCESS_KEY",
        "secret": made[1] if made else "SECRET_KEY",
    }
    response = render(request, "astakos/storage_access.html", context)
    response["Cache-Control"] = "no-store"
    return response


urlpatterns: list[URLPattern] = [path("files/programs/", access, name="storage-access")]
