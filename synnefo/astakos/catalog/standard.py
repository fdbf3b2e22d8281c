"""What this cloud consists of: its components, services, endpoints and resources.

A service is in the catalog as soon as it has an endpoint; so only what is really served has one.
"""

from __future__ import annotations

from django.conf import settings

from synnefo.astakos.catalog import rules
from synnefo.astakos.catalog.listing import PROJECT
from synnefo.astakos.catalog.models import Service
from synnefo.astakos.catalog.rules import EndpointDefinition, ResourceDefinition, ServiceDefinition
from synnefo.common.caller import system_caller
from synnefo.common.transactions import atomic

SYNNEFO, OPENSTACK = Service.Catalog.SYNNEFO, Service.Catalog.OPENSTACK


def register_standard() -> None:
    """Write down the standard services; doing it again brings them up to date."""
    caller = system_caller("set-up")
    with atomic():
        for name, services in _definitions().items():
            component = rules.register_component(caller, name, ui_url="/ui")
            for service in services:
                rules.register_service(caller, component, service)


def _definitions() -> dict[str, tuple[ServiceDefinition, ...]]:
    definitions = {
        "astakos": _astakos(f"/{settings.ASTAKOS_BASE_PATH}"),
        "cyclades": _cyclades(f"/{settings.CYCLADES_BASE_PATH}"),
    }
    if "pithos" in settings.SYNNEFO_SERVICES:
        definitions["pithos"] = _pithos(f"/{settings.PITHOS_BASE_PATH}")
    return definitions


def _astakos(base: str) -> tuple[ServiceDefinition, ...]:
    return (
        ServiceDefinition(
            "astakos_account",
            "account",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/account/v1.0", "v1.0"),),
            (
                ResourceDefinition(
                    "astakos.pending_app", "Number of pending project applications", visible=False
                ),
            ),
        ),
        ServiceDefinition(
            "astakos_identity", "identity", SYNNEFO, (_synnefo_endpoint(f"{base}/identity/v2.0", "v2.0"),)
        ),
        ServiceDefinition("keystone", "identity", OPENSTACK, (EndpointDefinition(f"{base}/identity"),)),
    )


def _cyclades(base: str) -> tuple[ServiceDefinition, ...]:
    return (
        ServiceDefinition(
            "cyclades_compute",
            "compute",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/compute/v2.0", "v2.0"),),
            _COMPUTE_RESOURCES,
        ),
        ServiceDefinition(
            "cyclades_network",
            "network",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/network", "v2.0", exposed=False),),
            _NETWORK_RESOURCES,
        ),
        ServiceDefinition(
            "cyclades_plankton",
            "image",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/image", "v1.0", exposed=False),),
        ),
        ServiceDefinition(
            "nova", "compute", OPENSTACK, (EndpointDefinition(f"{base}/openstack/compute/v2.1"),)
        ),
        ServiceDefinition(
            "neutron", "network", OPENSTACK, (EndpointDefinition(f"{base}/openstack/network"),)
        ),
        ServiceDefinition("glance", "image", OPENSTACK, (EndpointDefinition(f"{base}/openstack/image"),)),
    )


def _pithos(base: str) -> tuple[ServiceDefinition, ...]:
    return (
        ServiceDefinition(
            "pithos_object-store",
            "object-store",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/object-store/v1", "v1"),),
            (ResourceDefinition("pithos.diskspace", "Space of stored objects", "bytes"),),
        ),
        ServiceDefinition(
            "swift",
            "object-store",
            OPENSTACK,
            (EndpointDefinition(f"{base}/object-store/swift/v1/AUTH_{PROJECT}"),),
        ),
    )


def _synnefo_endpoint(url: str, version: str, *, exposed: bool = True) -> EndpointDefinition:
    """``exposed``: the URL ends in the version; otherwise clients append it."""
    return EndpointDefinition(url, {"versionId": version, "SNF:exposeVersion": str(exposed)})


_COMPUTE_RESOURCES = (
    ResourceDefinition("cyclades.vm", "Number of virtual machines"),
    ResourceDefinition("cyclades.total_cpu", "Number of processors of all virtual machines", visible=False),
    ResourceDefinition("cyclades.cpu", "Number of processors of running virtual machines"),
    ResourceDefinition("cyclades.total_ram", "Memory of all virtual machines", "bytes", visible=False),
    ResourceDefinition("cyclades.ram", "Memory of running virtual machines", "bytes"),
    ResourceDefinition("cyclades.disk", "Disk space of virtual machines", "bytes"),
)
_NETWORK_RESOURCES = (
    ResourceDefinition("cyclades.network.private", "Number of private networks"),
    ResourceDefinition("cyclades.floating_ip", "Number of floating IP addresses"),
)
