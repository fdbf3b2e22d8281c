"""What an installation must tell about a Ganeti cluster: how to reach it and how to make instances.

Owns plain settings only; it opens nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from synnefo.cyclades.backends.base import InstanceSpec, Nic

#: What snf-image calls the formats of ``DiskImage``; others go by their own name.
_IMAGE_FORMATS = {"raw": "diskdump"}


@dataclasses.dataclass(frozen=True)
class GanetiConfig:
    """One cluster.

    ``url``: of RAPI, ``https://master.example.org:5080``. ``ca``: the certificate, or its authority, to
    trust instead of the system's. ``verify=False`` turns the check of the certificate off (and allows
    plain HTTP): for closed networks only.

    ``prefix``: the instances and networks of this installation; others on the cluster are not seen.

    ``create_options``: further parameters of Ganeti's instance creation, such as ``pnode``,
    ``iallocator`` or ``opportunistic_locking``. ``osparams``: further parameters of the OS definition;
    with ``image_osparams`` it is also given the image in snf-image's words (``img_id``, ``img_format``,
    and ``img_passwd`` as a secret).

    ``network_mode``, ``network_link``: how networks without a link of their own are connected to node
    groups; ``{name}`` in the link is replaced by the network's name. ``dhcp_tag`` marks networks whose nodes
    answer DHCP.
    """

    url: str
    username: str
    password: str = dataclasses.field(repr=False)
    prefix: str = "snf-"
    ca: Path | None = None
    verify: bool = True

    connect_timeout_s: float = 5
    read_timeout_s: float = 30
    max_connections: int = 8
    network_timeout_s: float = 60
    job_poll_s: float = 1
    state_poll_s: float = 5

    os_type: str = "snf-image+default"
    hypervisor: str = "kvm"
    disk_template: str = "drbd"
    hvparams: Mapping[str, object] = dataclasses.field(default_factory=dict)
    osparams: Mapping[str, str] = dataclasses.field(default_factory=dict)
    image_osparams: bool = True
    create_options: Mapping[str, object] = dataclasses.field(default_factory=dict)

    network_mode: str = "bridged"
    network_link: str = "br0"
    dhcp_tag: str = "nfdhcpd"

    def __post_init__(self) -> None:
        if not self.url.startswith("https://") and (self.verify or not self.url.startswith("http://")):
            raise ValueError(f"RAPI's address {self.url!r} must start with https://")
        if not self.prefix.endswith("-"):
            raise ValueError(f"The prefix {self.prefix!r} must end with a dash")

    def creation_of(self, spec: InstanceSpec) -> dict[str, object]:
        """The body of the request that creates ``spec``."""
        disks = [] if self.disk_template == "diskless" else _disks(spec)
        nics = [self.card_of(nic) for nic in spec.nics]
        memory = dict.fromkeys(("minmem", "maxmem"), spec.ram_mib)
        return {
            "__version__": 1,
            "mode": "create",
            "name": spec.name,
            "disk_template": self.disk_template,
            "disks": disks,
            "nics": nics,
            "ip_check": False,
            "name_check": False,
            "wait_for_sync": False,
            "beparams": {"auto_balance": True, "vcpus": spec.vcpus, **memory},
            "hypervisor": self.hypervisor,
            "hvparams": dict(self.hvparams),
            "os": self.os_type,
            **self._os_parameters(spec),
            **self.create_options,
        }

    def card_of(self, nic: Nic) -> dict[str, object]:
        """A card as requests describe it."""
        address = {"ip": nic.ip} if nic.ip is not None else {}
        return {"name": nic.name, "network": nic.network, "mac": nic.mac, **address}

    def _os_parameters(self, spec: InstanceSpec) -> dict[str, object]:
        osparams = dict(self.osparams)
        secret = {}
        if self.image_osparams:
            osparams["img_id"] = "null" if spec.image is None else f"file://{spec.image.path}"
            if spec.image is not None:
                osparams["img_format"] = _IMAGE_FORMATS.get(spec.image.kept_format, spec.image.kept_format)
            if spec.guest.admin_password is not None:
                secret["img_passwd"] = spec.guest.admin_password
        return {"osparams": osparams, "osparams_secret": secret}


def _disks(spec: InstanceSpec) -> list[dict[str, object]]:
    """The first one's content is the OS definition's to make."""
    if not spec.volumes:
        return [{"size": spec.disk_gib * 1024}]
    return [{"size": volume.size_gib * 1024, "name": volume.name} for volume in spec.volumes]
