"""What compute v2.1 lets clients send about servers, and what of that this cloud has. Shapes only."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from synnefo.common.faults import BadRequest
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest

ZONE = "nova"
DISK_CONFIG = "AUTO"
GROUP = "default"

MetadataKey = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\-_:. ]{1,255}$")]
Metadata = dict[MetadataKey, kit.Text]
Flag = bool | Literal["True", "true", "1", "False", "false", "0"]


class WantedNic(kit.Body):
    uuid: kit.Text | None = None
    port: kit.Text | None = None
    fixed_ip: kit.Text | None = None

    def request(self) -> NicRequest:
        """Raises BadRequest if it says nothing, or an address for a port, which has one."""
        if self.port is not None:
            kit.only("networks.fixed_ip of a port", self.fixed_ip)
            return NicRequest(port=kit.wanted_id(self.port))
        if self.uuid is None:
            raise BadRequest("Bad networks format: missing 'uuid'")
        return NicRequest(network=kit.wanted_id(self.uuid), fixed_ip=self.fixed_ip)


class WantedDisk(kit.Body):
    """The one disk that a server has: a copy of its image, written out."""

    source_type: kit.Text
    destination_type: kit.Text = "local"
    uuid: kit.Text | None = None
    boot_index: int | kit.Text | None = 0
    volume_size: int | kit.Text | None = None
    delete_on_termination: Flag = True

    def check(self, image: str) -> None:
        """Raises BadRequest for anything but a local disk made from the server's image."""
        local = (self.source_type, self.destination_type, str(self.boot_index)) == ("image", "local", "0")
        if not local or self.uuid is None or kit.wanted_id(self.uuid) != image:
            raise BadRequest("Block device mapping is invalid: a server boots from a copy of its image.")


class WantedGroup(kit.Body):
    name: kit.Text


class NewServer(kit.Body):
    """``networks`` absent and empty mean the same: the project's only network."""

    name: kit.Text
    image: kit.Text = Field("", alias="imageRef")
    flavor: kit.Text | int = Field(alias="flavorRef")
    networks: list[WantedNic] = Field(default_factory=list)
    key_name: kit.Text | None = None
    user_data: kit.Text | None = None
    admin_password: kit.Text | None = Field(None, alias="adminPass")
    metadata: Metadata = Field(default_factory=dict)
    min_count: int | kit.Text = 1
    max_count: int | kit.Text = 1
    return_reservation_id: Flag = False
    availability_zone: kit.Text | None = None
    config_drive: Flag | Literal[""] | None = None
    disk_config: Literal["AUTO", "MANUAL"] | None = Field(None, alias="OS-DCF:diskConfig")
    security_groups: list[WantedGroup] = Field(default_factory=list)
    block_device_mapping_v2: list[WantedDisk] = Field(default_factory=list, max_length=1)
    block_device_mapping: list[Any] = Field(default_factory=list, max_length=0)
    personality: list[Any] = Field(default_factory=list, max_length=0)
    access_ipv4: Literal[""] | None = Field(None, alias="accessIPv4")
    access_ipv6: Literal[""] | None = Field(None, alias="accessIPv6")

    def request(self) -> ServerRequest:
        """The same as plain values. Raises BadRequest for what this cloud does not have."""
        image = kit.wanted_id(self.image)
        self._check_constants(image)
        return ServerRequest(
            name=self.name,
            image=image,
            flavor=kit.wanted_id(str(self.flavor)),
            nics=[nic.request() for nic in self.networks] or None,
            key_name=self.key_name,
            user_data=_decoded(self.user_data) if self.user_data else b"",
            admin_password=self.admin_password,
            metadata=self.metadata,
        )

    def _check_constants(self, image: str) -> None:
        if not image:
            raise BadRequest("Invalid imageRef provided: a server boots from an image.")
        for name, count in (("min_count", self.min_count), ("max_count", self.max_count)):
            kit.only(name, str(count), "1")
        kit.only("return_reservation_id", str(self.return_reservation_id).lower(), "false", "0")
        kit.only("OS-DCF:diskConfig", self.disk_config, DISK_CONFIG)
        if self.availability_zone not in (None, "", ZONE):
            raise BadRequest("The requested availability zone is not available")
        for group in self.security_groups:
            if group.name != GROUP:
                raise BadRequest(f"Security group {group.name} not found.")
        for disk in self.block_device_mapping_v2:
            disk.check(image)


class NewServerBody(kit.Body):
    """Scheduler hints are hints: a cloud without groups of servers has nothing to do with them."""

    server: NewServer
    hints: dict[str, Any] = Field(default_factory=dict, alias="os:scheduler_hints")
    old_hints: dict[str, Any] = Field(default_factory=dict, alias="OS-SCH-HNT:scheduler_hints")


class ServerChanges(kit.Body):
    name: kit.Text | None = None
    disk_config: Literal["AUTO"] | None = Field(None, alias="OS-DCF:diskConfig")
    access_ipv4: Literal[""] | None = Field(None, alias="accessIPv4")
    access_ipv6: Literal[""] | None = Field(None, alias="accessIPv6")


class ServerChangesBody(kit.Body):
    server: ServerChanges


class MetadataBody(kit.Body):
    metadata: Metadata


class MetaBody(kit.Body):
    meta: Metadata = Field(min_length=1, max_length=1)


class Reboot(kit.Body):
    type: Annotated[str, StringConstraints(to_upper=True, pattern=r"(?i)^(soft|hard)$")]


class ConsoleOutput(kit.Body):
    """``length`` is a number of lines, null or -1 for all."""

    length: int | Annotated[str, StringConstraints(pattern=r"^(-1|[0-9]{1,9})$")] | None = None

    @property
    def lines(self) -> int | None:
        """Raises BadRequest for a negative number other than -1."""
        number = None if self.length is None else int(self.length)
        if number is not None and number < -1:
            raise BadRequest(f"Invalid input for length: {number} is less than the minimum of -1")
        return None if number == -1 else number


class VncConsole(kit.Body):
    type: Literal["novnc"]


def _decoded(user_data: str) -> bytes:
    try:
        return base64.b64decode("".join(user_data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Userdata content needs to be valid base 64.") from None
