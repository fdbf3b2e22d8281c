"""Containers as web sites (``X-Container-Meta-Web-...``): an index for a folder, lists and errors as pages.

For whoever comes without a token, and for those who want it so (``X-Web-Mode``). Nothing is shown that the
same request could not read or list by itself; links that are signed for what is below a prefix list that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, Forbidden, ItemNotFound
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.faces.swift import containers, kit, objects
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import Listed, Rolled, Wanted, entries
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.names import Path

_FOLDER = "application/directory"
_NAMES = ("Index", "Error", "Listings", "Listings-Css", "Listings-Label", "Directory-Type")
#: Pages of a site load what they show. They run no scripts: all sites have the name of this cloud.
_POLICY = "sandbox allow-top-navigation-by-user-activation; default-src * data: 'unsafe-inline'"
_SIGNATURE = ("temp_url_prefix", "temp_url_expires", "temp_url_sig")
_STYLE = SafeString("<style>td, th {text-align: left; padding: 0 1em} a {text-decoration: none}</style>")


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """What a container says of how it is shown; texts are empty where it says nothing."""

    account: str
    container: str
    index: str
    error: str
    style: str
    label: str
    folder: str
    lists: bool


def show_container(request: HttpRequest, account: str, container: str) -> HttpResponseBase:
    """GET and HEAD of a container: its index, or its list as a page."""
    site = _site(account, container) if _is_wanted(request) else None
    if site is None:
        return (containers.head if request.method == "HEAD" else containers.show)(request, account, container)
    caller = kit.caller(request)
    try:
        if site.index:
            access.check(caller, Path(account, container, site.index), right=Right.READ)
        else:
            access.container(caller, account, container, Right.LIST)
        if not request.path.endswith("/"):
            return _with_slash(request)
        return _object(request, site, site.index) or _listed(request, caller, site, "")
    except (Forbidden, ItemNotFound) as fault:
        return _refused(request, site, kit.refusal(request, fault))


def show_object(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """GET and HEAD of an object; of a folder its index, or its list as a page."""
    if not _is_wanted(request):
        return objects.show(request, account, container, name)
    try:
        response = objects.show(request, account, container, name)
    except ItemNotFound:
        site = _site(account, container)
        if site is None:
            raise
        return _folder(request, site, name)
    may_be_mark = int(response.headers.get("Content-Length") or 0) <= 1 and response.status_code < 300
    if not may_be_mark and not response["Content-Type"].startswith("text/html"):
        return response
    site = _site(account, container)
    if site is None:
        return response
    return _folder(request, site, name) if response["Content-Type"] == site.folder else _dressed(response)


def _folder(request: HttpRequest, site: Site, name: str) -> HttpResponseBase:
    """What is shown where there is no such object."""
    caller, folder = kit.caller(request), name if name.endswith("/") else f"{name}/"
    try:
        index = _object(request, site, folder + site.index) if site.index else None
        if name == folder:
            return index or _listed(request, caller, site, folder)
        if index is None and not _below(caller, site, folder, 1):
            raise ItemNotFound("Object does not exist")
        return _with_slash(request)
    except (Forbidden, ItemNotFound) as fault:
        return _refused(request, site, kit.refusal(request, fault))


def _is_wanted(request: HttpRequest) -> bool:
    below = kit.is_signed(request) and "temp_url_prefix" in request.GET
    return below or kit.is_stranger(request) or kit.is_true(request.META.get("HTTP_X_WEB_MODE", ""))


def _dressed(response: HttpResponseBase) -> HttpResponseBase:
    if "Content-Security-Policy" in response:
        response["Content-Security-Policy"] = _POLICY
    return response


def _site(account: str, container: str) -> Site | None:
    """How a container is shown; None if it is no web site. Whether anybody may see it is asked later."""
    rows = Container.objects.filter(account__name=account, name=container)
    found: Mapping[str, str] = rows.values_list("attributes", flat=True).first() or {}
    said = {name: found.get(f"Web-{name}", "").strip() for name in _NAMES}
    lists = kit.is_true(said["Listings"])
    if not said["Index"] and not lists:
        return None
    return Site(
        account, container, index=said["Index"], error=said["Error"], style=said["Listings-Css"],
        label=said["Listings-Label"], folder=said["Directory-Type"] or _FOLDER, lists=lists,
    )  # fmt: skip


def _object(request: HttpRequest, site: Site, name: str) -> HttpResponseBase | None:
    """What a GET of an object of the site gives; None if there is none."""
    if not name:
        return None
    try:
        return _dressed(objects.show(request, site.account, site.container, name))
    except ItemNotFound:
        return None


def _with_slash(request: HttpRequest) -> HttpResponse:
    response = kit.empty(301)
    response["Location"] = request.build_absolute_uri(quote(request.path) + "/") + _signature(request)
    return response


def _refused(request: HttpRequest, site: Site, fault: Fault) -> HttpResponseBase:
    """The site's own page for a fault, if there is one that may be read."""
    page = None
    if site.error and not kit.is_signed(request):
        try:
            page = _object(request, site, f"{fault.status}{site.error}")
        except Forbidden:
            page = None
    if page is None or page.status_code != 200:
        return rendered(fault, kit.PREFIX + site.account)
    page.status_code = fault.status
    return page


def _below(caller: Caller, site: Site, folder: str, most: int) -> list[Listed | Rolled]:
    found = access.container(caller, site.account, site.container, Right.LIST)
    return list(entries(found, Wanted(prefix=folder, delimiter="/", folds=True, limit=most)))


def _listed(request: HttpRequest, caller: Caller, site: Site, folder: str) -> HttpResponse:
    """Raises Forbidden, ItemNotFound."""
    if not site.lists:
        raise ItemNotFound("The owner of this web site shows no lists.")
    found = _below(caller, site, folder, settings.PITHOS_API_LIST_LIMIT)
    if folder and not found:
        raise ItemNotFound("Object does not exist")
    title = f"{site.label}/{folder}" if site.label else request.path
    rows = format_html_join(
        "\n", '<tr><td><a href="{}">{}</a></td><td>{}</td><td>{}</td></tr>', _rows(request, found, folder)
    )
    page = format_html(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>Listing of {0}</title>\n{1}\n</head>\n<body>\n"
        "<h1>Listing of {0}</h1>\n<table>\n<tr><th>Name</th><th>Size</th><th>Date</th></tr>\n{2}\n"
        "</table>\n</body>\n</html>\n",
        title, _style(site, folder), rows,
    )  # fmt: skip
    response = HttpResponse(page, content_type=kit.HTML)
    response["Content-Security-Policy"] = _POLICY
    return response


def _rows(
    request: HttpRequest, found: list[Listed | Rolled], folder: str
) -> Iterator[tuple[str, str, str, str]]:
    """Address, name, size and date of each row."""
    signature = _signature(request)
    if len(folder) > len(request.GET.get("temp_url_prefix", "") if signature else ""):
        yield f"../{signature}", "../", "", ""
    for entry in found:
        name = entry.name[len(folder) :]
        if isinstance(entry, Rolled):
            yield quote(name) + signature, name, "", ""
        elif name:
            date = f"{entry.modified:%Y-%m-%d %H:%M:%S}"
            yield quote(name) + signature, name, filesizeformat(entry.size_bytes), date


def _signature(request: HttpRequest) -> str:
    """What makes links go on as the request itself was signed."""
    if not kit.is_signed(request):
        return ""
    return "?" + "&".join(f"{name}={quote(request.GET.get(name, ''))}" for name in _SIGNATURE)


def _style(site: Site, folder: str) -> SafeString:
    if not site.style:
        return _STYLE
    is_elsewhere = site.style.startswith(("/", "http://", "https://"))
    place = quote(site.style, safe=":/") if is_elsewhere else "../" * folder.count("/") + quote(site.style)
    return format_html('<link rel="stylesheet" type="text/css" href="{}" />', place)
