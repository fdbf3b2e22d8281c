"""What this cloud consists of: its components, services, endpoints and resources.

A service is in the catalog as soon as it has an endpoint; so only what is really served has one.
"""

from __future__ import annotations

from collections.abc import Container

from django.conf import settings

from synnefo.astakos.catalog import rules
from synnefo.astakos.catalog.listing import PROJECT, S3
from synnefo.astakos.catalog.models import Service
from synnefo.astakos.catalog.rules import EndpointDefinition, ResourceDefinition, ServiceDefinition
from synnefo.common.caller import system_caller
from synnefo.common.transactions import atomic

SYNNEFO, OPENSTACK = Service.Catalog.SYNNEFO, Service.Catalog.OPENSTACK


def register_standard(names: Container[str] | None = None) -> None:
    """Write down the standard services, or those of some components; again brings them up to date."""
    caller = system_caller("set-up")
    chosen = {name: services for name, services in here().items() if names is None or name in names}
    with atomic():
        for name, services in chosen.items():
            component = rules.register_component(caller, name, ui_url="/ui")
            for service in services:
                rules.register_service(caller, component, service)


def here() -> dict[str, tuple[ServiceDefinition, ...]]:
    """The services of each component of this very cloud, at paths."""
    bases = {
        "astakos": settings.ASTAKOS_BASE_PATH,
        "cyclades": settings.CYCLADES_BASE_PATH,
        "pithos": settings.PITHOS_BASE_PATH,
    }
    if "pithos" not in settings.SYNNEFO_SERVICES:
        del bases["pithos"]
    return {name: COMPONENTS[name](f"/{base}".rstrip("/")) for name, base in bases.items()}


def _astakos(base: str) -> tuple[ServiceDefinition, ...]:
    return (
        ServiceDefinition(
            "astakos_weblogin", "astakos_weblogin", SYNNEFO, (_synnefo_endpoint(f"{base}/weblogin", ""),)
        ),
        ServiceDefinition(
            "astakos_account",
            "account",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/account/v1.0", "v1.0"),),
            (_hidden("astakos.pending_app", "Number of pending project applications"),),
        ),
        ServiceDefinition(
            "astakos_oauth2", "astakos_auth", SYNNEFO, (_synnefo_endpoint(f"{base}/oauth2", ""),)
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
            "cyclades_volume",
            "volume",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/volume", "v2.0", exposed=False),),
        ),
        ServiceDefinition(
            "cyclades_plankton",
            "image",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/image", "v1.0", exposed=False),),
        ),
        ServiceDefinition(
            "cyclades_vmapi", "vmapi", SYNNEFO, (_synnefo_endpoint(f"{base}/vmapi/v1.0", "v1.0"),)
        ),
        ServiceDefinition("cyclades_admin", "admin", SYNNEFO, (_synnefo_endpoint(f"{base}/admin", ""),)),
        ServiceDefinition(
            "nova", "compute", OPENSTACK, (EndpointDefinition(f"{base}/openstack/compute/v2.1"),)
        ),
        ServiceDefinition(
            "neutron", "network", OPENSTACK, (EndpointDefinition(f"{base}/openstack/network"),)
        ),
        ServiceDefinition("glance", "image", OPENSTACK, (EndpointDefinition(f"{base}/openstack/image"),)),
        *(
            ServiceDefinition(
                name, kind, OPENSTACK, (EndpointDefinition(f"{base}/openstack/volume/v3/{PROJECT}"),)
            )
            for name, kind in (("cinder", "block-storage"), ("cinderv3", "volumev3"))
        ),
    )


def _pithos(base: str) -> tuple[ServiceDefinition, ...]:
    return (
        ServiceDefinition(
            "pithos_object-store",
            "object-store",
            SYNNEFO,
            (_synnefo_endpoint(f"{base}/object-store/v1", "v1"),),
            (ResourceDefinition("pithos.diskspace", "Pithos account diskspace", "bytes"),),
        ),
        ServiceDefinition(
            "swift",
            "object-store",
            OPENSTACK,
            (EndpointDefinition(f"{base}/object-store/swift/v1/AUTH_{PROJECT}"),),
        ),
        *_s3(),
    )


def _s3() -> tuple[ServiceDefinition, ...]:
    """Where S3 is spoken, if it is."""
    if not (settings.PITHOS_S3_LISTEN or settings.PITHOS_S3_PUBLIC_URL):
        return ()
    return (ServiceDefinition("s3", "s3", OPENSTACK, (EndpointDefinition(S3),)),)


def _synnefo_endpoint(url: str, version: str, *, exposed: bool = True) -> EndpointDefinition:
    """``exposed``: the URL ends in the version; otherwise clients append it."""
    return EndpointDefinition(url, {"versionId": version, "SNF:exposeVersion": str(exposed)})


def _hidden(name: str, description: str, unit: str = "") -> ResourceDefinition:
    return ResourceDefinition(name, description, unit, api_visible=False, ui_visible=False)


_COMPUTE_RESOURCES = (
    ResourceDefinition("cyclades.vm", "Number of virtual machines"),
    _hidden("cyclades.total_cpu", "Number of virtual machine processors"),
    ResourceDefinition("cyclades.cpu", "Number of virtual machine processors of running servers"),
    _hidden("cyclades.total_ram", "Virtual machine memory size", "bytes"),
    ResourceDefinition("cyclades.ram", "Virtual machine memory size of running servers", "bytes"),
    ResourceDefinition("cyclades.disk", "Virtual machine disk size", "bytes"),
)
_NETWORK_RESOURCES = (
    ResourceDefinition("cyclades.network.private", "Number of private networks"),
    ResourceDefinition("cyclades.floating_ip", "Number of Floating IP addresses"),
)

#: What each component offers below a base address.
COMPONENTS = {"astakos": _astakos, "cyclades": _cyclades, "pithos": _pithos}
