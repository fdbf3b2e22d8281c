"""What a guest is told at its first boot, on a small CD in cloud-init's NoCloud layout.

Owns the documents: ``meta-data`` (identity, SSH keys), ``user-data`` (the user's own bytes, untouched),
``vendor-data`` (the password: cloud-init lets the user's own data win over it) and ``network-config``.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pycdlib

from synnefo.cyclades.backends.base import InstanceSpec


def documents(spec: InstanceSpec) -> dict[str, bytes]:
    """The files of the seed by name. JSON is YAML, and quotes every value safely."""
    guest = spec.guest
    meta: dict[str, object] = {
        "instance-id": guest.instance_id,
        "local-hostname": guest.hostname,
        "public-keys": list(guest.ssh_keys),
        "meta": dict(guest.metadata),
    }
    vendor: dict[str, object] = {}
    if guest.admin_password is not None:
        vendor = {"password": guest.admin_password, "chpasswd": {"expire": False}, "ssh_pwauth": True}
    settings = b"#cloud-config\n" + _yaml(vendor)
    return {
        "meta-data": _yaml(meta),
        "user-data": guest.user_data or settings,
        "vendor-data": settings,
        "network-config": _yaml({"version": 2, "ethernets": _ethernets(spec)}),
    }


def write(file: Path, spec: InstanceSpec) -> None:
    """Write the CD as a whole; it replaces an older one."""
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=4, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for name, content in documents(spec).items():
        iso_path = f"/{name.upper().replace('-', '_')}.;1"
        disc.add_fp(io.BytesIO(content), len(content), iso_path, rr_name=name, joliet_path=f"/{name}")
    draft = file.with_name(f".{file.name}.new")
    disc.write(str(draft))
    disc.close()
    draft.chmod(0o600)
    draft.rename(file)


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
