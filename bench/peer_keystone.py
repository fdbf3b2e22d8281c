"""The load of ``bench.tokens`` on OpenStack Keystone: what a peer does on this machine at this hour.

Keystone comes from PyPI into a virtual environment of its own below the user's cache directory. It issues
Fernet tokens and is served by granian as the product is. It gets what favours it: a cache in memory that is
warm (the product reads every token from the database), a quarter of the tokens, the threads that it is
fastest with. Passwords are hashed cheaply, which only makes the preparation shorter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.common import Client, database, free_place, tell
from bench.tokens import measured
from tests.cloud import wait_until

VERSION = "30.0.0"
PACKAGES = (f"keystone=={VERSION}", "granian>=2.3", "psycopg2-binary")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "synnefo-bench"
PLACE = free_place()
USERS, TOKENS_EACH = 125, 4
WARM_UP_S = 30
PASSWORD = "bench-password-1"  # noqa: S105  of a throw-away Keystone
DOMAIN = {"id": "default"}
#: Granian's own command line would be read by Keystone as its own.
SERVER = f"""
from granian.server import Server
host, _, port = {PLACE!r}.partition(":")
Server(
    "keystone.wsgi.api:application", address=host, port=int(port), interface="wsgi",
    workers=2, blocking_threads=4, websockets=False, log_level="error",
).serve()
"""


def main() -> None:
    programs = _installed()
    with tempfile.TemporaryDirectory(prefix="synnefo-bench-") as folder, _serving(programs, Path(folder)):
        admin = _sign_in("admin")
        subjects = _tokens(admin)
        name = f"Keystone {VERSION}: GET v3/auth/tokens"
        for figure in measured(name, PLACE, "/v3/auth/tokens", subjects, admin, warm_up_s=WARM_UP_S):
            tell(figure)


def _installed() -> Path:
    """The directory of the programs of an environment with Keystone."""
    programs = CACHE / f"keystone-{VERSION}" / "bin"
    if not (programs / "keystone-manage").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(programs.parent)], check=True)
        subprocess.run([str(programs / "pip"), "install", "-q", *PACKAGES], check=True, stdout=sys.stderr)
    return programs


@contextmanager
def _serving(programs: Path, folder: Path) -> Iterator[None]:
    """Keystone with its tables, keys and first administrator, in a directory of its own."""
    environment = {**os.environ, "OS_KEYSTONE_CONFIG_DIR": str(folder), "PYTHONWARNINGS": "ignore"}
    (folder / "keystone.conf").write_text(_configuration(folder))
    who = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
    for command in (
        ("db_sync",),
        ("fernet_setup", *who),
        ("credential_setup", *who),
        ("bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-public-url", f"http://{PLACE}/v3/"),
    ):
        line = [str(programs / "keystone-manage"), "--config-dir", str(folder), *command]
        subprocess.run(line, env=environment, check=True, capture_output=True, timeout=300)
    server = [str(programs / "python"), "-c", SERVER]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(server, env=environment, stdout=log, stderr=log)
    try:
        wait_until("Keystone", _answers, timeout_s=60)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _configuration(folder: Path) -> str:
    return f"""
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = {_database_url(folder)}
[cache]
enabled = true
backend = dogpile.cache.memory
[token]
provider = fernet
[fernet_tokens]
key_repository = {folder}/fernet-keys
[credential]
key_repository = {folder}/credential-keys
[identity]
password_hash_rounds = 4
"""


def _database_url(folder: Path) -> str:
    """The database that the product is measured on, in SQLAlchemy's words."""
    if database() == "SQLite":
        return f"sqlite:///{folder}/keystone.db"
    return os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://", 1)


def _answers() -> bool:
    with suppress(OSError, AssertionError):
        Client(PLACE).call("GET", "/v3")
        return True
    return False


def _sign_in(name: str) -> str:
    """A token of a user, scoped to the project that has his name."""
    user = {"name": name, "domain": DOMAIN, "password": PASSWORD}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": name, "domain": DOMAIN}}
    client = Client(PLACE)
    client.call("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
    return client.answered["X-Subject-Token"]


def _tokens(admin: str) -> list[str]:
    """Tokens of users with a project each, in a catalog like the product's."""
    client = Client(PLACE, admin)
    services = {"compute": "nova", "network": "neutron", "image": "glance"}
    for kind, name in services.items():
        service = _made(client, "service", {"type": kind, "name": name})
        endpoint = {"service_id": service, "interface": "public", "url": f"http://{PLACE}/{kind}"}
        _made(client, "endpoint", endpoint)
    role = client.call("GET", "/v3/roles?name=member")[1]["roles"][0]["id"]
    names = [f"user{number}" for number in range(USERS)]
    for name in names:
        project = _made(client, "project", {"name": name})
        user = _made(client, "user", {"name": name, "password": PASSWORD})
        client.call("PUT", f"/v3/projects/{project}/users/{user}/roles/{role}")
    return [_sign_in(name) for _ in range(TOKENS_EACH) for name in names]


def _made(client: Client, kind: str, body: dict[str, Any]) -> str:
    made: str = client.call("POST", f"/v3/{kind}s", {kind: body})[1][kind]["id"]
    return made


if __name__ == "__main__":
    main()
