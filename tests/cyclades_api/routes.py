"""Every route of the three APIs with a call of it, and what different people get for that call.

``other`` is a member of another project; an administrator is nobody special to other people's things.
"""

from __future__ import annotations

from typing import Any

from tests.cyclades_api.conftest import PUBLIC_KEY
from tests.cyclades_api.route import Case, open_to_all, own
from tests.cyclades_api.routes_image import IMAGE

_SERVER = "/v2.1/servers/{server_id}"
_FLAVOR = "/v2.1/flavors/{flavor"

# fmt: off
COMPUTE = [
    open_to_all("compute", "/", public=True),
    open_to_all("compute", "/v2.1", public=True),
    open_to_all("compute", "/v2.1/", public=True),
    open_to_all("compute", "/v2.1/flavors"),
    open_to_all("compute", "/v2.1/flavors/detail"),
    open_to_all("compute", f"{_FLAVOR}_id}}", f"{_FLAVOR}}}"),
    Case(
        "compute", "POST", "/v2.1/flavors", "compute/v2.1/flavors", 403, other=403, admin=200,
        body={
            "flavor": {
                "name": "new", "ram": 512, "vcpus": 1, "disk": 1, "id": "auto", "swap": 0,
                "OS-FLV-EXT-DATA:ephemeral": 0, "rxtx_factor": 1.0, "os-flavor-access:is_public": True,
            }
        },
    ),
    *(
        Case("compute", method, f"{_FLAVOR}_id}}{rest}", f"compute/v2.1/flavors/{{granted}}{there}", **more)
        for method, rest, there, more in (
            ("DELETE", "", "", {"member": 404, "admin": 202}),  # the administrator came first
            ("GET", "/os-extra_specs", "/os-extra_specs", {"admin": 200}),
            ("GET", "/os-extra_specs/{key}", "/os-extra_specs/said", {"admin": 200}),
            (
                "POST", "/os-extra_specs", "/os-extra_specs",
                {"member": 403, "admin": 200, "body": {"extra_specs": {"hw:cpu_policy": "shared"}}},
            ),
            (
                "PUT", "/os-extra_specs/{key}", "/os-extra_specs/said",
                {"member": 403, "admin": 200, "body": {"said": "otherwise"}},
            ),
            ("DELETE", "/os-extra_specs/{key}", "/os-extra_specs/said", {"member": 403, "admin": 200}),
            ("GET", "/os-flavor-access", "/os-flavor-access", {"admin": 200}),
            (
                "POST", "/action", "/action",
                {"member": 403, "admin": 200, "body": {"addTenantAccess": {"tenant": "{member}"}}},
            ),
        )
    ),
    open_to_all("compute", "/v2.1/os-keypairs"),
    Case(
        "compute", "POST", "/v2.1/os-keypairs", "compute/v2.1/os-keypairs", other=200,
        body={"keypair": {"name": "another", "public_key": PUBLIC_KEY}},
    ),
    own("compute", "GET", "/v2.1/os-keypairs/{path:name}", path="/v2.1/os-keypairs/key"),
    own("compute", "DELETE", "/v2.1/os-keypairs/{path:name}", 202, path="/v2.1/os-keypairs/key"),
    open_to_all("compute", "/v2.1/servers"),
    open_to_all("compute", "/v2.1/servers/detail"),
    Case(
        "compute", "POST", "/v2.1/servers", "compute/v2.1/servers", 202, other=400,
        body={
            "server": {
                "name": "web-2", "imageRef": "{image}", "flavorRef": "{flavor}",
                "networks": [{"uuid": "{network}", "fixed_ip": "10.0.0.77"}], "metadata": {"a": "b"},
                "user_data": "IyEvYmluL3NoCg==", "adminPass": "secret-1", "min_count": 1, "max_count": "1",
                "availability_zone": "nova", "security_groups": [{"name": "default"}],
                "block_device_mapping_v2": [
                    {
                        "uuid": "{image}", "source_type": "image", "destination_type": "local",
                        "boot_index": 0, "delete_on_termination": True,
                    }
                ],
            }
        },
    ),
    own("compute", "GET", _SERVER),
    own("compute", "PUT", _SERVER, body={"server": {"name": "renamed"}}),
    own("compute", "DELETE", _SERVER, 204),
    own("compute", "POST", f"{_SERVER}/action", 202, body={"reboot": {"type": "SOFT"}}),
    own("compute", "GET", f"{_SERVER}/metadata"),
    own("compute", "POST", f"{_SERVER}/metadata", body={"metadata": {"size": "big"}}),
    own("compute", "PUT", f"{_SERVER}/metadata", body={"metadata": {"size": "big"}}),
    own("compute", "GET", f"{_SERVER}/metadata/{{key}}"),
    own("compute", "PUT", f"{_SERVER}/metadata/{{key}}", body={"meta": {"colour": "red"}}),
    own("compute", "DELETE", f"{_SERVER}/metadata/{{key}}", 204),
    own("compute", "GET", f"{_SERVER}/ips"),
    own("compute", "GET", f"{_SERVER}/ips/{{path:network}}"),
    own("compute", "GET", f"{_SERVER}/os-interface"),
    own("compute", "GET", f"{_SERVER}/os-interface/{{port_id}}"),
    own("compute", "GET", f"{_SERVER}/os-security-groups"),
    own("compute", "GET", f"{_SERVER}/os-instance-actions"),
    own("compute", "GET", f"{_SERVER}/os-instance-actions/{{request_id}}"),
    open_to_all("compute", "/v2.1/limits"),
    own("compute", "GET", "/v2.1/os-quota-sets/{project_id}", other=403),
    own("compute", "GET", "/v2.1/os-quota-sets/{project_id}/detail", other=403),
    open_to_all("compute", "/v2.1/os-availability-zone"),
    open_to_all("compute", "/v2.1/os-availability-zone/detail", member=403, admin=200),
    open_to_all("compute", "/v2.1/extensions"),
    open_to_all("compute", "/v2.1/extensions/{alias}", "/v2.1/extensions/servers"),
]

NETWORK = [
    open_to_all("network", "/", public=True),
    open_to_all("network", "/v2.0", public=True),
    open_to_all("network", "/v2.0/", public=True),
    open_to_all("network", "/v2.0/networks"),
    Case(
        "network", "POST", "/v2.0/networks", "network/v2.0/networks", 201, other=201,
        body={"network": {"name": "another", "admin_state_up": True, "description": "words"}},
    ),
    own("network", "GET", "/v2.0/networks/{network_id}"),
    own("network", "PUT", "/v2.0/networks/{network_id}", body={"network": {"name": "x", "description": "y"}}),
    own("network", "DELETE", "/v2.0/networks/{network_id}", 204, path="/v2.0/networks/{spare_network}"),
    open_to_all("network", "/v2.0/subnets"),
    Case(
        "network", "POST", "/v2.0/subnets", "network/v2.0/subnets", 201,
        body={
            "subnet": {
                "network_id": "{spare_network}", "cidr": "10.9.0.0/24", "ip_version": 4, "name": "s",
                "gateway_ip": "10.9.0.254", "enable_dhcp": True, "dns_nameservers": ["192.0.2.53"],
                "allocation_pools": [{"start": "10.9.0.10", "end": "10.9.0.99"}], "host_routes": [],
            }
        },
    ),
    own("network", "GET", "/v2.0/subnets/{subnet_id}"),
    own(
        "network", "PUT", "/v2.0/subnets/{subnet_id}",
        body={"subnet": {"name": "x", "dns_nameservers": ["192.0.2.53"], "enable_dhcp": False}},
    ),
    own("network", "DELETE", "/v2.0/subnets/{subnet_id}", 409),
    open_to_all("network", "/v2.0/ports"),
    Case(
        "network", "POST", "/v2.0/ports", "network/v2.0/ports", 201,
        body={
            "port": {
                "network_id": "{network}", "name": "p", "description": "words", "admin_state_up": True,
                "fixed_ips": [{"subnet_id": "{subnet}", "ip_address": "10.0.0.88"}],
            }
        },
    ),
    own("network", "GET", "/v2.0/ports/{port_id}"),
    own("network", "PUT", "/v2.0/ports/{port_id}", body={"port": {"name": "x", "description": "y"}}),
    own("network", "DELETE", "/v2.0/ports/{port_id}", 204, path="/v2.0/ports/{spare_port}"),
    open_to_all("network", "/v2.0/floatingips"),
    Case(
        "network", "POST", "/v2.0/floatingips", "network/v2.0/floatingips", 201,
        body={
            "floatingip": {
                "floating_network_id": "{public}", "port_id": "{spare_port}", "description": "words",
                "floating_ip_address": "198.18.0.200",
            }
        },
    ),
    own("network", "GET", "/v2.0/floatingips/{floating_id}"),
    own(
        "network", "PUT", "/v2.0/floatingips/{floating_id}",
        body={"floatingip": {"port_id": "{spare_port}", "description": "words"}},
    ),
    own("network", "DELETE", "/v2.0/floatingips/{floating_id}", 204),
    open_to_all("network", "/v2.0/extensions"),
    open_to_all("network", "/v2.0/extensions/{alias}", "/v2.0/extensions/quotas"),
    own("network", "GET", "/v2.0/quotas/{project_id}", other=403),
    own("network", "GET", "/v2.0/quotas/{project_id}/details", other=403),
    own("network", "GET", "/v2.0/quotas/{project_id}/details.json", other=403),
    open_to_all("network", "/v2.0/availability_zones"),
    open_to_all("network", "/v2.0/security-groups"),
    open_to_all("network", "/v2.0/security-group-rules"),
]
# fmt: on

CASES = [*COMPUTE, *NETWORK, *IMAGE]


def filled(template: Any, ids: dict[str, str]) -> Any:
    """A body with the world's ids in it."""
    if isinstance(template, str):
        return template.format(**ids)
    if isinstance(template, dict):
        return {key: filled(value, ids) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    return template
