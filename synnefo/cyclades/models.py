"""All tables of Cyclades, for Django; they are written in the nouns' folders."""

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.console.models import ConsoleTicket
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.networks.models import BackendNetwork, IPAddress, Network, Port, Subnet
from synnefo.cyclades.servers.models import Server, ServerMetadata

__all__ = [
    "Backend",
    "BackendNetwork",
    "ConsoleTicket",
    "Flavor",
    "IPAddress",
    "Image",
    "ImageMember",
    "KeyPair",
    "Network",
    "Port",
    "Server",
    "ServerMetadata",
    "Subnet",
]
