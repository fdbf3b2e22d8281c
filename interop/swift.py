"""Swift's own functional tests on a cloud of their own: ``python -m interop.swift [pytest's arguments]``.

They come with Swift's source from PyPI, into a virtual environment of their own below the user's cache
directory. What they skip this cloud does not announce: several storage policies, other domains' names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from bench.common import Web, web_alone
from interop.programs import CACHE, environment

VERSION = "2.38.0"
#: Beside what Swift itself requires: its clients, and what runs the tests.
NEEDS = ("pytest", "python-swiftclient", "python-keystoneclient", "boto3", "pyeclib", "setuptools")
RUN_TIMEOUT_S = 3600
#: Of 649 tests; Swift itself skips 100 of them where there is one storage policy.
LEAST_PASSED = 520
#: ``tests.py`` is not found by its name; S3 has suites of its own.
TESTS = ("test/functional", "--ignore=test/functional/s3api")
MORE_TESTS = "test/functional/tests.py"
LEAST_MORE_PASSED = 195


def main() -> None:
    programs, source = _installed()
    os.environ["SYNNEFO_SEED"] = "none"
    with web_alone("objects") as web, tempfile.TemporaryDirectory(prefix="synnefo-interop-") as folder:
        configuration = Path(folder) / "test.conf"
        configuration.write_text(_configuration(web))
        if sys.argv[1:]:
            sys.exit(not _run(programs, source, configuration, sys.argv[1:], 1))
        done = _run(programs, source, configuration, TESTS, LEAST_PASSED)
        more = _run(programs, source, configuration, [MORE_TESTS], LEAST_MORE_PASSED)
    sys.exit(not (done and more))


def _installed() -> tuple[Path, Path]:
    """The directories of the programs of an environment with Swift, and of its source."""
    programs = environment(f"swift-{VERSION}", [f"swift=={VERSION}", *NEEDS])
    source = CACHE / f"swift-{VERSION}" / "source" / f"swift-{VERSION}"
    if not source.exists():
        download = ["download", "-q", "--no-deps", "--no-binary", ":all:"]
        target = ["-d", str(source.parent), f"swift=={VERSION}"]
        subprocess.run([str(programs / "pip"), *download, *target], check=True, stdout=sys.stderr)
        subprocess.run(["tar", "-xzf", f"{source}.tar.gz", "-C", str(source.parent)], check=True)
    return programs, source


def _configuration(web: Web) -> str:
    """Three users: two with accounts of their own, and one who comes to the account of the first."""
    (first, first_token), (second, second_token), (third, third_token) = map(_person, ("one", "two", "three"))
    return f"""
[func_test]
auth_uri = {web.url}/auth/v1.0
account = {first}
username = one@example.org
password = {first_token}
account2 = {second}
username2 = two@example.org
password2 = {second_token}
username3 = {third}
password3 = {third_token}
# The server takes no names of headers that are not ASCII, and writes all of them in small letters.
web_front_end = granian
[unit_test]
fake_syslog = False
"""


def _person(name: str) -> tuple[str, str]:
    """Somebody new: his uuid, and a token."""
    from synnefo.astakos.accounts import rules, tokens
    from synnefo.common.caller import system_caller

    caller = system_caller("interop")
    made = rules.create(caller, f"{name}@example.org", name.title(), "Tester")
    user = rules.accept(caller, rules.verify(caller, made))
    return user.uuid, tokens.create_api_token(caller, user, "interop")[0]


def _run(programs: Path, source: Path, configuration: Path, tests: Sequence[str], least_passed: int) -> bool:
    """Run some tests and tell how it went; whether enough passed."""
    report = configuration.with_name("report.xml")
    report.unlink(missing_ok=True)
    # stestr's way of finding tests leaves out what pytest finds, and the other way round.
    pytest = [str(programs / "python"), "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
    subprocess.run(
        [*pytest, "-W", "ignore", f"--junitxml={report}", *tests],
        cwd=source, env={**os.environ, "SWIFT_TEST_CONFIG_FILE": str(configuration)}, check=False,
        timeout=RUN_TIMEOUT_S,
    )  # fmt: skip
    counts = Counter(_outcome(case) for case in ElementTree.parse(report).iter("testcase"))  # noqa: S314
    passed = counts["passed"]
    verdict = "" if passed >= least_passed else f": FEWER THAN {least_passed} PASSED"
    print(
        f"swift {VERSION}, {tests[0]}: {passed} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped, {counts.total()} in all{verdict}",
        flush=True,
    )
    return passed >= least_passed


def _outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


if __name__ == "__main__":
    main()
