"""OpenStack's APIs of a cloud in a namespace, by the requests that clients make."""

from __future__ import annotations

import functools
import json
from typing import Any

from tests.cloud import Cloud, run, wait_until

BASES = {"compute": "compute/v2.1", "network": "network/v2.0", "volume": "volume/v3"}


class Api:
    """The administrator's view; what is refused comes back as ``Refused``."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @functools.cached_property
    def token(self) -> str:
        found: str = self.cloud.openstack("token", "issue")["id"]
        return found

    @functools.cached_property
    def project(self) -> str:
        found: str = self.cloud.openstack("token", "issue")["project_id"]
        return found

    @functools.cache  # noqa: B019  as long-lived as the run
    def id_of(self, noun: str, name: str) -> str:
        found: str = self.cloud.openstack(noun, "show", name)["id"]
        return found

    def __call__(self, method: str, service: str, path: str, body: object = None) -> Any:
        """The answer's body. Raises Refused for what is no success."""
        base = BASES[service] + (f"/{self.project}" if service == "volume" else "")
        command = ["curl", "-s", "-m", "60", "-X", method, "-H", f"X-Auth-Token: {self.token}"]
        command += ["-w", "\n%{http_code}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        url = f"{self.cloud.url}/cyclades/openstack/{base}/{path}"
        text, _, status = run(*self.cloud.machine.inside(*command, url)).rpartition("\n")
        if not status.startswith("2"):
            raise Refused(int(status), f"{method} {path}: {status} {text}")
        return json.loads(text) if text.strip() else {}

    def act(self, server: str, name: str, **arguments: Any) -> Any:
        return self("POST", "compute", f"servers/{server}/action", {name: arguments or None})

    def server(self, uuid: str) -> dict[str, Any]:
        found: dict[str, Any] = self("GET", "compute", f"servers/{uuid}")["server"]
        return found

    def idle(self, uuid: str, timeout_s: float = 180) -> dict[str, Any]:
        """The server once nothing is under way on it."""

        def shown() -> dict[str, Any] | None:
            found = self.server(uuid)
            return found if found["OS-EXT-STS:task_state"] is None and found["status"] != "BUILD" else None

        return wait_until(f"server {uuid} is idle", shown, timeout_s, every_s=0.5)

    def gone(self, uuid: str, timeout_s: float = 180) -> None:
        def absent() -> bool:
            try:
                self.server(uuid)
            except Refused as refused:
                return refused.status == 404
            return False

        wait_until(f"server {uuid} is gone", absent, timeout_s, every_s=0.5)


class Refused(Exception):
    """What the API would not do, and its status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
