"""Requests for volumes as kamaki, openstack and Terraform make them."""

from __future__ import annotations

from synnefo.common.caller import Caller
from synnefo.common.same_request import Raw, Same, Value, command, label_of, positional, resource
from synnefo.cyclades.volumes.models import Volume

_OPTIONS = {
    Volume.Source.IMAGE: ("--image", "image_id"),
    Volume.Source.SNAPSHOT: ("--snapshot", "snapshot_id"),
}


def create_volume(
    caller: Caller, *, name: str, size_gib: str, source: Volume.Source, source_uuid: str
) -> Same:
    """``size_gib`` is what was typed."""
    option, argument = _OPTIONS.get(source, ("", ""))
    shared = None if caller.project == caller.user else ("--project-id", caller.project)
    size = size_gib or Raw("SIZE")
    body: dict[str, Value] = {
        "name": name,
        "size": Raw(size),
        **({argument: source_uuid} if argument else {}),
    }
    return Same(
        kamaki=command(
            "kamaki volume create", ("--name", name), ("--size", size),
            (f"{option}-id", source_uuid) if option else None, shared,
        ),
        openstack=command(
            "openstack volume create", ("--size", size), (option, source_uuid) if option else None,
            positional(name),
        ),
        terraform=resource("openstack_blockstorage_volume_v3", label_of(name, "volume"), body),
    )  # fmt: skip
