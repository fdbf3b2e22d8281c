"""The administrator's files: ``admin-openrc`` for the openstack command line, ``kamakirc`` for kamaki.

``admin-openrc`` is the only place that keeps the generated password; what else is in it is renewed at
every start, because addresses change.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from pathlib import Path

from synnefo.common import client_files
from synnefo.up.place import Place, write_private

_HEAD = """\
How to sign in as the administrator: use it with `. {path}`
`synnefo up` renews this file; it keeps the user, the project and the password that it finds here.
"""


@dataclasses.dataclass(frozen=True)
class Login:
    user: str
    password: str
    project: str = ""


def read(place: Place) -> Login | None:
    """The login that the file keeps; None without a file that has one."""
    try:
        lines = place.openrc.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    found: dict[str, str] = {}
    for line in lines:
        words = shlex.split(line, comments=True)
        if len(words) == 2 and words[0] == "export":
            name, _, value = words[1].partition("=")
            found[name] = value
    if "OS_USERNAME" not in found or "OS_PASSWORD" not in found:
        return None
    return Login(found["OS_USERNAME"], found["OS_PASSWORD"], found.get("OS_PROJECT_NAME", ""))


def write(place: Place, login: Login) -> None:
    """Renew ``admin-openrc``; besides OpenStack's variables it has what ``snf-manage`` needs."""
    variables = {
        "OS_IDENTITY_API_VERSION": "3",
        "OS_AUTH_URL": f"{place.identity_url}/v3",
        "OS_USERNAME": login.user,
        "OS_PASSWORD": login.password,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_PROJECT_NAME": login.project,
        "SYNNEFO_DATA": str(place.data),
        "SYNNEFO_LISTEN": str(place.listen),
    }
    if url := os.environ.get("DATABASE_URL"):
        variables["DATABASE_URL"] = url
    bin_directory = shlex.quote(str(Path(sys.executable).parent))
    path_line = f'case ":$PATH:" in *:{bin_directory}:*) ;; *) export PATH={bin_directory}:"$PATH" ;; esac\n'
    text = client_files.openrc(_HEAD.format(path=place.openrc), variables)
    write_private(place.openrc, text + path_line)


def write_kamakirc(place: Place, token: str) -> None:
    head = f"Configuration of kamaki for the administrator: kamaki -c {place.kamakirc} server list"
    text = client_files.kamakirc(head, client_files.CLOUD, place.identity_url, token)
    write_private(place.kamakirc, text)
