"""COPY and MOVE, of files and of whole folders, within an account or to another one's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, PreconditionFailed
from synnefo.pithos.faces.webdav import checks, kit, locks, places, resources, writing
from synnefo.pithos.faces.webdav.places import Place
from synnefo.pithos.faces.webdav.resources import Resource
from synnefo.pithos.namespace import trees
from synnefo.pithos.namespace.models import Container


def copy(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    return _transfer(request, caller, path, copying=True)


def move(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    return _transfer(request, caller, path, copying=False)


def _transfer(request: HttpRequest, caller: Caller, path: str, *, copying: bool) -> HttpResponse:
    source, target = places.find(caller, path), checks.destination(request, caller)
    found = resources.get(caller, source)
    _check_pair(source, target)
    shallow = _is_shallow(request, found, copying)
    overwrite = request.META.get("HTTP_OVERWRITE", "T").strip().upper() != "F"
    container = writing.container_of(caller, target)
    old = resources.in_container(container, target)
    if old is None:
        writing.require_folder(container, target)
    elif not overwrite:
        raise PreconditionFailed("There is something at the destination already.")
    tokens = checks.check_if(request, caller, source)
    locks.require(caller, tokens, container, target.name, deep=True, member=old is None)
    origin: Container = found.container  # type: ignore[assignment]  # it has a name, so it is in one
    if not copying:
        locks.require(caller, tokens, origin, source.name, deep=found.is_folder, member=True)
    if shallow:
        if old is not None:
            writing.remove(caller, old)
        writing.make_marker(caller, target, target.name)
    else:
        _carry(caller, source, target, is_folder=found.is_folder, copying=copying)
    if not copying:
        locks.forget(origin, source.name)
        writing.keep_folder(caller, origin, source)
    return kit.empty(201 if old is None else 204)


def _carry(caller: Caller, source: Place, target: Place, *, is_folder: bool, copying: bool) -> None:
    end = "/" if is_folder else ""
    here, there = source.at(source.name + end), target.at(target.name + end)
    trees.move(caller, here, there, copying=copying, replace=True)


def _check_pair(source: Place, target: Place) -> None:
    if not source.name or not target.name:
        raise Forbidden("Containers are neither copied nor moved as a whole, nor made of folders.")
    one, other = (f"{place.account}/{place.container}/{place.name}/" for place in (source, target))
    if one.startswith(other) or other.startswith(one):
        raise Forbidden("Nothing is put into itself, or in place of what it is in.")


def _is_shallow(request: HttpRequest, found: Resource, copying: bool) -> bool:
    """Whether a folder comes without what is in it."""
    depth = request.META.get("HTTP_DEPTH", "infinity").strip().lower()
    if not found.is_folder or depth == "infinity":
        return False
    if depth != "0" or not copying:
        raise BadRequest("A folder is moved with all that is in it.")
    return True
