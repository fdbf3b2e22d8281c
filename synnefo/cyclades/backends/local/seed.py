"""What a guest is told at its first boot, on small CDs: cloud-init's NoCloud, and OpenStack's "config drive".

Owns the discs and NoCloud's documents: ``meta-data`` (identity, SSH keys), ``user-data`` (the user's own
bytes, untouched), ``vendor-data`` (the password and files: cloud-init lets the user's own data win over
it) and ``network-config``. Those of the configuration drive are ``guest_documents``'.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pycdlib

from synnefo.cyclades.backends.base import GuestSetup, InstanceSpec
from synnefo.cyclades.backends.local import guest_documents
from synnefo.cyclades.backends.local.guest_documents import Guest, Tree


def documents(spec: InstanceSpec, guest: GuestSetup) -> dict[str, bytes]:
    """The files of the seed by name. JSON is YAML, and quotes every value safely."""
    meta: dict[str, object] = {
        "instance-id": guest.instance_id,
        "local-hostname": guest.hostname,
        "public-keys": list(guest.ssh_keys),
        "meta": dict(guest.metadata),
    }
    if guest.availability_zone:
        meta["availability-zone"] = guest.availability_zone
    settings = b"#cloud-config\n" + _yaml(_settings(guest))
    return {
        "meta-data": _yaml(meta),
        "user-data": guest.user_data or settings,
        "vendor-data": settings,
        "network-config": _yaml({"version": 2, "ethernets": _ethernets(spec)}),
    }


def write(file: Path, spec: InstanceSpec, guest: GuestSetup | None = None) -> None:
    """Write the seed as a whole; it replaces an older one. ``guest`` is told instead of the spec's."""
    _write_disc(file, "cidata", documents(spec, guest or spec.guest))


def write_config_drive(file: Path, spec: InstanceSpec) -> None:
    """Write a configuration drive as a whole; it replaces an older one."""
    _write_disc(file, "config-2", guest_documents.config_drive(Guest.of(spec)))


def _settings(guest: GuestSetup) -> dict[str, object]:
    """The password and the files, in cloud-init's words."""
    found: dict[str, object] = {}
    if guest.admin_password is not None:
        found = {"password": guest.admin_password, "chpasswd": {"expire": False}, "ssh_pwauth": True}
    if guest.files:
        found["write_files"] = [
            {
                "path": file.path,
                "encoding": "b64",
                "content": base64.b64encode(file.content).decode(),
                "owner": f"{file.owner}:{file.group}",
                "permissions": f"0{file.mode:o}",
            }
            for file in guest.files
        ]
    return found


def _write_disc(file: Path, label: str, tree: Tree) -> None:
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident=label)
    _add(disc, "", "", tree)
    draft = file.with_name(f".{file.name}.new")
    disc.write(str(draft))
    disc.close()
    draft.chmod(0o600)
    draft.rename(file)


def _add(disc: pycdlib.PyCdlib, where: str, plain_where: str, tree: Tree) -> None:
    """Add a directory's entries. ``plain_where`` is its path in names that plain ISO 9660 allows."""
    for name, node in tree.items():
        plain = f"{plain_where}/{name.upper().replace('-', '_')}"
        if isinstance(node, dict):
            disc.add_directory(plain, rr_name=name, joliet_path=f"{where}/{name}")
            _add(disc, f"{where}/{name}", plain, node)
        else:
            content = node.encode() if isinstance(node, str) else node
            file = io.BytesIO(content)
            joliet_path = f"{where}/{name}"
            disc.add_fp(file, len(content), f"{plain}.;1", rr_name=name, joliet_path=joliet_path)


def _ethernets(spec: InstanceSpec) -> dict[str, object]:
    """Cards keep their order and name whatever slot they are in; only the first may hold up the boot."""
    return {
        f"eth{index}": {
            "match": {"macaddress": nic.mac},
            "set-name": f"eth{index}",
            "dhcp4": True,
            "optional": index > 0,
        }
        for index, nic in enumerate(spec.nics)
    }


def _yaml(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
