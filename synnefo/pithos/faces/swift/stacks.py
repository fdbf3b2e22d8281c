"""Old versions as objects of another container: ``X-Versions-Location`` and ``X-History-Location``.

What is replaced is copied there, as ``<length of its name in hex><name>/<time>``. In the first mode a
deletion brings the last of them back; in the other it is copied, too, and a mark tells of the deletion.
"""

from __future__ import annotations

import datetime

from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound, PreconditionFailed
from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.faces.swift import kit, people
from synnefo.pithos.faces.swift.settings import STACK
from synnefo.pithos.faces.swift.versions import GONE
from synnefo.pithos.namespace import access, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import current
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import Path, behind
from synnefo.pithos.namespace.objects import Overrides, Source

_HISTORY = "history"


def put_by(caller: Caller, container: Container, path: Path, old: Version | None) -> None:
    """Copy what is about to be replaced. Raises PreconditionFailed (no container to copy to).

    Who may write here need not be let in there: it is the account's people who wanted it.
    """
    stack = container.options.get(STACK)
    if not stack or old is None or old.is_over:
        return
    acting = people.joined(caller, path.account, people.WRITER)
    _copy(acting, path, old, _name(path, stack["in"], old.modified))


def deleted(caller: Caller, container: Container, path: Path, check: objects.Check) -> bool:
    """What a deletion means for the old versions; whether the object is as it is to be by that."""
    stack = container.options.get(STACK)
    if not stack:
        return False
    old = current(container, path.name)
    check(old)
    if stack["mode"] == _HISTORY:
        put_by(caller, container, path, old)
        mark = _name(path, stack["in"], timezone.now())
        acting = people.joined(caller, path.account, people.WRITER)
        objects.write(acting, mark, EMPTY, content_type=GONE, attributes={})
        return False
    return _brought_back(people.joined(caller, path.account, people.WRITER), path, stack["in"], old)


def _brought_back(caller: Caller, path: Path, place: str, old: Version | None) -> bool:
    """Let the last of the old versions be what is there; False if there is none."""
    last = _last(caller, path, place)
    if last is None:
        return False
    there = Path(path.account, place, last.object.name)
    if last.content_type == GONE:
        # It was deleted before: the mark goes. What came since goes by the deletion itself.
        objects.delete(caller, there)
        further = _last(caller, path, place)
        if old is not None:
            return False
        if further is None or further.content_type == GONE:
            return True
        last, there = further, Path(path.account, place, further.object.name)
    objects.copy(caller, Source(there, last.pk), path, Overrides(fresh=False))
    objects.delete(caller, there)
    return True


def _last(caller: Caller, path: Path, place: str) -> Version | None:
    try:
        container = access.container(caller, path.account, place, Right.LIST)
    except ItemNotFound:
        return None
    prefix = _prefix(path)
    rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
    rows = rows.filter(object__name__gte=prefix, object__name__lt=behind(prefix))
    return rows.select_related("object").order_by("-object__name").first()


def _copy(caller: Caller, path: Path, old: Version, target: Path) -> None:
    try:
        objects.copy(caller, Source(path, old.pk), target, Overrides())
    except ItemNotFound:
        raise PreconditionFailed("There is no container for old versions.") from None


def _prefix(path: Path) -> str:
    return f"{len(path.name.encode()):03x}{path.name}/"


def _name(path: Path, place: str, moment: datetime.datetime) -> Path:
    return Path(path.account, place, _prefix(path) + kit.timestamp(moment))
