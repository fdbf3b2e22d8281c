"""Every route of compute v2.1 with a call of it."""

from __future__ import annotations

from tests.cyclades_api.conftest import PUBLIC_KEY
from tests.cyclades_api.route import Case, open_to_all, own

_SERVER = "/v2.1/servers/{server_id}"
_FLAVOR = "/v2.1/flavors/{flavor"
_VOLUME = f"{_SERVER}/os-volume_attachments"
_GROUP = "/v2.1/os-server-groups"

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
                "personality": [{"path": "/etc/motd", "contents": "aGVsbG8K"}], "config_drive": True,
                "accessIPv4": "192.0.2.1", "accessIPv6": "2001:db8::1", "OS-DCF:diskConfig": "AUTO",
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
    *(
        own("compute", method, f"{_SERVER}/tags", status, body=body, microversion="2.26")
        for method, status, body in (
            ("GET", 200, None),
            ("PUT", 200, {"tags": ["blue"]}),
            ("DELETE", 204, None),
        )
    ),
    *(
        own(
            "compute", method, f"{_SERVER}/tags/{{tag}}", 204, path="/v2.1/servers/{server}/tags/red",
            microversion="2.26",
        )
        for method in ("GET", "PUT", "DELETE")
    ),
    own(
        "compute", "POST", f"{_SERVER}/remote-consoles", microversion="2.6",
        body={"remote_console": {"protocol": "vnc", "type": "novnc"}},
    ),
    own("compute", "GET", f"{_SERVER}/migrations", 403, microversion="2.23"),
    own("compute", "GET", f"{_SERVER}/os-interface"),
    own("compute", "GET", f"{_SERVER}/os-interface/{{port_id}}"),
    own("compute", "GET", f"{_SERVER}/os-security-groups"),
    own("compute", "GET", f"{_SERVER}/os-instance-actions"),
    own("compute", "GET", f"{_SERVER}/os-instance-actions/{{request_id}}"),
    open_to_all("compute", "/v2.1/limits"),
    *(
        own("compute", "GET", f"/v2.1/os-quota-sets/{{project_id}}{part}", other=403, admin=200)
        for part in ("", "/defaults", "/detail")
    ),
    open_to_all(
        "compute", "/v2.1/os-quota-class-sets/{class_name}", "/v2.1/os-quota-class-sets/default",
        member=403, admin=200,
    ),
    Case(
        "compute", "PUT", "/v2.1/os-quota-class-sets/{class_name}",
        "compute/v2.1/os-quota-class-sets/default", 403, other=403, admin=403,
    ),
    open_to_all("compute", "/v2.1/os-availability-zone"),
    open_to_all("compute", "/v2.1/os-availability-zone/detail", member=403, admin=200),
    open_to_all("compute", "/v2.1/extensions"),
    open_to_all("compute", "/v2.1/extensions/{alias}", "/v2.1/extensions/servers"),
    own("compute", "GET", f"{_SERVER}/diagnostics"),
    own("compute", "GET", f"{_SERVER}/os-server-password"),
    own("compute", "DELETE", f"{_SERVER}/os-server-password", 204),
    own(
        "compute", "POST", f"{_SERVER}/os-interface", takes_nothing=True,
        body={"interfaceAttachment": {"net_id": "{network}", "fixed_ips": [{"ip_address": "10.0.0.66"}]}},
    ),
    own("compute", "DELETE", f"{_SERVER}/os-interface/{{port_id}}", 202),
    own("compute", "GET", f"{_SERVER}/os-volume_attachments"),
    own(
        "compute", "POST", f"{_SERVER}/os-volume_attachments",
        body={"volumeAttachment": {"volumeId": "{spare_volume}", "device": "/dev/vdz"}},
    ),
    *(
        own("compute", method, f"{_VOLUME}/{{volume_id}}", status, path=f"{_VOLUME}/{{volume}}".replace(
            "server_id", "server"
        ), body=body)
        for method, status, body in (
            ("GET", 200, None),
            ("PUT", 403, {"volumeAttachment": {"volumeId": "{spare_volume}"}}),
            ("DELETE", 202, None),
        )
    ),
    open_to_all("compute", "/v2.1/os-server-groups"),
    Case(
        "compute", "POST", "/v2.1/os-server-groups", "compute/v2.1/os-server-groups", other=200,
        body={"server_group": {"name": "apart", "policies": ["anti-affinity"]}},
    ),
    *(
        own("compute", method, f"{_GROUP}/{{group_id}}", status, path=f"{_GROUP}/{{server_group}}")
        for method, status in (("GET", 200), ("DELETE", 204))
    ),
    *(
        open_to_all("compute", f"/v2.1/{route}", f"/v2.1/{path or route}", member=403, admin=admin)
        for route, path, admin in (
            ("os-hypervisors", "", 200),
            ("os-hypervisors/detail", "", 200),
            ("os-hypervisors/statistics", "", 200),
            ("os-hypervisors/{hypervisor}", "os-hypervisors/{engine}", 200),
            ("os-hypervisors/{hypervisor}/uptime", "os-hypervisors/{engine}/uptime", 501),
            ("os-hypervisors/{hypervisor}/search", "os-hypervisors/mem/search", 200),
            ("os-hypervisors/{hypervisor}/servers", "os-hypervisors/mem/servers", 200),
            ("os-services", "", 200),
            ("os-hosts", "", 200),
            ("os-hosts/{host}", "os-hosts/memory", 200),
            ("os-aggregates", "", 200),
            ("os-migrations", "", 200),
            ("os-simple-tenant-usage", "", 200),
        )
    ),
    Case(
        "compute", "PUT", "/v2.1/os-services/{verb}", "compute/v2.1/os-services/disable", 403, other=403,
        admin=200, body={"host": "memory", "binary": "nova-compute"},
    ),
    own("compute", "GET", "/v2.1/os-simple-tenant-usage/{project_id}", other=403, admin=200),
]
# fmt: on
