"""All tables of Cyclades, for Django; they are written in the nouns' folders."""

from synnefo.cyclades.backends.models import Backend, ProjectBackend
from synnefo.cyclades.console.models import ConsoleTicket
from synnefo.cyclades.flavors.models import Flavor, FlavorAccess, FlavorSpec
from synnefo.cyclades.images.models import Image, ImageMember, Vocabulary
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.legacy.models import LegacyImport
from synnefo.cyclades.networks.models import (
    BackendNetwork,
    BackendRouter,
    IPAddress,
    IPAddressHistory,
    Network,
    Pool,
    PoolUse,
    Port,
    Router,
    SecurityGroup,
    SecurityRule,
    Subnet,
)
from synnefo.cyclades.servers.models import (
    RescueImage,
    Server,
    ServerDiagnostic,
    ServerGroup,
    ServerMetadata,
    ServerSecret,
    ServerTag,
)
from synnefo.cyclades.volume_types.models import VolumeType, VolumeTypeAccess, VolumeTypeSpec
from synnefo.cyclades.volumes.models import Volume, VolumeMetadata, VolumeTransfer

__all__ = [
    "Backend",
    "BackendNetwork",
    "BackendRouter",
    "ConsoleTicket",
    "Flavor",
    "FlavorAccess",
    "FlavorSpec",
    "IPAddress",
    "IPAddressHistory",
    "Image",
    "ImageMember",
    "KeyPair",
    "LegacyImport",
    "Network",
    "Pool",
    "PoolUse",
    "Port",
    "ProjectBackend",
    "RescueImage",
    "Router",
    "SecurityGroup",
    "SecurityRule",
    "Server",
    "ServerDiagnostic",
    "ServerGroup",
    "ServerMetadata",
    "ServerSecret",
    "ServerTag",
    "Subnet",
    "Vocabulary",
    "Volume",
    "VolumeMetadata",
    "VolumeTransfer",
    "VolumeType",
    "VolumeTypeAccess",
    "VolumeTypeSpec",
]
