"""The files by which command lines sign in to a cloud: ``openrc``, ``clouds.yaml`` and ``kamakirc``.

The only place that knows their form. What stands in them is the caller's business; nothing is written to
disk here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping

#: The name of a cloud in ``clouds.yaml`` and ``kamakirc`` where its own cannot serve.
CLOUD = "synnefo"


def cloud_name(title: str) -> str:
    """A cloud's title as a name that one types: lower case, with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or CLOUD


def openrc(head: str, variables: Mapping[str, str], *, forget: Iterable[str] = ()) -> str:
    """Variables for a shell that reads the file with ``.``; ``forget``: what another file may have left."""
    lines = [f"unset {' '.join(forget)}"] if forget else []
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*_comment(head), *lines, ""])


def clouds_yaml(head: str, cloud: str, auth_type: str, auth: Mapping[str, str]) -> str:
    """One cloud of OpenStack's libraries and tools (``--os-cloud NAME``)."""
    lines = ["clouds:", f"  {json.dumps(cloud)}:", f"    auth_type: {auth_type}", "    auth:"]
    lines += [f"      {name}: {json.dumps(value)}" for name, value in auth.items()]
    return "\n".join([*_comment(head), *lines, "    identity_api_version: 3", ""])


def kamakirc(head: str, cloud: str, identity_url: str, token: str) -> str:
    """kamaki's configuration with one cloud, which is the one that it uses."""
    lines = ["[global]", f"default_cloud = {cloud}", "", f'[cloud "{cloud}"]']
    return "\n".join([*_comment(head), *lines, f"url = {identity_url}/v2.0", f"token = {token}", ""])


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()]
