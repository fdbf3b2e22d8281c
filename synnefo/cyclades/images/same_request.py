"""Requests for images as kamaki, openstack and Terraform make them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from synnefo.common.same_request import (
    Raw,
    Same,
    Value,
    command,
    hcl_string,
    label_of,
    positional,
    resource,
)

_UPLOADS = "# {} makes images of files of your machine, not of stored ones"


def register_image(
    *, location: str, name: str, disk_format: str, properties: Mapping[str, str], is_public: bool
) -> Same:
    """``disk_format`` is empty while it is not known."""
    file = unquote(location.rpartition("/")[2]) or "FILE"
    shape = disk_format or Raw("FORMAT")
    body: dict[str, Value] = {
        "name": name,
        "local_file_path": file,
        "container_format": "bare",
        "disk_format": shape,
        **({"visibility": "public"} if is_public else {}),
        **({"properties": _map(properties)} if properties else {}),
    }
    return Same(
        kamaki=command(
            "kamaki image register", ("--name", name), ("--location", unquote(location) or Raw("LOCATION")),
            *(("-p", f"{key}={value}") for key, value in properties.items()),
            "--public" if is_public else None, "--no-metafile-upload",
        ),
        openstack="\n".join([
            _UPLOADS.format("openstack"),
            command(
                "openstack image create", ("--file", file), ("--disk-format", shape),
                *(("--property", f"{key}={value}") for key, value in properties.items()),
                "--public" if is_public else "--private", positional(name),
            ),
        ]),
        terraform=_UPLOADS.format("Terraform")
        + "\n" + resource("openstack_images_image_v2", label_of(name, "image"), body),
    )  # fmt: skip


def _map(pairs: Mapping[str, str]) -> Raw:
    return Raw("{ " + ", ".join(f"{key} = {hcl_string(value)}" for key, value in pairs.items()) + " }")
