"""Metadata definitions in image v2."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.images import vocabularies
from synnefo.cyclades.images.models import Vocabulary
from synnefo.cyclades.openstack import kit

router = Router()

_NAMESPACE = "/namespaces/{namespace}"
_LARGEST_WORD = vocabularies.MAX_WORD_BYTES
Name = Annotated[kit.Text, Field(min_length=1, max_length=vocabularies.MAX_NAME)]


class Word(kit.Body):
    """A word by its name; what else is said of it is kept as it was given."""

    name: Name


class ResourceType(Word):
    prefix: kit.Text = ""
    properties_target: kit.Text = ""


class Property(Word):
    """The words of JSON schemas."""

    title: kit.Text
    type: kit.Text
    description: kit.Text = ""
    default: Any = None
    enum: list[Any] | None = None
    items: dict[str, Any] | None = None
    operators: list[kit.Text] | None = None
    pattern: kit.Text | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    minLength: int | None = None  # noqa: N815 - the clients' name
    maxLength: int | None = None  # noqa: N815
    minItems: int | None = None  # noqa: N815
    maxItems: int | None = None  # noqa: N815
    uniqueItems: bool | None = None  # noqa: N815
    additionalItems: bool | None = None  # noqa: N815
    required: list[kit.Text] | None = None
    readonly: bool | None = None


class Object(Word):
    description: kit.Text = ""
    required: list[kit.Text] | None = None
    properties: dict[str, dict[str, Any]] | None = None


class Namespace(kit.Body):
    """Resource types may come with it."""

    namespace: Name
    display_name: Annotated[kit.Text, Field(max_length=80)] = ""
    description: Annotated[kit.Text, Field(max_length=500)] = ""
    visibility: Literal["public", "private"] = "private"
    protected: bool = False
    resource_type_associations: list[ResourceType] = Field(default_factory=list)


class Tags(kit.Body):
    tags: Annotated[list[Word], Field(max_length=vocabularies.MAX_WORDS)]


@router.get("/resource_types")
def list_resource_types(request: HttpRequest) -> HttpResponse:
    return kit.answer({"resource_types": [{"name": name} for name in vocabularies.RESOURCE_TYPES]})


@router.get("/namespaces")
def list_namespaces(request: HttpRequest) -> HttpResponse:
    rows = vocabularies.visible(kit.caller_of(request))
    body = {
        "namespaces": [_details(row) for row in rows], "first": "/v2/metadefs/namespaces",
        "schema": "/v2/schemas/metadefs/namespaces",
    }  # fmt: skip
    return kit.answer(body)


@router.post("/namespaces")
def create_namespace(request: HttpRequest, payload: Namespace) -> HttpResponse:
    types = {row.name: _meaning(row) for row in payload.resource_type_associations}
    made = vocabularies.create(
        kit.caller_of(request), payload.namespace, resource_types=types, **_about(payload)
    )
    return kit.answer(_details(made), 201)


@router.get(_NAMESPACE)
def show_namespace(request: HttpRequest, namespace: str) -> HttpResponse:
    return kit.answer(_details(_found(request, namespace)))


@router.put(_NAMESPACE)
def update_namespace(request: HttpRequest, namespace: str, payload: Namespace) -> HttpResponse:
    about = {**_about(payload), "namespace": payload.namespace}
    return kit.answer(_details(vocabularies.modify(kit.caller_of(request), _known(namespace), **about)))


@router.delete(_NAMESPACE)
def delete_namespace(request: HttpRequest, namespace: str) -> HttpResponse:
    vocabularies.delete(kit.caller_of(request), _known(namespace))
    return kit.empty(204)


@router.get(f"{_NAMESPACE}/resource_types")
def list_associations(request: HttpRequest, namespace: str) -> HttpResponse:
    words = _found(request, namespace).resource_types.values()
    return kit.answer({"resource_type_associations": list(words)})


@router.post(f"{_NAMESPACE}/resource_types")
def associate(request: HttpRequest, namespace: str, payload: ResourceType) -> HttpResponse:
    return _added(request, namespace, "resource_types", payload)


@router.delete(f"{_NAMESPACE}/resource_types/{{name}}")
def dissociate(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    return _removed(request, namespace, "resource_types", name)


@router.get(f"{_NAMESPACE}/properties")
def list_properties(request: HttpRequest, namespace: str) -> HttpResponse:
    return kit.answer({"properties": _found(request, namespace).properties})


@router.post(f"{_NAMESPACE}/properties")
def add_property(request: HttpRequest, namespace: str, payload: Property) -> HttpResponse:
    return _added(request, namespace, "properties", payload)


@router.delete(f"{_NAMESPACE}/properties")
def remove_properties(request: HttpRequest, namespace: str) -> HttpResponse:
    return _removed(request, namespace, "properties", None)


@router.get(f"{_NAMESPACE}/properties/{{name}}")
def show_property(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    return _shown(request, namespace, "properties", name)


@router.put(f"{_NAMESPACE}/properties/{{name}}")
def update_property(request: HttpRequest, namespace: str, name: str, payload: Property) -> HttpResponse:
    return _updated(request, namespace, "properties", name, payload)


@router.delete(f"{_NAMESPACE}/properties/{{name}}")
def remove_property(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    return _removed(request, namespace, "properties", name)


@router.get(f"{_NAMESPACE}/objects")
def list_objects(request: HttpRequest, namespace: str) -> HttpResponse:
    return kit.answer({"objects": list(_found(request, namespace).objects_by_name.values())})


@router.post(f"{_NAMESPACE}/objects")
def add_object(request: HttpRequest, namespace: str, payload: Object) -> HttpResponse:
    return _added(request, namespace, "objects_by_name", payload)


@router.delete(f"{_NAMESPACE}/objects")
def remove_objects(request: HttpRequest, namespace: str) -> HttpResponse:
    return _removed(request, namespace, "objects_by_name", None)


@router.get(f"{_NAMESPACE}/objects/{{name}}")
def show_object(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    return _shown(request, namespace, "objects_by_name", name)


@router.put(f"{_NAMESPACE}/objects/{{name}}")
def update_object(request: HttpRequest, namespace: str, name: str, payload: Object) -> HttpResponse:
    return _updated(request, namespace, "objects_by_name", name, payload)


@router.delete(f"{_NAMESPACE}/objects/{{name}}")
def remove_object(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    return _removed(request, namespace, "objects_by_name", name)


@router.get(f"{_NAMESPACE}/tags")
def list_tags(request: HttpRequest, namespace: str) -> HttpResponse:
    return kit.answer(_tags(_found(request, namespace)))


@router.post(f"{_NAMESPACE}/tags")
def set_tags(request: HttpRequest, namespace: str, payload: Tags) -> HttpResponse:
    """In place of those that there are."""
    names = [row.name for row in payload.tags]
    return kit.answer(_tags(vocabularies.set_tags(kit.caller_of(request), _known(namespace), names)), 201)


@router.delete(f"{_NAMESPACE}/tags")
def remove_tags(request: HttpRequest, namespace: str) -> HttpResponse:
    vocabularies.set_tags(kit.caller_of(request), _known(namespace), [])
    return kit.empty(204)


@router.get(f"{_NAMESPACE}/tags/{{name}}")
def show_tag(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    _tagged(_found(request, namespace), name)
    return kit.answer({"name": name})


@router.post(f"{_NAMESPACE}/tags/{{name}}")
def add_tag(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    tags = _found(request, namespace).tags
    vocabularies.set_tags(kit.caller_of(request), namespace, [*tags, _known(name)])
    return kit.answer({"name": name}, 201)


@router.put(f"{_NAMESPACE}/tags/{{name}}")
def rename_tag(request: HttpRequest, namespace: str, name: str, payload: Word) -> HttpResponse:
    others = _tagged(_found(request, namespace), name)
    vocabularies.set_tags(kit.caller_of(request), namespace, [*others, payload.name])
    return kit.answer({"name": payload.name})


@router.delete(f"{_NAMESPACE}/tags/{{name}}")
def remove_tag(request: HttpRequest, namespace: str, name: str) -> HttpResponse:
    others = _tagged(_found(request, namespace), name)
    vocabularies.set_tags(kit.caller_of(request), namespace, others)
    return kit.empty(204)


def _known(name: str) -> str:
    """Raises ItemNotFound for what nothing can be called."""
    if "\x00" in name:
        raise ItemNotFound("Nothing has such a name.")
    return name


def _found(request: HttpRequest, namespace: str) -> Vocabulary:
    return vocabularies.get(kit.caller_of(request), _known(namespace))


def _about(payload: Namespace) -> dict[str, Any]:
    return {
        "display_name": payload.display_name,
        "description": payload.description,
        "is_public": payload.visibility == "public",
        "protected": payload.protected,
    }


def _meaning(payload: Word) -> dict[str, Any]:
    """Raises BadRequest for what is too long, or no database can keep."""
    meaning = payload.model_dump(exclude_unset=True)
    text = json.dumps(meaning)
    if len(text) > _LARGEST_WORD or "\\u0000" in text or "\\ud8" in text or "\\udc" in text:
        raise BadRequest(f"A definition has at most {_LARGEST_WORD} bytes of UTF-8 without NUL.")
    return meaning


def _added(request: HttpRequest, namespace: str, kind: str, payload: Word) -> HttpResponse:
    made = vocabularies.put_word(kit.caller_of(request), _known(namespace), kind, _meaning(payload))
    return kit.answer(made, 201)


def _updated(request: HttpRequest, namespace: str, kind: str, name: str, payload: Word) -> HttpResponse:
    made = vocabularies.put_word(
        kit.caller_of(request), _known(namespace), kind, _meaning(payload), instead_of=name
    )
    return kit.answer(made)


def _removed(request: HttpRequest, namespace: str, kind: str, name: str | None) -> HttpResponse:
    vocabularies.remove_word(kit.caller_of(request), _known(namespace), kind, name)
    return kit.empty(204)


def _shown(request: HttpRequest, namespace: str, kind: str, name: str) -> HttpResponse:
    words = getattr(_found(request, namespace), kind)
    if name not in words:
        raise ItemNotFound(f"{name} could not be found in {namespace}.")
    return kit.answer(words[name])


def _tagged(row: Vocabulary, name: str) -> list[str]:
    """The other tags. Raises ItemNotFound if it has not that one."""
    if name not in row.tags:
        raise ItemNotFound(f"{name} could not be found in {row.namespace}.")
    return [tag for tag in row.tags if tag != name]


def _tags(row: Vocabulary) -> dict[str, Any]:
    return {"tags": [{"name": name} for name in row.tags], "first": f"/v2/metadefs/namespaces/{row}/tags"}


def _details(row: Vocabulary) -> dict[str, Any]:
    return {
        "namespace": row.namespace,
        "display_name": row.display_name,
        "description": row.description,
        "visibility": "public" if row.is_public else "private",
        "protected": row.protected,
        "owner": row.owner,
        "resource_type_associations": list(row.resource_types.values()),
        "created_at": kit.stamp(row.created),
        "updated_at": kit.stamp(row.updated),
        "self": f"/v2/metadefs/namespaces/{row.namespace}",
        "schema": "/v2/schemas/metadefs/namespace",
    }
