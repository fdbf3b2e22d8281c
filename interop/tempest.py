"""OpenStack's tempest on a cloud of its own: ``python -m interop.tempest [--include-list FILE]``.

Tempest comes from PyPI into a virtual environment of its own below the user's cache directory. What is known
to fail, and why, stands in ``known.toml``; anything else that fails, and anything that stands there and
passes, fails the run.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.common import web_alone

VERSION = "47.0.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "synnefo-interop"
KNOWN = Path(__file__).with_name("known.toml")
#: Identity v3, all but the nouns that are not offered here.
NOT_OFFERED = "trusts|oauth_consumers|policies|domain_configuration|endpoint_groups|inherits|credentials"
TESTS = rf"^tempest\.api\.identity\.(v3\.|admin\.v3\.test_(?!({NOT_OFFERED})\.))"
RUN_TIMEOUT_S = 1800
#: Of a class whose set-up failed, or that says itself that the cloud does not have what it is about.
NOT_RUN = "not run"


def main() -> None:
    arguments = argparse.ArgumentParser(description="OpenStack's tempest on a cloud of its own.")
    arguments.add_argument("--include-list", type=Path, help="the tests to run, as tempest run takes them")
    given = arguments.parse_args()
    programs = _installed()
    os.environ["SYNNEFO_SEED"] = "none"
    with web_alone() as web, tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder:
        place = Path(folder)
        (place / "tempest.conf").write_text(_configuration(web.url, place))
        found = _run(programs, place, given.include_list)
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["fails"]
    sys.exit(not _as_known(found, known))


def _installed() -> Path:
    """The directory of the programs of an environment with tempest."""
    programs = CACHE / f"tempest-{VERSION}" / "bin"
    if not (programs / "tempest").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(programs.parent)], check=True)
        pip = [str(programs / "pip"), "install", "-q", f"tempest=={VERSION}"]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    return programs


def _configuration(url: str, place: Path) -> str:
    """What tempest must know: the administrator, and what this cloud does not have."""
    from synnefo.up import login
    from synnefo.up.place import Place

    admin = login.read(Place.from_settings())
    if admin is None:
        raise SystemExit("interop: the cloud that was set up has no administrator")
    return f"""
[DEFAULT]
log_file = {place}/tempest.log
[oslo_concurrency]
lock_path = {place}/locks
[auth]
use_dynamic_credentials = true
create_isolated_networks = false
admin_username = {admin.user}
admin_password = {admin.password}
admin_project_name = {admin.project}
admin_domain_name = Default
[identity]
auth_version = v3
region = default
uri_v3 = {url}/astakos/identity/v3
default_domain_id = default
user_lockout_failure_attempts = 0
user_unique_last_password_count = 0
[identity-feature-enabled]
api_v2 = false
api_v2_admin = false
access_rules = false
security_compliance = true
[service_available]
cinder = false
neutron = false
nova = false
glance = false
"""


def _run(programs: Path, place: Path, include_list: Path | None) -> dict[str, str]:
    """What became of every test: success, skip, fail and the like. Tempest tells how it goes meanwhile."""
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
    chosen = ["--include-list", str(include_list.resolve())] if include_list else ["--regex", TESTS]
    where = [str(programs / "python"), "-c", "import tempest; print(tempest.__path__[0])"]
    package = subprocess.run(
        where, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    (place / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={package}/test_discover\ntop_dir={package}/..\n"
    )
    tempest = [str(programs / "tempest"), "run", "--config-file", str(place / "tempest.conf")]
    subprocess.run(
        [*tempest, "--concurrency", "2", *chosen],
        cwd=place, env=environment, check=False, timeout=RUN_TIMEOUT_S,
    )  # fmt: skip
    last = [str(programs / "stestr"), "last", "--subunit"]
    stream = subprocess.run(last, cwd=place, env=environment, check=False, stdout=subprocess.PIPE).stdout
    table = subprocess.run(
        [str(programs / "subunit2csv"), "--no-passthrough"],
        input=stream, env=environment, stdout=subprocess.PIPE, check=False,
    ).stdout.decode()  # fmt: skip
    listed = subprocess.run(
        [*tempest, "--list-tests", *chosen], cwd=place, env=environment, check=True, stdout=subprocess.PIPE
    ).stdout.decode()  # fmt: skip
    wanted = {line.partition("[")[0] for line in listed.splitlines() if line.startswith("tempest.")}
    told = {row["test"].partition("[")[0]: row["status"] for row in csv.DictReader(table.splitlines())}
    return dict.fromkeys(wanted, NOT_RUN) | told


def _as_known(found: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Tell how it went, and whether all went as was to be expected."""
    counts = Counter(status for name, status in found.items() if name.startswith("tempest."))
    passed, left_out = counts["success"], counts["skip"] + counts[NOT_RUN]
    failing = {name for name, status in found.items() if status not in ("success", "skip", NOT_RUN)}
    for name in sorted(failing):
        print(f"failed: {name}: {known.get(name, 'NOT KNOWN')}")
    repaired = sorted(name for name in known if found.get(name) == "success")
    for name in repaired:
        print(f"passes, but stands in {KNOWN.name}: {name}")
    total = counts.total()
    failed = total - passed - left_out
    print(f"tempest {VERSION}: {passed} passed, {failed} failed, {left_out} left out, {total} in all")
    return bool(passed) and failing <= known.keys() and not repaired


if __name__ == "__main__":
    main()
