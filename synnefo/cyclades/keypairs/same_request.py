"""Requests for key pairs as kamaki, openstack and Terraform make them."""

from __future__ import annotations

from synnefo.common.same_request import Raw, Same, command, label_of, positional, resource

_USUAL_FILE = Raw("~/.ssh/id_ed25519.pub")


def create_key(*, name: str, public_key: str) -> Same:
    """Keep a public key; without one, make a pair."""
    body = {"name": name, **({"public_key": public_key} if public_key else {})}
    terraform = resource("openstack_compute_keypair_v2", label_of(name, "key"), body)
    if public_key:
        return Same(
            kamaki=command("kamaki keypair upload", ("--key-name", name), ("--public-key", public_key)),
            openstack=command("openstack keypair create", ("--public-key", _USUAL_FILE), positional(name)),
            terraform=terraform,
        )
    file = positional(f"{label_of(name, 'key')}.pem")
    return Same(
        kamaki=command("kamaki keypair generate", ("--key-name", name)),
        openstack=command("openstack keypair create", positional(name), f"> {file}"),
        terraform=terraform,
    )
