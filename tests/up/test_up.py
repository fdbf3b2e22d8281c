"""``synnefo up`` as its user meets it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from synnefo.up.place import own_address
from tests.up.cloud import Cloud, database, wait_for


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One that runs; a test that ends it starts it again."""
    with database() as settings:
        made = Cloud(tmp_path_factory.mktemp("cloud") / "var", **settings)
        try:
            made.start()
            yield made
        finally:
            made.close()


def variables(openrc: Path) -> dict[str, str]:
    shown = subprocess.run(
        ["sh", "-c", f". {openrc}; env"], capture_output=True, text=True, timeout=10, check=True
    ).stdout
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def test_tells_where_it_is_and_how_to_sign_in(cloud: Cloud) -> None:
    told = "\n".join(cloud.lines)
    kept = variables(cloud.data / "admin-openrc")
    assert kept["OS_USERNAME"] == "admin@example.org"
    assert kept["OS_AUTH_URL"] == f"{cloud.url}/astakos/identity/v3"
    assert kept["OS_PASSWORD"] in told
    assert f". {cloud.data}/admin-openrc" in told
    assert cloud.lines[-1] == f"synnefo: ready at {cloud.url}" or "ready at" in told


def test_objects_are_served_beside_the_pages_and_the_others_show_the_way(cloud: Cloud) -> None:
    there = f"http://127.0.0.1:{cloud.port + 2}"
    assert f"    Objects       {there}/pithos/object-store" in cloud.lines
    assert httpx.get(f"{there}/ui/login/").status_code == 404
    sent = httpx.put(f"{cloud.url}/pithos/object-store/v1/a/b?c=d", content=b"x" * 100_000)
    assert (sent.status_code, sent.headers["Location"]) == (307, f"{there}/pithos/object-store/v1/a/b?c=d")


def test_the_catalog_leads_kamakis_token_to_the_objects(cloud: Cloud) -> None:
    token = (cloud.data / "kamakirc").read_text().rpartition("token = ")[2].strip()
    body = {"auth": {"token": {"id": token}}}
    access = httpx.post(f"{cloud.url}/astakos/identity/v2.0/tokens", json=body).json()["access"]
    (found,) = [entry for entry in access["serviceCatalog"] if entry["type"] == "object-store"]
    url = f"{found['endpoints'][0]['publicURL']}/{access['user']['id']}"
    assert url.startswith(f"http://127.0.0.1:{cloud.port + 2}/")
    headers = {"X-Auth-Token": token, "Content-Type": "text/plain"}
    assert httpx.put(f"{url}/c", headers=headers).status_code == 201
    assert httpx.put(f"{url}/c/o", headers=headers, content=b"content").status_code == 201
    assert httpx.get(f"{url}/c/o", headers=headers).content == b"content"


def test_what_it_keeps_is_readable_by_its_owner_alone(cloud: Cloud) -> None:
    assert stat.S_IMODE(cloud.data.stat().st_mode) == 0o700
    for name in ("secret-key", "admin-openrc", "kamakirc"):
        assert stat.S_IMODE((cloud.data / name).stat().st_mode) == 0o600, name


def test_kamakirc_has_a_token_that_is_never_replaced(cloud: Cloud) -> None:
    text = (cloud.data / "kamakirc").read_text()
    token = text.rpartition("token = ")[2].strip()
    assert len(token) == 43
    assert f"url = {cloud.url}/astakos/identity/v2.0" in text


def test_a_second_one_on_the_same_data_is_refused_with_the_first_ones_process_id(cloud: Cloud) -> None:
    assert cloud.process is not None
    refused = cloud.command("up")
    assert refused.returncode == 1
    assert f"process {cloud.process.pid} " in refused.stderr
    assert cloud.answers()


@pytest.mark.parametrize("service", ["pages", "objects", "dispatcher", "vncauthproxy"])
def test_a_killed_service_is_started_again(cloud: Cloud, service: str) -> None:
    before = cloud.children()[service]
    os.kill(before, signal.SIGKILL)
    cloud.expect("ended by SIGKILL")
    wait_for(lambda: cloud.children().get(service) not in (None, before), f"{service} runs again")
    wait_for(cloud.answers, "the cloud serves")


def test_a_killed_web_worker_is_replaced(cloud: Cloud) -> None:
    web = cloud.children()["pages"]
    workers = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    assert len(workers) == 2
    for worker in workers:
        os.kill(int(worker), signal.SIGKILL)
    wait_for(cloud.answers, "the cloud serves")
    assert cloud.children()["pages"] == web


def test_ctrl_c_ends_every_process_and_says_what_goes_on(cloud: Cloud) -> None:
    assert cloud.stop(signal.SIGINT) == 0
    assert "virtual machines keep running" in "\n".join(cloud.lines)
    assert cloud.processes() == []
    cloud.start()


def test_starting_again_keeps_login_key_and_token(cloud: Cloud) -> None:
    names = ("secret-key", "admin-openrc", "kamakirc")
    before = {name: (cloud.data / name).read_text() for name in names}
    assert cloud.stop(signal.SIGTERM) == 0
    cloud.start()
    assert {name: (cloud.data / name).read_text() for name in names} == before


def test_no_process_outlives_a_killed_supervisor(cloud: Cloud) -> None:
    assert cloud.process is not None
    cloud.stop(signal.SIGKILL)
    wait_for(lambda: not cloud.processes(), "the services end")
    cloud.start()


def test_logs_are_kept_as_they_came(cloud: Cloud) -> None:
    log = (cloud.data / "log" / "dispatcher.log").read_text()
    assert '"event": "dispatcher ready"' in log
    assert any("dispatcher |" in line and "dispatcher ready" in line for line in cloud.lines)


def test_down_ends_a_running_cloud_from_another_terminal(cloud: Cloud) -> None:
    assert cloud.process is not None
    done = cloud.command("down")
    assert done.returncode == 0, done.stderr
    assert cloud.process.wait(10) == 0
    assert cloud.processes() == []
    cloud.start()


def test_a_port_in_use_is_named_with_the_setting_that_changes_it(cloud: Cloud, tmp_path: Path) -> None:
    other = Cloud(tmp_path / "var")
    other.environment["SYNNEFO_LISTEN"] = f"127.0.0.1:{cloud.port}"
    refused = other.command("up")
    assert refused.returncode == 1
    assert f"127.0.0.1:{cloud.port}" in refused.stderr
    assert "SYNNEFO_LISTEN" in refused.stderr


@pytest.mark.parametrize("text", ["8080", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    cloud = Cloud(tmp_path / "var")
    cloud.environment["SYNNEFO_LISTEN"] = text
    refused = cloud.command("up")
    assert refused.returncode == 1
    assert "SYNNEFO_LISTEN" in refused.stderr


def test_a_faulty_configuration_stops_it_and_names_file_and_line(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "var")
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "10-own.conf").write_text("SYNNEFO_MAX_PAGE = 10\nSYNNEFO_LISTEN = nowhere\n")
    cloud.environment["SYNNEFO_SETTINGS_DIR"] = str(conf)
    refused = cloud.command("up")
    assert refused.returncode == 1
    assert "10-own.conf:2" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_listening_everywhere_it_is_reached_by_the_machines_own_address(tmp_path: Path) -> None:
    with database() as settings:
        cloud = Cloud(tmp_path / "var", **settings)
        cloud.environment["SYNNEFO_LISTEN"] = f"0.0.0.0:{cloud.port}"
        cloud.url = f"http://{own_address()}:{cloud.port}"
        try:
            cloud.start()
            assert cloud.answers()
            assert httpx.get(f"http://{own_address()}:{cloud.port + 1}/healthz").status_code == 200
            assert variables(cloud.data / "admin-openrc")["OS_AUTH_URL"] == f"{cloud.url}/astakos/identity/v3"
            assert httpx.get(f"http://{own_address()}:{cloud.port + 2}/healthz").status_code == 200
        finally:
            cloud.close()
