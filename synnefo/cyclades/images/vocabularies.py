"""Words to describe images and other things with, as administrators publish them: Glance's definitions.

A vocabulary is told apart by its namespace. Everybody sees the public ones and those of his project;
administrators see all and are the only ones who change them. What a word means is the clients' business:
here it is kept as it was given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.images.models import Vocabulary

#: The columns that keep words by their names.
KINDS = ("properties", "objects_by_name", "resource_types")
#: What words are for, as Glance has it.
RESOURCE_TYPES = (
    "OS::Glance::Image",
    "OS::Cinder::Volume",
    "OS::Nova::Flavor",
    "OS::Nova::Server",
    "OS::Trove::Instance",
)
MAX_NAME, MAX_WORDS, MAX_WORD_BYTES = 80, 500, 64 * 1024


def visible(caller: Caller) -> QuerySet[Vocabulary]:
    rows = Vocabulary.objects.order_by("namespace")
    return rows if caller.is_admin else rows.filter(Q(is_public=True) | Q(owner=caller.project))


def get(caller: Caller, namespace: str) -> Vocabulary:
    """Raises ItemNotFound."""
    found = visible(caller).filter(namespace=namespace).first()
    if found is None:
        raise ItemNotFound(f"Metadata definition namespace {namespace} could not be found.")
    return found


def create(caller: Caller, namespace: str, **about: Any) -> Vocabulary:
    """Raises Forbidden, BadRequest, Conflict (there is one of that name)."""
    _check_admin(caller)
    _check_name(namespace)
    try:
        with atomic():
            made = Vocabulary.objects.create(namespace=namespace, owner=caller.project, **about)
            record(caller, "vocabulary.create", "vocabulary", made.pk, namespace=namespace)
    except IntegrityError:
        raise Conflict(f"The metadata definition namespace {namespace} already exists.") from None
    return made


def modify(caller: Caller, namespace: str, /, **about: Any) -> Vocabulary:
    """Change any of namespace, display_name, description, is_public, protected.

    Raises ItemNotFound, Forbidden, BadRequest, Conflict.
    """
    _check_name(about.get("namespace", namespace))
    try:
        with atomic():
            found = _locked(caller, namespace)
            for name, value in about.items():
                setattr(found, name, value)
            found.save()
            record(caller, "vocabulary.modify", "vocabulary", found.pk, **about)
    except IntegrityError:
        raise Conflict(f"The metadata definition namespace {about['namespace']} already exists.") from None
    return found


def delete(caller: Caller, namespace: str) -> None:
    """Raises ItemNotFound, Forbidden (also: it is protected)."""
    with atomic():
        found = _locked(caller, namespace)
        if found.protected:
            raise Forbidden(f"Metadata definition namespace {namespace} is protected and cannot be deleted.")
        record(caller, "vocabulary.delete", "vocabulary", found.pk, namespace=namespace)
        found.delete()


def put_word(
    caller: Caller, namespace: str, kind: str, meaning: Mapping[str, Any], *, instead_of: str | None = None
) -> dict[str, Any]:
    """Add a word to those of a kind, under the name that is in its meaning, or put it in one's place.

    Raises ItemNotFound, Forbidden, BadRequest, Conflict (the name is taken).
    """
    name = meaning["name"]
    _check_name(name)
    with atomic():
        found = _locked(caller, namespace)
        words: dict[str, Any] = getattr(found, kind)
        if instead_of is not None and instead_of not in words:
            raise ItemNotFound(f"{instead_of} could not be found in {namespace}.")
        if name in words and name != instead_of:
            raise Conflict(f"{namespace} has {name} already.")
        kept = {key: value for key, value in words.items() if key != instead_of}
        _store(found, kind, {**kept, name: dict(meaning)})
        record(caller, "vocabulary.word", "vocabulary", found.pk, words=kind, name=name)
    return dict(meaning)


def remove_word(caller: Caller, namespace: str, kind: str, name: str | None) -> None:
    """Take a word away, without a name all of that kind. Raises ItemNotFound, Forbidden."""
    with atomic():
        found = _locked(caller, namespace)
        words: dict[str, Any] = getattr(found, kind)
        if name is not None and name not in words:
            raise ItemNotFound(f"{name} could not be found in {namespace}.")
        _store(found, kind, {} if name is None else {key: words[key] for key in words if key != name})
        record(caller, "vocabulary.word", "vocabulary", found.pk, words=kind, removed=name)


def set_tags(caller: Caller, namespace: str, tags: list[str]) -> Vocabulary:
    """These and no others. Raises ItemNotFound, Forbidden, BadRequest."""
    for name in tags:
        _check_name(name)
    with atomic():
        found = _locked(caller, namespace)
        _store(found, "tags", sorted(set(tags)))
        record(caller, "vocabulary.tags", "vocabulary", found.pk, tags=found.tags)
    return found


def _locked(caller: Caller, namespace: str) -> Vocabulary:
    found = get(caller, namespace)
    _check_admin(caller)
    return Vocabulary.objects.select_for_update().get(pk=found.pk)


def _store(found: Vocabulary, column: str, words: Any) -> None:
    if len(words) > MAX_WORDS or len(json.dumps(words)) > MAX_WORDS * MAX_WORD_BYTES // 100:
        raise BadRequest(f"{found.namespace} would have too many words.")
    setattr(found, column, words)
    found.save(update_fields=(column, "updated"))


def _check_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators define metadata.")


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or "/" in name:
        raise BadRequest(f"Names have 1 to {MAX_NAME} printable characters, no slash among them.")
