"""What a new cloud is given so that one can do something with it at once. Names only: the set-up makes it."""

from __future__ import annotations

from django.conf import settings

#: Processors, RAM in MiB, disk in GiB; the small ones suit the sample image.
FLAVORS = ((1, 128, 1), (1, 512, 4), (1, 1024, 10), (2, 2048, 20), (2, 4096, 40))
SMALL = "C1R128D1local"
IMAGE = "tiny"
IMAGE_PROPERTIES = {
    "os": "busybox",
    "osfamily": "linux",
    "users": "root user",
    "description": "Debian's kernel, busybox",
}
PUBLIC = "public"
#: Floating addresses where guests have QEMU's user networking: addresses of this host.
USER_RANGE = "127.18.0.0/24"
PRIVATE = "default-net"
PRIVATE_CIDR = "192.168.0.0/24"


def wanted() -> bool:
    """``SYNNEFO_SEED=none`` leaves the samples out."""
    return bool(settings.SYNNEFO_SEED != "none")
