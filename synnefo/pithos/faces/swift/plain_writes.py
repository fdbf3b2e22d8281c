"""The lane of plain writes: PUT of short content, with a type and metadata of its own and nothing else.

Its reference is ``writing.put``. What is put into one container by one token at the same time is one change
of the namespace: one transaction, which the disk has to take once.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, Unauthorized
from synnefo.common.http.context import new_request_id
from synnefo.common.http.lanes import Answer, Lane, Scope
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, keep
from synnefo.pithos.faces.swift import kit, metadata, plain, quotas, writing
from synnefo.pithos.faces.swift.settings import STACK
from synnefo.pithos.namespace import numbers, objects
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.objects import Put, Seen

_WRITERS = 8
_META = b"x-object-meta-"
_TYPE, _LENGTH = b"content-type", b"content-length"


class Asked(NamedTuple):
    """``started`` is by ``time.perf_counter``."""

    path: Path
    token: str
    content_type: str
    attributes: dict[str, str]
    body: bytes
    started: float


class PlainWrites(Lane[Asked]):
    def asked(self, scope: Scope, body: memoryview | None) -> Asked | None:
        if scope["method"] != "PUT" or body is None or (path := plain.path_of(scope)) is None:
            return None
        token, request = "", HttpRequest()
        for name, value in scope["headers"]:
            if name == plain.TOKEN and not token:
                token = value.decode("latin-1")
            elif name == _TYPE or name.startswith(_META):
                if not _add(request, name, value):
                    return None
            elif name != _LENGTH and name not in plain.IDLE:
                return None
        if not token or len(body) > settings.PITHOS_MAX_UPLOAD_BYTES:
            return None
        try:
            attributes, kind = metadata.of_object(request), writing.type_of(request, path.name)
        except Fault:
            return None
        return Asked(path, token, kind, attributes, bytes(body), time.perf_counter())

    def answers(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        try:
            known = {token: _caller(token) for token in {one.token for one in asked}}
            callers = [known[one.token] for one in asked]
            seen = objects.look_each([(caller, one.path) for caller, one in zip(callers, asked, strict=True)])
        except plain.UNANSWERED:
            return [None] * len(asked)
        answers: list[Answer | None] = [None] * len(asked)
        for caller, puts in _groups(asked, callers, seen):
            for number, answer in _put(caller, asked, puts):
                answers[number] = answer
        return answers


def _caller(token: str) -> Caller | None:
    try:
        return plain.caller(accounts().identify(token), writes=True)
    except Unauthorized:
        return None


def _groups(
    asked: Sequence[Asked], callers: Sequence[Caller | None], seen: Sequence[Seen | None]
) -> Iterable[tuple[Caller, dict[int, Seen]]]:
    """What is one change: a caller's in a container, each path once. By the numbers of the requests."""
    groups: dict[tuple[str, int], tuple[Caller, dict[int, Seen]]] = {}
    paths: set[Path] = set()
    for number, (one, caller, found) in enumerate(zip(asked, callers, seen, strict=True)):
        if caller and found and _is_plain(found.container) and one.path not in paths:
            paths.add(one.path)
            groups.setdefault((one.token, found.container.pk), (caller, {}))[1][number] = found
    return groups.values()


def _is_plain(container: Container) -> bool:
    """Whether a PUT there means no more than what it says."""
    return not container.options.keys() & {STACK, numbers.OPTION} and not quotas.are_set(container)


def _put(caller: Caller, asked: Sequence[Asked], seen: dict[int, Seen]) -> Iterable[tuple[int, Answer]]:
    """Nothing if one of them cannot be: the views find out which."""
    try:
        puts = _stored([(asked[number], found) for number, found in seen.items()])
        made = objects.write_each(caller, puts)
    except (*plain.UNANSWERED, OSError):
        return
    for number, version in zip(seen, made, strict=True):
        yield number, _answer(asked[number], version)


def _stored(wanted: Sequence[tuple[Asked, Seen]]) -> list[Put]:
    """Blocks are synced at the same time: a medium takes several in hardly more time than one."""
    bodies = [asked.body for asked, _ in wanted]
    many = len(bodies) > 1 and max(map(len, bodies)) > settings.PITHOS_INLINE_BYTES
    contents = list((_writers().map if many else map)(_content, bodies))
    return [
        Put(asked.path, seen, content, asked.content_type, asked.attributes)
        for (asked, seen), content in zip(wanted, contents, strict=True)
    ]


def _content(body: bytes) -> Content:
    return keep(blocks(), [body], settings.PITHOS_BACKEND_BLOCK_SIZE)


@functools.cache
def _writers() -> ThreadPoolExecutor:
    """Made by whoever stores first, for threads do not survive a fork."""
    return ThreadPoolExecutor(_WRITERS, "short blocks")


def _answer(asked: Asked, made: Version) -> Answer:
    request_id = new_request_id()
    own = {"Content-Type": kit.HTML, "Content-Length": "0"}
    writing.describe(own, made)
    plain.count(request_id, "PUT", asked.path, 201, asked.started)
    return Answer(201, plain.headers(request_id, own), b"")


def _add(request: HttpRequest, name: bytes, value: bytes) -> bool:
    """Say a header as WSGI has it; not twice."""
    key = name.decode("latin-1").upper().replace("-", "_")
    key = key if name == _TYPE else f"HTTP_{key}"
    is_new = key not in request.META
    request.META[key] = value.decode("latin-1")
    return is_new
