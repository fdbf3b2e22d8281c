"""OpenStack's tempest on a cloud of its own: ``python -m interop.tempest [SUITE] [--include-list FILE]``.

Tempest comes from PyPI into a virtual environment of its own below the user's cache directory. What is known
to fail, and why, stands in ``known.toml``; anything else that fails, anything that stands there and passes,
and too few that pass, fail the run.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from bench.common import serving, web_alone
from interop import images, networks
from interop.programs import environment
from interop.whole import whole_cloud

VERSION = "47.0.0"
KNOWN = Path(__file__).with_name("known.toml")
#: Identity v3, all but the nouns that are not offered here.
NOT_OFFERED = "trusts|oauth_consumers|policies|domain_configuration|endpoint_groups|inherits|credentials"
RUN_TIMEOUT_S = 7200


def _nothing(place: Path) -> AbstractContextManager[str]:
    return contextlib.nullcontext("")


@dataclasses.dataclass(frozen=True)
class Admin:
    user: str
    password: str
    project: str


@dataclasses.dataclass(frozen=True)
class Suite:
    """Some of tempest's tests, and how many of them pass at least.

    ``surroundings`` runs what they need besides the cloud's web processes, and says what tempest must know
    of it; ``environment`` is the cloud's. With ``whole`` they run beside a cloud with virtual machines.
    """

    tests: str
    least_passed: int
    surroundings: Callable[[Path], AbstractContextManager[str]] = _nothing
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    whole: bool = False


_COMPUTE = (
    r"^tempest\.api\.compute\.(servers\.(test_create_server|test_servers|test_servers_negative|"
    r"test_list_server_filters|test_server_metadata|test_server_addresses|test_server_actions|"
    r"test_attach_interfaces|test_delete_server|test_novnc|test_multiple_create|test_instance_actions)|"
    r"flavors|keypairs|limits|test_quotas|test_versions|volumes\.test_attach_volume)"
)
_VOLUME = (
    r"^tempest\.api\.volume\.(test_volumes_(get|list|negative|actions|extend|clone|snapshots|snapshots_list|"
    r"snapshots_negative)|test_volume_metadata|test_snapshot_metadata|test_versions|"
    r"test_volume_absolute_limits|test_volume_delete_cascade|test_availability_zone|test_image_metadata)\."
)
SUITES = {
    "identity": Suite(rf"^tempest\.api\.identity\.(v3\.|admin\.v3\.test_(?!({NOT_OFFERED})\.))", 1),
    "object_storage": Suite(r"^tempest\.api\.object_storage\.", 135),
    "compute": Suite(_COMPUTE, 150, whole=True),
    "network": Suite(
        r"^tempest\.api\.network\.(test_networks|test_networks_negative|test_ports|test_floating_ips|"
        r"test_floating_ips_negative|test_routers|test_security_groups|test_security_groups_negative|"
        r"test_versions)\.",
        160,
        networks.surroundings,
    ),
    "volume": Suite(_VOLUME, 70, whole=True),
    "image": Suite(r"^tempest\.api\.image\.v2\.", 70, images.surroundings, images.ENVIRONMENT),
}
#: Of a class whose set-up failed, or that says itself that the cloud does not have what it is about.
NOT_RUN = "not run"


def main() -> None:
    arguments = argparse.ArgumentParser(description="OpenStack's tempest on a cloud of its own.")
    arguments.add_argument("suite", nargs="?", choices=SUITES, default="identity")
    arguments.add_argument("--include-list", type=Path, help="the tests to run, as tempest run takes them")
    arguments.add_argument("--write", type=Path, help="the page that has the table of figures")
    given = arguments.parse_args()
    programs = environment(f"tempest-{VERSION}", [f"tempest=={VERSION}"])
    suite = SUITES[given.suite]
    found = (_on_whole if suite.whole else _on_web_alone)(programs, suite, given.include_list)
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))[given.suite]
    if given.write is not None:
        _write(given.write, given.suite, found)
    sys.exit(not _as_known(given.suite, found, known, suite.least_passed))


def _on_whole(programs: Path, suite: Suite, include_list: Path | None) -> dict[str, str]:
    """On a cloud with virtual machines, in the network of its machine."""
    with tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder, whole_cloud() as whole:
        place, login = Path(folder), whole.cloud.login()
        admin = Admin(login["OS_USERNAME"], login["OS_PASSWORD"], login["OS_PROJECT_NAME"])
        more = whole.for_tempest(place)
        (place / "tempest.conf").write_text(_configuration(whole.cloud.url, place, admin) + more)
        return _run(programs, place, suite.tests, include_list, whole.cloud.machine.inside())


def _on_web_alone(programs: Path, suite: Suite, include_list: Path | None) -> dict[str, str]:
    os.environ["SYNNEFO_SEED"] = "none"
    os.environ.update(suite.environment)
    with tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder, web_alone() as web:
        place = Path(folder)
        _give_room()
        with serving(place / "objects.log", "objects"), suite.surroundings(place) as more:
            (place / "tempest.conf").write_text(_configuration(web.url, place, _admin()) + more)
            return _run(programs, place, suite.tests, include_list)


def _give_room() -> None:
    """Projects are made with nothing by default; here they may store something."""
    from synnefo.astakos.catalog.models import Resource

    Resource.objects.filter(name="pithos.diskspace").update(project_default=2**40)


def _admin() -> Admin:
    """The administrator of the cloud that was set up in this process."""
    from synnefo.up import login
    from synnefo.up.place import Place

    admin = login.read(Place.from_settings())
    if admin is None:
        raise SystemExit("interop: the cloud that was set up has no administrator")
    return Admin(admin.user, admin.password, admin.project)


def _configuration(url: str, place: Path, admin: Admin) -> str:
    """What tempest must know: the administrator, and what this cloud does not have."""
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
[object-storage]
operator_role = member
reseller_admin_role = admin
[object-storage-feature-enabled]
discoverable_apis = bulk_delete, bulk_upload, container_quotas, dlo, formpost, slo, symlink, tempurl
[service_available]
swift = true
cinder = false
neutron = false
nova = false
glance = false
"""


def _run(
    programs: Path, place: Path, tests: str, include_list: Path | None, inside: Sequence[str] = ()
) -> dict[str, str]:
    """What became of every test: success, skip, fail and the like. Tempest tells how it goes meanwhile.

    ``inside`` is the beginning of a command that runs the rest where the cloud is reached.
    """
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
    chosen = ["--include-list", str(include_list.resolve())] if include_list else ["--regex", tests]
    where = [str(programs / "python"), "-c", "import tempest; print(tempest.__path__[0])"]
    package = subprocess.run(where, env=variables, check=True, capture_output=True, text=True).stdout.strip()
    (place / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={package}/test_discover\ntop_dir={package}/..\n"
    )
    tempest = [*inside, str(programs / "tempest"), "run", "--config-file", str(place / "tempest.conf")]
    subprocess.run(
        [*tempest, "--concurrency", "2", *chosen],
        cwd=place, env=variables, check=False, timeout=RUN_TIMEOUT_S,
    )  # fmt: skip
    last = [str(programs / "stestr"), "last", "--subunit"]
    stream = subprocess.run(last, cwd=place, env=variables, check=False, stdout=subprocess.PIPE).stdout
    table = subprocess.run(
        [str(programs / "subunit2csv"), "--no-passthrough"],
        input=stream, env=variables, stdout=subprocess.PIPE, check=False,
    ).stdout.decode()  # fmt: skip
    listed = subprocess.run(
        [*tempest, "--list-tests", *chosen], cwd=place, env=variables, check=True, stdout=subprocess.PIPE
    ).stdout.decode()  # fmt: skip
    wanted = {line.partition("[")[0] for line in listed.splitlines() if line.startswith("tempest.")}
    told = {row["test"].partition("[")[0]: row["status"] for row in csv.DictReader(table.splitlines())}
    return dict.fromkeys(wanted, NOT_RUN) | told


def _counts(found: Mapping[str, str]) -> tuple[int, int, int, int]:
    """How many passed, failed and were left out, and all of them."""
    counts = Counter(status for name, status in found.items() if name.startswith("tempest."))
    passed, left_out, total = counts["success"], counts["skip"] + counts[NOT_RUN], counts.total()
    return passed, total - passed - left_out, left_out, total


def _write(page: Path, suite: str, found: Mapping[str, str]) -> None:
    """The suite's line in the table of figures."""
    line = f"| {suite} | " + " | ".join(map(str, _counts(found))) + " |"
    text, changed = re.subn(rf"(?m)^\| {suite} \|.*$", line, page.read_text(encoding="utf-8"))
    if not changed:
        raise SystemExit(f"interop: {page} has no line for {suite}")
    page.write_text(text, encoding="utf-8")


def _as_known(suite: str, found: Mapping[str, str], known: Mapping[str, str], least_passed: int) -> bool:
    """Tell how it went, and whether all went as was to be expected."""
    passed, failed, left_out, total = _counts(found)
    failing = {name for name, status in found.items() if status not in ("success", "skip", NOT_RUN)}
    for name in sorted(failing):
        print(f"failed: {name}: {known.get(name, 'NOT KNOWN')}")
    repaired = sorted(name for name in known if found.get(name) == "success")
    for name in repaired:
        print(f"passes, but stands in {KNOWN.name}: {name}")
    print(
        f"tempest {VERSION}, {suite}: {passed} passed, {failed} failed, {left_out} left out, {total} in all"
    )
    if passed < least_passed:
        print(f"FEWER THAN {least_passed} PASSED")
    return passed >= least_passed and failing <= known.keys() and not repaired


if __name__ == "__main__":
    main()
