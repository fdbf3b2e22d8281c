"""Every route of Synnefo's facade with a call of it, and what different people get for that call."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.cyclades_synnefo.conftest import PUBLIC_KEY


@dataclasses.dataclass(frozen=True)
class Case:
    """``path`` and the texts in ``body`` are templates over the world's ids. ``other`` is somebody else."""

    method: str
    route: str
    path: str
    member: int = 200
    other: int = 404
    body: Any = None
    public: bool = False
    #: What an administrator is answered, if not what others are.
    admin: int | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"


_ANYBODY = "22222222-2222-4333-8444-555555555555"
_NAMES = {
    "flavor_id": "{flavor}", "server_id": "{server}", "network_id": "{network}", "subnet_id": "{subnet}",
    "port_id": "{port}", "floating_id": "{floating}", "image_id": "{own_image}", "key": "colour",
    "volume_id": "{volume}", "key_id": "{key_id}", "secret_id": _ANYBODY, "name": "key",
    "alias": "x", "tag": "blue", "member": _ANYBODY,
}  # fmt: skip


def own(method: str, route: str, member: int = 200, *, path: str = "", **more: Any) -> Case:
    """A call on something of alice's; parameters of the route are filled with her ids."""
    if not path:
        path = route
        for parameter, value in _NAMES.items():
            path = path.replace(f"{{{parameter}}}", value)
    others_own = 403 if "{image_id}" in route else 404  # files and what is made of them are told to be there
    return Case(method, route, path, member, **{"other": others_own, **more})


def to_all(route: str, member: int = 200, *, method: str = "GET", **more: Any) -> Case:
    return own(method, route, member, other=member, **more)


_C, _N = "compute/v2.0", "network/v2.0"
_SERVER = f"{_C}/servers/{{server_id}}"


def _of_image(version: str) -> list[Case]:
    base = f"image/{version}/images"
    return [
        to_all(base),
        to_all(f"{base}/detail"),
        own("HEAD", f"{base}/{{image_id}}"),
        own("GET", f"{base}/{{image_id}}"),
        to_all(base, 400, method="POST"),
        own("PUT", f"{base}/{{image_id}}"),
        own("GET", f"{base}/{{image_id}}/members"),
        own("PUT", f"{base}/{{image_id}}/members", 204, body={"memberships": [{"member_id": _ANYBODY}]}),
        own("PUT", f"{base}/{{image_id}}/members/{{member}}", 204),
        own("DELETE", f"{base}/{{image_id}}/members/{{member}}", 204),
        to_all(f"image/{version}/shared-images/{{member}}"),
        own("DELETE", f"{base}/{{image_id}}", 204),
    ]


def _of_volume(version: str) -> list[Case]:
    base, snapshots = f"volume/{version}", f"volume/{version}/snapshots"
    volume, snapshot = f"{base}/volumes/{{volume_id}}", f"{snapshots}/{{snapshot_id}}"

    def free(method: str, route: str, member: int = 200, **more: Any) -> Case:
        path = route.replace("{volume_id}", "{spare_volume}").replace("{key}", "colour")
        return Case(method, route, path, member, **more)

    def kept(method: str, route: str, member: int = 200, **more: Any) -> Case:
        path = route.replace("{snapshot_id}", "{snapshot}").replace("{key}", "os")
        return Case(method, route, path, member, other=403, **more)

    new = {"volume": {"size": 1, "display_name": "new", "server_id": "{server}"}}
    metadata = {"metadata": {"colour": "blue", "os": "linux"}}
    return [
        to_all(f"{base}/types"),
        Case("GET", f"{base}/types/{{type_id}}", f"{base}/types/{{type}}", other=200),
        to_all(f"{base}/volumes"),
        to_all(f"{base}/volumes/detail"),
        Case("POST", f"{base}/volumes", f"{base}/volumes", 202, other=400, body=new),
        free("GET", volume),
        free("PUT", volume, body={"volume": {"display_name": "new"}}),
        free("DELETE", volume, 202),
        free("POST", f"{volume}/action", body={"reassign": {"project": "{project}"}}),
        free("GET", f"{volume}/metadata"),
        free("POST", f"{volume}/metadata", body=metadata),
        free("PUT", f"{volume}/metadata", body=metadata),
        free("DELETE", f"{volume}/metadata/{{key}}"),
        to_all(snapshots),
        to_all(f"{snapshots}/detail"),
        Case("POST", snapshots, snapshots, 202, body={"snapshot": {"volume_id": "{spare_volume}"}}),
        kept("GET", snapshot),
        kept("PUT", snapshot, body={"snapshot": {"display_name": "new"}}),
        kept("DELETE", snapshot, 202),
        kept("GET", f"{snapshot}/metadata"),
        kept("POST", f"{snapshot}/metadata", body=metadata),
        kept("PUT", f"{snapshot}/metadata", body=metadata),
        kept("DELETE", f"{snapshot}/metadata/{{key}}"),
    ]


# fmt: off
CASES = [
    to_all("volume", public=True),
    to_all("compute", public=True),
    to_all("network", public=True),
    to_all("image", public=True),
    to_all(_C, public=True),
    to_all(_N),
    to_all(f"{_C}/extensions"),
    to_all(f"{_C}/extensions/{{alias}}", 404),
    to_all(f"{_C}/flavors"),
    to_all(f"{_C}/flavors/detail"),
    to_all(f"{_C}/flavors/{{flavor_id}}"),
    to_all(f"{_C}/flavors/{{flavor_id}}/os-extra_specs"),
    to_all(f"{_C}/images"),
    to_all(f"{_C}/images/detail"),
    to_all(f"{_C}/images", 501, method="POST"),
    own("GET", f"{_C}/images/{{image_id}}"),
    own("DELETE", f"{_C}/images/{{image_id}}", 204),
    own("GET", f"{_C}/images/{{image_id}}/metadata"),
    own("GET", f"{_C}/images/{{image_id}}/metadata/{{key}}", path=f"{_C}/images/{{own_image}}/metadata/os"),
    own("POST", f"{_C}/images/{{image_id}}/metadata", 201, body={"metadata": {"users": "root"}}),
    own(
        "PUT", f"{_C}/images/{{image_id}}/metadata/{{key}}", 201, body={"meta": {"os": "linux"}},
        path=f"{_C}/images/{{own_image}}/metadata/os",
    ),
    own(
        "DELETE", f"{_C}/images/{{image_id}}/metadata/{{key}}", 204,
        path=f"{_C}/images/{{own_image}}/metadata/os",
    ),
    to_all(f"{_C}/os-keypairs"),
    to_all(
        f"{_C}/os-keypairs", 201, method="POST",
        body={"keypair": {"name": "another", "public_key": PUBLIC_KEY}},
    ),
    own("GET", f"{_C}/os-keypairs/{{name}}"),
    own("DELETE", f"{_C}/os-keypairs/{{name}}", 204),
    to_all("userdata/keys"),
    to_all("userdata/keys", method="POST", body={"name": "third", "content": PUBLIC_KEY}),
    to_all("userdata/keys/generate", method="POST"),
    own("GET", "userdata/keys/{key_id}"),
    own("PUT", "userdata/keys/{key_id}", body={"name": "renamed"}),
    own("DELETE", "userdata/keys/{key_id}"),
    to_all("vmapi/v1.0/server-params/{secret_id}", 404, public=True),
    to_all("admin/stats", public=True),
    to_all("admin/stats/simple", public=True),
    to_all("admin/stats/detail", 403, admin=200),
    to_all(f"{_C}/servers"),
    to_all(f"{_C}/servers/detail"),
    own(
        "POST", f"{_C}/servers", 202,
        body={
            "server": {
                "name": "web-2", "imageRef": "{image}", "flavorRef": "{flavor}", "key_name": None,
                "networks": [{"uuid": "{network}", "fixed_ip": "10.0.0.77"}], "metadata": {"a": "b"},
                "user_data": "IyEvYmluL3NoCg==", "adminPass": "Secret-word-1", "shared_to_project": False,
            }
        },
    ),
    own("GET", _SERVER),
    own("PUT", _SERVER, 204, body={"server": {"name": "renamed"}}),
    own("DELETE", _SERVER, 204),
    own("POST", f"{_SERVER}/action", 202, body={"reboot": {"type": "SOFT"}}),
    own("GET", f"{_SERVER}/ips"),
    own("GET", f"{_SERVER}/ips/{{network_id}}"),
    own("GET", f"{_SERVER}/metadata"),
    own("POST", f"{_SERVER}/metadata", 201, body={"metadata": {"size": "big"}}),
    own("GET", f"{_SERVER}/metadata/{{key}}"),
    own("PUT", f"{_SERVER}/metadata/{{key}}", 201, body={"meta": {"colour": "red"}}),
    own("DELETE", f"{_SERVER}/metadata/{{key}}", 204),
    own("GET", f"{_SERVER}/diagnostics"),
    own("GET", f"{_SERVER}/password"),
    own("DELETE", f"{_SERVER}/password", 204),
    own("GET", f"{_SERVER}/stats", 501),
    own("GET", f"{_SERVER}/os-volume_attachments"),
    own(
        "POST", f"{_SERVER}/os-volume_attachments", 202,
        body={"volumeAttachment": {"volumeId": "{spare_volume}"}},
    ),
    own("GET", f"{_SERVER}/os-volume_attachments/{{volume_id}}"),
    own("DELETE", f"{_SERVER}/os-volume_attachments/{{volume_id}}", 400),
    own("GET", f"{_SERVER}/tags"),
    own("PUT", f"{_SERVER}/tags", body={"tags": ["red", "round"]}),
    own("DELETE", f"{_SERVER}/tags", 204),
    own("GET", f"{_SERVER}/tags/{{tag}}", 204),
    own("PUT", f"{_SERVER}/tags/{{tag}}", 201, path=f"{_SERVER}/tags/new".replace("{server_id}", "{server}")),
    own("DELETE", f"{_SERVER}/tags/{{tag}}", 204),
    to_all(f"{_C}/os-floating-ips"),
    to_all(f"{_C}/os-floating-ips", method="POST"),
    own("GET", f"{_C}/os-floating-ips/{{floating_id}}"),
    own(
        "DELETE", f"{_C}/os-floating-ips/{{floating_id}}", 204,
        path=f"{_C}/os-floating-ips/{{spare_floating}}",
    ),
    to_all(f"{_N}/networks"),
    to_all(f"{_N}/networks/detail"),
    to_all(
        f"{_N}/networks", 201, method="POST",
        body={"network": {"type": "MAC_FILTERED", "name": "n", "admin_state_up": True}},
    ),
    own("GET", f"{_N}/networks/{{network_id}}"),
    own("PUT", f"{_N}/networks/{{network_id}}", body={"network": {"name": "x"}}),
    own("DELETE", f"{_N}/networks/{{network_id}}", 204, path=f"{_N}/networks/{{spare_network}}"),
    own("POST", f"{_N}/networks/{{network_id}}/action", body={"reassign": {"project": "{project}"}}),
    to_all(f"{_N}/subnets"),
    to_all(f"{_N}/subnets/detail"),
    own(
        "POST", f"{_N}/subnets", 201,
        body={
            "subnet": {
                "network_id": "{spare_network}", "cidr": "10.9.0.0/24", "ip_version": 4, "name": "s",
                "gateway_ip": "10.9.0.254", "enable_dhcp": True, "dns_nameservers": ["192.0.2.53"],
                "allocation_pools": [{"start": "10.9.0.10", "end": "10.9.0.99"}],
            }
        },
    ),
    own("GET", f"{_N}/subnets/{{subnet_id}}"),
    own("PUT", f"{_N}/subnets/{{subnet_id}}", body={"subnet": {"name": "x"}}),
    own("DELETE", f"{_N}/subnets/{{subnet_id}}", 400),
    to_all(f"{_N}/ports"),
    to_all(f"{_N}/ports/detail"),
    own(
        "POST", f"{_N}/ports", 201,
        body={"port": {"network_id": "{network}", "name": "p", "fixed_ips": [{"ip_address": "10.0.0.88"}]}},
    ),
    own("GET", f"{_N}/ports/{{port_id}}"),
    own("PUT", f"{_N}/ports/{{port_id}}", body={"port": {"name": "x"}}),
    own("DELETE", f"{_N}/ports/{{port_id}}", 204, path=f"{_N}/ports/{{spare_port}}"),
    to_all(f"{_N}/floatingips"),
    to_all(f"{_N}/floatingips/detail"),
    to_all(
        f"{_N}/floatingips", method="POST",
        body={"floatingip": {"floating_network_id": "{public}", "shared_to_project": False}},
    ),
    own("GET", f"{_N}/floatingips/{{floating_id}}"),
    own("PUT", f"{_N}/floatingips/{{floating_id}}", 501, body={"floatingip": {}}),
    own("DELETE", f"{_N}/floatingips/{{floating_id}}", 204, path=f"{_N}/floatingips/{{spare_floating}}"),
    own("POST", f"{_N}/floatingips/{{floating_id}}/action", body={"reassign": {"project": "{project}"}}),
    *_of_image("v1.0"),
    *_of_image("v1"),
    *_of_volume("v2.0"),
    *_of_volume("v2"),
]
# fmt: on


def filled(value: Any, ids: dict[str, Any]) -> Any:
    """A body with the ids in the place of their names."""
    if isinstance(value, dict):
        return {key: filled(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    return value.format(**ids) if isinstance(value, str) and value.startswith("{") else value
