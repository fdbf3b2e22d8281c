"""What compute v2.1 lets clients send to make servers, and to make them anew. Shapes only."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from synnefo.common.faults import BadRequest
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.requests import DeviceRequest, FileRequest, NicRequest, ServerRequest

ZONE = "nova"
GROUP = "default"
Description = Annotated[kit.Text, StringConstraints(max_length=255)]
#: What is said instead of networks: whatever there is, or no cards.
AUTO, NONE = "auto", "none"
#: ``group`` is the one hint that means something here.
HINT = "group"

MetadataKey = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\-_:. ]{1,255}$")]
Metadata = dict[MetadataKey, kit.Text]
Flag = kit.Flag
Count = Annotated[int, Field(ge=1)] | Annotated[str, StringConstraints(pattern=r"^0*[1-9][0-9]{0,8}$")]
Size = Annotated[int, Field(ge=1)] | Annotated[str, StringConstraints(pattern=r"^0*[1-9][0-9]{0,8}$")]
Index = int | Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,4}$")]
DiskConfig = Literal["AUTO", "MANUAL"]


def _address(version: int) -> AfterValidator:
    def check(text: str) -> str:
        if not text:
            return text
        address = ipaddress.ip_address(text)
        if address.version != version:
            raise ValueError(f"this is no IPv{version} address")
        return str(address)

    return AfterValidator(check)


IPv4 = Annotated[str, _address(4)]
IPv6 = Annotated[str, _address(6)]


class WantedNic(kit.Body):
    uuid: kit.Text | None = None
    port: kit.Text | None = None
    fixed_ip: kit.Text | None = None
    tag: kit.Text = ""

    def request(self) -> NicRequest:
        """Raises BadRequest if it says nothing, or an address for a port, which has one."""
        if self.port is not None:
            kit.only("networks.fixed_ip of a port", self.fixed_ip)
            return NicRequest(port=kit.wanted_id(self.port), tag=self.tag)
        if self.uuid is None:
            raise BadRequest("Bad networks format: missing 'uuid'")
        return NicRequest(network=kit.wanted_id(self.uuid), fixed_ip=self.fixed_ip, tag=self.tag)


class WantedDisk(kit.Body):
    """One of ``block_device_mapping_v2``. What a guest calls its disks is for it to say."""

    source_type: Literal["image", "volume", "snapshot", "blank"]
    destination_type: Literal["local", "volume"] | None = None
    uuid: kit.Text | None = None
    boot_index: Index | None = None
    volume_size: Size | None = None
    volume_type: kit.Text | None = None
    delete_on_termination: Flag = False
    device_name: kit.Text | None = None
    device_type: Literal["disk"] | None = None
    disk_bus: kit.Text | None = None
    guest_format: kit.Text | None = None
    no_device: Flag = False
    tag: kit.Text | None = None

    def request(self) -> DeviceRequest:
        """Raises BadRequest where Nova says that a mapping is invalid."""
        if self.uuid is None and self.source_type != "blank":
            raise BadRequest(f"Block Device Mapping is Invalid: {self.source_type} needs a uuid.")
        if self.source_type == "blank" and self.volume_size is None:
            raise BadRequest("Block Device Mapping is Invalid: a blank disk needs a volume_size.")
        local = "local" if self.source_type in ("image", "blank") else "volume"
        return DeviceRequest(
            source=self.source_type,
            uuid=None if self.uuid is None else kit.wanted_id(self.uuid),
            size_gib=None if self.volume_size is None else int(self.volume_size),
            delete_on_termination=kit.is_true(self.delete_on_termination),
            boot_index=None if self.boot_index is None else int(self.boot_index),
            volume_type=self.volume_type,
            destination=self.destination_type or local,
        )


class OldDisk(kit.Body):
    """One of ``block_device_mapping``: a volume, or one that is made from a snapshot."""

    volume_id: kit.Text | None = None
    snapshot_id: kit.Text | None = None
    volume_size: Size | None = None
    delete_on_termination: Flag = False
    device_name: kit.Text | None = None
    no_device: Flag = False
    virtual_name: kit.Text | None = None

    def request(self, boot_index: int | None) -> DeviceRequest:
        source, uuid = ("volume", self.volume_id) if self.volume_id else ("snapshot", self.snapshot_id)
        if not uuid:
            raise BadRequest("Block Device Mapping is Invalid: a volume or a snapshot is needed.")
        return DeviceRequest(
            source=source,
            uuid=kit.wanted_id(uuid),
            size_gib=None if self.volume_size is None else int(self.volume_size),
            delete_on_termination=kit.is_true(self.delete_on_termination),
            boot_index=boot_index,
            destination="volume",
        )


class WantedFile(kit.Body):
    path: Annotated[kit.Text, StringConstraints(min_length=1)]
    contents: kit.Text

    def request(self) -> FileRequest:
        return FileRequest(self.path, decoded(self.contents, "Personality file contents"))


class WantedGroup(kit.Body):
    name: kit.Text


class NewServer(kit.Body):
    """``networks`` absent, empty and ``auto`` mean the same: the project's only network.

    Tags and a description are of later microversions; openstacksdk sends them without asking for one.
    """

    name: kit.Text
    image: kit.Text = Field("", alias="imageRef")
    flavor: kit.Text | int = Field(alias="flavorRef")
    networks: list[WantedNic] | Literal["auto", "none"] | None = None
    key_name: kit.Text | None = None
    user_data: kit.Text | None = None
    admin_password: kit.Text | None = Field(None, alias="adminPass")
    metadata: Metadata = Field(default_factory=dict)
    min_count: Count | None = None
    max_count: Count | None = None
    return_reservation_id: Flag = False
    availability_zone: kit.Text | None = None
    config_drive: Flag | Literal[""] | None = None
    disk_config: DiskConfig = Field("MANUAL", alias="OS-DCF:diskConfig")
    security_groups: list[WantedGroup] = Field(default_factory=list)
    block_device_mapping_v2: list[WantedDisk] = Field(default_factory=list)
    block_device_mapping: list[OldDisk] = Field(default_factory=list)
    personality: list[WantedFile] = Field(default_factory=list)
    access_ipv4: IPv4 | None = Field(None, alias="accessIPv4")
    access_ipv6: IPv6 | None = Field(None, alias="accessIPv6")
    tags: list[kit.Text] = Field(default_factory=list)
    description: Description | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """How many servers at least, and at most. Raises BadRequest."""
        least = int(self.min_count or 1)
        most = int(self.max_count or least)
        if least > most:
            raise BadRequest("min_count must be <= max_count")
        return least, most

    @property
    def group_names(self) -> list[str]:
        return list(dict.fromkeys(group.name for group in self.security_groups))

    def request(self, groups: list[str] | None, hint: str | None) -> ServerRequest:
        """The same as plain values; ``groups`` are uuids of security groups. Raises BadRequest."""
        image, devices = self._disks()
        if self.availability_zone not in (None, "", ZONE):
            raise BadRequest("The requested availability zone is not available")
        return ServerRequest(
            name=self.name,
            image=image,
            flavor=kit.wanted_id(str(self.flavor)),
            nics=self._nics(),
            key_name=self.key_name,
            user_data=decoded(self.user_data, "Userdata content") if self.user_data else b"",
            admin_password=self.admin_password,
            metadata=self.metadata,
            tags=self.tags,
            description=self.description or "",
            devices=devices,
            files=[file.request() for file in self.personality],
            config_drive=kit.is_true(self.config_drive or False),
            availability_zone=self.availability_zone or "",
            disk_config=self.disk_config,
            access_ipv4=self.access_ipv4 or "",
            access_ipv6=self.access_ipv6 or "",
            security_groups=groups,
            group=hint,
        )

    def _nics(self) -> list[NicRequest] | None:
        if isinstance(self.networks, str):
            return [] if self.networks == NONE else None
        return [nic.request() for nic in self.networks or ()] or None

    def _disks(self) -> tuple[str, list[DeviceRequest]]:
        """The image, and the disks beside the one that is a copy of it. Raises BadRequest."""
        image = kit.wanted_id(self.image) if self.image else ""
        if self.block_device_mapping and self.block_device_mapping_v2:
            raise BadRequest("Using different block_device_mapping syntaxes is not allowed in one request.")
        first = None if image else 0
        old = [disk.request(None if place else first) for place, disk in enumerate(self.block_device_mapping)]
        devices = [disk.request() for disk in self.block_device_mapping_v2 if not kit.is_true(disk.no_device)]
        boots = [disk for disk in devices if disk.boot_index == 0]
        if len(boots) > 1 or (devices and not boots and not image):
            raise BadRequest("Block Device Mapping is Invalid: exactly one disk must have boot index 0.")
        if boots and boots[0].source == "image" and boots[0].destination == "local":
            if image not in ("", boots[0].uuid):
                raise BadRequest("Block Device Mapping is Invalid: it boots from another image.")
            image = boots[0].uuid or ""
            devices.remove(boots[0])
        elif boots:
            image = ""
        if not image and not devices and not old:
            raise BadRequest("Invalid imageRef provided: a server boots from an image or a volume.")
        return image, [*old, *devices]


class NewServerBody(kit.Body):
    """Hints that nothing is known of are passed over: that is what hints are."""

    server: NewServer
    hints: dict[str, Any] = Field(default_factory=dict, alias="os:scheduler_hints")
    old_hints: dict[str, Any] = Field(default_factory=dict, alias="OS-SCH-HNT:scheduler_hints")

    @property
    def group(self) -> str | None:
        """The server group that the new server shall be in."""
        found = {**self.old_hints, **self.hints}.get(HINT)
        if found is not None and not isinstance(found, str):
            raise BadRequest("Invalid input for the hint group: a uuid is needed.")
        return None if found is None else kit.wanted_id(found)


class ServerChanges(kit.Body):
    name: kit.Text | None = None
    description: Description | None = None
    disk_config: DiskConfig | None = Field(None, alias="OS-DCF:diskConfig")
    access_ipv4: IPv4 | None = Field(None, alias="accessIPv4")
    access_ipv6: IPv6 | None = Field(None, alias="accessIPv6")


class ServerChangesBody(kit.Body):
    server: ServerChanges


class MetadataBody(kit.Body):
    metadata: Metadata


class MetaBody(kit.Body):
    meta: Metadata = Field(min_length=1, max_length=1)


def decoded(text: str, what: str) -> bytes:
    """Raises BadRequest."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{what} needs to be valid base 64.") from None
