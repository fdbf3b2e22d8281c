"""Cyclades: servers, networks, floating IPs, images on engines such as Ganeti or this machine's QEMU."""
