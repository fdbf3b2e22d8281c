"""PUT, MKCOL and DELETE. Content is stored as it comes in, before anything is named."""

from __future__ import annotations

import mimetypes

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    ItemNotFound,
    NotAllowed,
    RequestTooLarge,
    UnprocessableEntity,
    UnsupportedMediaType,
)
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import EMPTY, Content, keep
from synnefo.pithos.faces import body, conditions
from synnefo.pithos.faces.webdav import checks, kit, locks, places, resources
from synnefo.pithos.faces.webdav.places import Place
from synnefo.pithos.faces.webdav.resources import Resource
from synnefo.pithos.namespace import access, browsing, containers, objects, trees
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container

FOLDER = "application/directory"
OCTETS = "application/octet-stream"


def put(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """PUT: a file, in a folder that is there."""
    place = places.find(caller, path)
    if not place.name or path.endswith("/"):
        raise NotAllowed("A file has a name, and lies in a container.")
    if "HTTP_CONTENT_RANGE" in request.META:
        raise BadRequest("Files are written as a whole.")
    container, old = _for_change(caller, place)
    if old is not None and old.is_folder:
        raise NotAllowed("There is a folder of that name.")
    tokens = checks.check_if(request, caller, place)
    locks.require(caller, tokens, container, place.name, member=old is None)
    body.length_of(request, too_long=RequestTooLarge)
    check = conditions.check(request)
    seen = objects.look(caller, place.at(), check)
    pieces = body.pieces(request, too_long=RequestTooLarge)
    content = keep(blocks(), pieces, settings.PITHOS_BACKEND_BLOCK_SIZE)
    _check_sum(request, content)
    made = objects.write(
        caller, place.at(), content, content_type=_type(request, place), attributes={}, check=check,
        seen=seen, more=_time(request, content),
    )  # fmt: skip
    response = kit.empty(204 if old else 201)
    response["ETag"] = f'"{conditions.etag(made)}"'
    if "HTTP_X_OC_MTIME" in request.META:
        response["X-OC-Mtime"] = "accepted"
    return response


def make_folder(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """MKCOL: a folder, or at the top of an account a container."""
    place = places.find(caller, path)
    if body.has_body(request):
        raise UnsupportedMediaType("A folder is made without a body.")
    if not place.container:
        raise NotAllowed("It is there already.")
    if not place.name:
        if not containers.put(caller, place.account, place.container, attributes={}, policy={}):
            raise NotAllowed("It is there already.")
        return kit.empty(201)
    container, old = _for_change(caller, place)
    if old is not None:
        raise NotAllowed("It is there already.")
    tokens = checks.check_if(request, caller, place)
    locks.require(caller, tokens, container, place.name, member=True)
    make_marker(caller, place, place.name)
    return kit.empty(201)


def delete(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """DELETE: a file, or a folder (or container) with all that is in it."""
    place = places.find(caller, path)
    found = resources.get(caller, place)
    container = found.container
    if container is None:
        raise Forbidden("This cannot be deleted.")
    if request.META.get("HTTP_DEPTH", "infinity").strip().lower() != "infinity" and found.is_folder:
        raise BadRequest("A folder is deleted with all that is in it.")
    tokens = checks.check_if(request, caller, place)
    locks.require(caller, tokens, container, place.name, deep=found.is_folder, member=True)
    if not place.name:
        objects.delete_all(caller, place.account, place.container)
        containers.delete(caller, place.account, place.container)
    elif found.is_folder:
        remove(caller, found)
    else:
        objects.delete(caller, place.at(), check=conditions.check(request))
    if place.name:
        locks.forget(container, place.name)
        keep_folder(caller, container, place)
    return kit.empty(204)


def remove(caller: Caller, found: Resource) -> None:
    """A file, or a folder with all that is in it and the file that it hides."""
    place = found.place
    if found.is_folder:
        trees.delete(caller, place.at(f"{place.name}/"))
    if not found.is_folder or objects.find(caller, place.at()) is not None:
        objects.delete(caller, place.at())


def container_of(caller: Caller, place: Place) -> Container:
    """Of something that is to be put there. Raises Forbidden, Conflict if there is no such container."""
    try:
        return access.object(caller, place.at(), Right.WRITE)
    except ItemNotFound:
        raise Conflict("The container that it should lie in is not there.") from None


def require_folder(container: Container, place: Place) -> None:
    """What something is put into is there. Raises Conflict."""
    above = place.above
    if above and not browsing.folder_exists(container, f"{above}/"):
        raise Conflict("The folder that it should lie in is not there.")


def keep_folder(caller: Caller, container: Container, place: Place) -> None:
    """A folder whose last member goes stays, though names imply it no more."""
    above = place.above
    if above and not browsing.folder_exists(container, f"{above}/"):
        make_marker(caller, place, above)


def make_marker(caller: Caller, place: Place, name: str) -> None:
    """The object that stands for a folder."""
    objects.write(caller, place.at(name), EMPTY, content_type=FOLDER, attributes={})


def _for_change(caller: Caller, place: Place) -> tuple[Container, Resource | None]:
    """The container and what is there, for who may change it. Raises Forbidden, Conflict."""
    container = container_of(caller, place)
    found = resources.in_container(container, place)
    if found is None:
        require_folder(container, place)
    return container, found


def _type(request: HttpRequest, place: Place) -> str:
    """What is said, else what the name's ending means."""
    said: str = request.META.get("CONTENT_TYPE") or ""
    if said in ("", OCTETS):
        return mimetypes.guess_type(place.leaf)[0] or OCTETS
    return said


def _check_sum(request: HttpRequest, content: Content) -> None:
    """ownCloud's clients may say the MD5."""
    kind, _, digest = request.META.get("HTTP_OC_CHECKSUM", "").partition(":")
    if kind.strip().upper() == "MD5" and digest.strip().lower() != content.md5:
        raise UnprocessableEntity("The content is not what its checksum says.")


def _time(request: HttpRequest, content: Content) -> dict[str, dict[str, str]]:
    """The file's own time, as ownCloud's clients say it, in whole seconds."""
    text = request.META.get("HTTP_X_OC_MTIME", "").partition(".")[0]
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return {}
    return resources.time_of(content, int(text))
