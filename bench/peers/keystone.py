"""``GET /v3/auth/tokens`` of OpenStack Keystone beside the product's, in turns, by the same client.

Keystone comes from PyPI into a virtual environment of its own below the user's cache directory, issues Fernet
tokens, and is served by gunicorn with two processes of four threads. It is measured as it comes, which is
without a cache, and with what favours it most: a warm cache in its own memory (the product reads every token
from the database). It gets a quarter of the tokens; its passwords are hashed cheaply, which only makes the
preparation shorter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench import load
from bench.common import Client, Figure, database, free_place, median, tell, web_alone
from bench.tokens import PATH, TOKENS_EACH, USERS, check_answer
from tests.cloud import wait_until

VERSION = "30.0.0"
PACKAGES = (f"keystone=={VERSION}", "gunicorn>=23", "psycopg2-binary")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "synnefo-bench"
PEER_USERS, PEER_TOKENS_EACH = 125, 4
ROUNDS, SECONDS, WARM_UP_S, CONNECTIONS = 3, 8, 20, 16
#: How many times Keystone's rate the product's is to be.
AIM = 5
PASSWORD = "bench-password-1"  # noqa: S105  of a throw-away Keystone
DOMAIN = {"id": "default"}

SERVER = """
wsgi_app = "keystone.wsgi.api:application"
bind = "{place}"
workers, threads, loglevel = 2, 4, "error"
"""

Contender = tuple[str, Sequence[tuple[str, str]]]


def main() -> None:
    programs = _installed()
    with web_alone() as web:
        from bench import seed

        own = seed.people(USERS, tokens_each=TOKENS_EACH)
        admin = seed.login(seed.administrator())
        check_answer(web.place, PATH, own[0])
        ours = {kind: (f"{web.url}{PATH}", pairs) for kind, pairs in _kinds(admin, own)}
        for cached in (False, True):
            with tempfile.TemporaryDirectory(prefix="synnefo-bench-") as folder:
                _beside(programs, Path(folder), ours, cached=cached)


def _kinds(admin: str, tokens: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every token validating itself, and an administrator validating every token."""
    yield "one's own", [(token, token) for token in tokens]
    yield "of users by an administrator", [(admin, token) for token in tokens]


def _beside(programs: Path, folder: Path, ours: dict[str, Contender], *, cached: bool) -> None:
    place = free_place(but=os.environ["SYNNEFO_LISTEN"])
    name = f"Keystone {VERSION} with a warm cache" if cached else f"Keystone {VERSION}"
    with _serving(programs, folder, place, cached=cached):
        admin = _sign_in(place, "admin")
        subjects = _tokens(place, admin)
        check_answer(place, "/v3/auth/tokens", subjects[0])
        for kind, pairs in _kinds(admin, subjects):
            theirs = (f"http://{place}/v3/auth/tokens", pairs)
            here, there = _in_turns(folder, ours[kind], theirs)
            tell(_figure(f"Synnefo: GET v3/auth/tokens, {kind}", here))
            tell(_figure(f"{name}: GET v3/auth/tokens, {kind}", there))
            ratio = round(_rate(here) / _rate(there), 2)
            tell(Figure(f"Synnefo over {name}: GET v3/auth/tokens, {kind}", ratio, "times", AIM))


def _in_turns(folder: Path, *contenders: Contender) -> list[list[load.Load]]:
    """Rounds of all, in turns, so that what else the machine does meets all alike."""
    for url, pairs in contenders:
        load.run(url, pairs, folder, seconds=WARM_UP_S, connections=CONNECTIONS)
    rounds: list[list[load.Load]] = [[] for _ in contenders]
    for _ in range(ROUNDS):
        for done, (url, pairs) in zip(rounds, contenders, strict=True):
            done.append(load.run(url, pairs, folder, seconds=SECONDS, connections=CONNECTIONS))
    assert not any(one.failed for done in rounds for one in done), rounds
    return rounds


def _rate(rounds: Sequence[load.Load]) -> float:
    return median([one.per_second for one in rounds])


def _figure(name: str, rounds: Sequence[load.Load]) -> Figure:
    more = {
        "rounds": [one.per_second for one in rounds],
        "p50_ms": median([one.p50_ms for one in rounds]),
        "p99_ms": median([one.p99_ms for one in rounds]),
    }
    return Figure(name, _rate(rounds), "requests/s", None, more)


def _installed() -> Path:
    """The directory of the programs of an environment with Keystone."""
    programs = CACHE / f"keystone-{VERSION}-gunicorn" / "bin"
    if not (programs / "keystone-manage").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(programs.parent)], check=True)
        subprocess.run([str(programs / "pip"), "install", "-q", *PACKAGES], check=True, stdout=sys.stderr)
    return programs


@contextmanager
def _serving(programs: Path, folder: Path, place: str, *, cached: bool) -> Iterator[None]:
    """Keystone with its tables, keys and first administrator, in a directory of its own."""
    environment = {**os.environ, "OS_KEYSTONE_CONFIG_DIR": str(folder), "PYTHONWARNINGS": "ignore"}
    (folder / "keystone.conf").write_text(_configuration(folder, cached=cached))
    who = ("--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid()))
    for command in (
        ("db_sync",),
        ("fernet_setup", *who),
        ("credential_setup", *who),
        ("bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-public-url", f"http://{place}/v3/"),
    ):
        line = [str(programs / "keystone-manage"), "--config-dir", str(folder), *command]
        subprocess.run(line, env=environment, check=True, capture_output=True, timeout=300)
    # Words on gunicorn's command line would be read by Keystone as its own.
    (folder / "gunicorn.conf.py").write_text(SERVER.format(place=place))
    with (folder / "log").open("wb") as log:
        server = str(programs / "gunicorn")
        process = subprocess.Popen([server], env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        wait_until("Keystone", lambda: _answers(place), timeout_s=60)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _configuration(folder: Path, *, cached: bool) -> str:
    cache = "backend = dogpile.cache.memory" if cached else ""
    return f"""
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = {_database_url(folder)}
[cache]
enabled = true
{cache}
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


def _answers(place: str) -> bool:
    with suppress(OSError, AssertionError):
        Client(place).call("GET", "/v3")
        return True
    return False


def _sign_in(place: str, name: str) -> str:
    """A token of a user, scoped to the project that has his name."""
    user = {"name": name, "domain": DOMAIN, "password": PASSWORD}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"name": name, "domain": DOMAIN}}
    client = Client(place)
    client.call("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
    return client.answered["X-Subject-Token"]


def _tokens(place: str, admin: str) -> list[str]:
    """Tokens of users with a project each, in a catalog like the product's."""
    client = Client(place, admin)
    services = {"compute": "nova", "network": "neutron", "image": "glance"}
    for kind, name in services.items():
        service = _made(client, "service", {"type": kind, "name": name})
        endpoint = {"service_id": service, "interface": "public", "url": f"http://{place}/{kind}"}
        _made(client, "endpoint", endpoint)
    role = client.call("GET", "/v3/roles?name=member")[1]["roles"][0]["id"]
    names = [f"user{number}" for number in range(PEER_USERS)]
    for name in names:
        project = _made(client, "project", {"name": name})
        user = _made(client, "user", {"name": name, "password": PASSWORD})
        client.call("PUT", f"/v3/projects/{project}/users/{user}/roles/{role}")
    return [_sign_in(place, name) for _ in range(PEER_TOKENS_EACH) for name in names]


def _made(client: Client, kind: str, body: dict[str, Any]) -> str:
    made: str = client.call("POST", f"/v3/{kind}s", {kind: body})[1][kind]["id"]
    return made


if __name__ == "__main__":
    main()
