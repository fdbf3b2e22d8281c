"""What is said when everything serves: where, as whom, and what to try next."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from synnefo.up import login, samples
from synnefo.up.journal import Terminal
from synnefo.up.place import Place

_TEXT = """
  Synnefo is running on this machine.

    Web console   {url}/{objects}{s3}
    Login         {user}
    Password      {password}
    Data          {data}   (logs in {log})

  In another terminal, sign in:

    . {openrc}

  and try:

{tries}

  Ctrl-C stops the services, virtual machines keep running; `{down}` stops these, too.
"""

_WITH_SAMPLES = """\
    1. a virtual machine, with your key (ssh-keygen -t ed25519 makes one)
         openstack keypair create --public-key ~/.ssh/id_ed25519.pub me
         openstack server create --flavor {flavor} --image {image} --network {network} --key-name me first
    2. a way in from outside
         openstack security group rule create --proto tcp --dst-port 22 default
         openstack floating ip create public
         openstack server add floating ip first ADDRESS
{way_in}
    3. its screen, in the web console or at the address that this prints
         openstack console url show first"""

_WAY_IN = "         ssh root@ADDRESS"
_WAY_IN_WITHOUT_RIGHTS = """\
         openstack server stop first               and when it is off:  openstack server start first
         ssh -p 2222 root@ADDRESS                  (with root's rights this is simpler)"""

_WITHOUT_SAMPLES = """\
    1. what the cloud offers             openstack catalog list
    2. a first flavor                    snf-manage flavor-create 1 256 1
    3. a guest image from Debian         snf-manage image-build debian-12"""


def greet(place: Place, terminal: Terminal) -> None:
    """Print the greeting; its last line is the one that scripts wait for."""
    known = login.read(place)
    tries = _WITH_SAMPLES if samples.wanted() else _WITHOUT_SAMPLES
    terminal.print(
        _TEXT.format(
            url=place.public_url,
            objects=f"\n    Objects       {place.objects_url}" if place.objects_url else "",
            s3=f"\n    S3            {place.s3_url}" if place.s3_url else "",
            user=known.user if known else "the administrator's e-mail",
            password=known.password if known else f"not kept here ({place.openrc.name} is gone)",
            data=_short(place.data),
            log=_short(place.log),
            openrc=_short(place.openrc),
            down="make down" if (Path.cwd() / "Makefile").exists() else "synnefo down",
            tries=tries.format(
                flavor=samples.SMALL,
                image=samples.IMAGE,
                network=samples.PRIVATE,
                way_in=_WAY_IN if _has_rights() else _WAY_IN_WITHOUT_RIGHTS,
            ),
        )
    )
    terminal.print(f"synnefo: ready at {place.public_url}")


def _has_rights() -> bool:
    """Whether machines get real networks, as far as one can tell without trying."""
    networking: str = settings.CYCLADES_LOCAL_NETWORKING
    return networking == "namespaces" or (networking == "auto" and os.geteuid() == 0)


def _short(path: Path) -> str:
    """Relative to where the user stands, if it is below."""
    return f"./{path.relative_to(Path.cwd())}" if path.is_relative_to(Path.cwd()) else str(path)
