"""Every route of image v2 with a call of it: a part of ``routes``."""

from __future__ import annotations

from typing import Any

from tests.cyclades_api.route import Case, open_to_all, own

_METADEFS = "/v2/metadefs/namespaces/{namespace}"
_WORDS = {
    "/properties/{name}": "/properties/cpus",
    "/objects/{name}": "/objects/host",
    "/tags/{name}": "/tags/t",
}


def _of_image(method: str, rest: str, status: int, body: Any = None, there: str = "") -> Case:
    path = f"/v2/images/{{own_image}}{there or rest}"
    return own("image", method, f"/v2/images/{{image_id}}{rest}", status, path=path, body=body)


def _word(method: str, rest: str, admin: int, body: Any = None, member: int = 403) -> Case:
    """Something of a public vocabulary: for administrators to change, who are asked before members."""
    there = _METADEFS.format(namespace="{vocabulary}") + _WORDS.get(
        rest, rest.replace("{name}", "OS::Nova::Flavor")
    )
    return Case("image", method, _METADEFS + rest, f"image{there}", member, 403, admin, body)


def _shown(rest: str) -> Case:
    there = _METADEFS.format(namespace="{vocabulary}") + _WORDS.get(rest, rest)
    return open_to_all("image", _METADEFS + rest, there)


_PROPERTY = {"name": "ram", "title": "Memory", "type": "integer"}

# fmt: off
IMAGE = [
    open_to_all("image", "/", public=True, member=300),
    open_to_all("image", "/versions", public=True, member=300),
    open_to_all("image", "/v2/images"),
    open_to_all("image", "/v2/images/{image_id}", "/v2/images/{image}"),
    Case(
        "image", "POST", "/v2/images", "image/v2/images", 201, other=201,
        body={"name": "new", "disk_format": "raw", "container_format": "bare", "visibility": "private"},
        takes_nothing=True,
    ),
    _of_image("GET", "/file", 200),
    _of_image("PUT", "/file", 409),
    _of_image("PUT", "/stage", 409),
    _of_image("POST", "/import", 409, {"method": {"name": "web-download", "uri": "https://example.org/disk"}}),
    _of_image("POST", "/actions/deactivate", 204),
    _of_image("POST", "/actions/reactivate", 204),
    _of_image("PUT", "/tags/{tag}", 204, None, "/tags/green"),
    _of_image("DELETE", "/tags/{tag}", 204, None, "/tags/blue"),
    _of_image("GET", "/tasks", 200),
    _of_image("GET", "/members", 200),
    _of_image("GET", "/members/{member_id}", 200, None, "/members/{member}"),
    _of_image("PUT", "/members/{member_id}", 403, {"status": "accepted"}, "/members/{member}"),
    _of_image("POST", "/members", 200, {"member": "11111111-2222-4333-8444-555555555555"}),
    _of_image("DELETE", "/members/{member_id}", 204, None, "/members/{member}"),
    _of_image("PATCH", "", 200, [{"op": "replace", "path": "/name", "value": "renamed"}]),
    _of_image("DELETE", "", 204),
    open_to_all("image", "/v2/info/import"),
    open_to_all("image", "/v2/info/stores"),
    open_to_all("image", "/v2/tasks"),
    Case("image", "GET", "/v2/tasks/{task_id}", "image/v2/tasks/{task}", admin=200),
    Case(
        "image", "POST", "/v2/tasks", "image/v2/tasks", 403, other=403, admin=201,
        body={
            "type": "import",
            "input": {
                "import_from": "https://example.org/disk",
                "image_properties": {"name": "new", "disk_format": "raw", "container_format": "bare"},
            },
        },
    ),
    open_to_all("image", "/v2/schemas/{path:what}", "/v2/schemas/image"),
    open_to_all("image", "/v2/metadefs/resource_types"),
    open_to_all("image", "/v2/metadefs/namespaces"),
    Case(
        "image", "POST", "/v2/metadefs/namespaces", "image/v2/metadefs/namespaces", 403, 403, 201,
        {"namespace": "new", "visibility": "public"},
    ),
    _shown(""),
    *(_shown(f"/{kind}") for kind in ("resource_types", "properties", "objects", "tags")),
    *(_shown(rest) for rest in _WORDS),
    _word("PUT", "", 200, {"namespace": "words", "visibility": "public"}),
    _word("POST", "/resource_types", 201, {"name": "OS::Nova::Server"}),
    _word("DELETE", "/resource_types/{name}", 204),
    _word("POST", "/properties", 201, _PROPERTY),
    _word("PUT", "/properties/{name}", 200, _PROPERTY | {"name": "cpus"}),
    _word("DELETE", "/properties/{name}", 204),
    _word("DELETE", "/properties", 204),
    _word("POST", "/objects", 201, {"name": "guest"}),
    _word("PUT", "/objects/{name}", 200, {"name": "host", "description": "a host"}),
    _word("DELETE", "/objects/{name}", 204),
    _word("DELETE", "/objects", 204),
    _word("POST", "/tags", 201, {"tags": [{"name": "t"}, {"name": "u"}]}),
    _word("POST", "/tags/{name}", 201),
    _word("PUT", "/tags/{name}", 200, {"name": "t"}),
    _word("DELETE", "/tags/{name}", 204, None, 404),
    _word("DELETE", "/tags", 204),
    _word("DELETE", "", 204, None, 404),
]
# fmt: on
