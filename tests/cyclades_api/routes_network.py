"""Every route of network v2.0 with a call of it."""

from __future__ import annotations

from tests.cyclades_api.route import Case, open_to_all, own

# fmt: off
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
    own("network", "GET", "/v2.0/quotas/{project_id}", other=403, admin=200),
    own("network", "GET", "/v2.0/quotas/{project_id}/details", other=403, admin=200),
    own("network", "GET", "/v2.0/quotas/{project_id}/details.json", other=403, admin=200),
    open_to_all("network", "/v2.0/availability_zones"),
    open_to_all("network", "/v2.0/network-ip-availabilities"),
    own("network", "GET", "/v2.0/network-ip-availabilities/{network_id}"),
    open_to_all("network", "/v2.0/routers"),
    Case(
        "network", "POST", "/v2.0/routers", "network/v2.0/routers", 201, other=201,
        body={"router": {"name": "r", "external_gateway_info": {"network_id": "{public}"}}},
    ),
    own("network", "GET", "/v2.0/routers/{router_id}"),
    own("network", "PUT", "/v2.0/routers/{router_id}", body={"router": {"name": "x", "routes": []}}),
    own("network", "DELETE", "/v2.0/routers/{router_id}", 204, path="/v2.0/routers/{spare_router}"),
    own("network", "PUT", "/v2.0/routers/{router_id}/add_router_interface", body={"subnet_id": "{subnet}"}),
    own(
        "network", "PUT", "/v2.0/routers/{router_id}/remove_router_interface",
        body={"subnet_id": "{routed_subnet}"},
    ),
    own(
        "network", "PUT", "/v2.0/routers/{router_id}/add_extraroutes",
        body={"router": {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.77.0.9"}]}},
    ),
    own(
        "network", "PUT", "/v2.0/routers/{router_id}/remove_extraroutes",
        body={"router": {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.77.0.9"}]}},
    ),
    open_to_all("network", "/v2.0/security-groups"),
    Case(
        "network", "POST", "/v2.0/security-groups", "network/v2.0/security-groups", 201, other=201,
        body={"security_group": {"name": "g", "description": "words"}},
    ),
    own("network", "GET", "/v2.0/security-groups/{group_id}"),
    own("network", "PUT", "/v2.0/security-groups/{group_id}", body={"security_group": {"name": "x"}}),
    own("network", "DELETE", "/v2.0/security-groups/{group_id}", 204),
    open_to_all("network", "/v2.0/security-group-rules"),
    Case(
        "network", "POST", "/v2.0/security-group-rules", "network/v2.0/security-group-rules", 201,
        body={
            "security_group_rule": {
                "security_group_id": "{group}", "direction": "ingress", "protocol": "tcp",
                "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "192.0.2.0/24",
            }
        },
    ),
    own("network", "GET", "/v2.0/security-group-rules/{rule_id}"),
    own("network", "DELETE", "/v2.0/security-group-rules/{rule_id}", 204),
]
