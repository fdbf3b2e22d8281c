"""The API of projects as one person uses it."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from synnefo.astakos.models import Holding
from tests.astakos.conftest import Person

ACCOUNT = "/astakos/account/v1.0"
LATER = "2099-01-01T00:00:00+00:00"


class Api:
    """The API as one person uses it."""

    def __init__(self, who: Person | None) -> None:
        self.headers = {"X-Auth-Token": who.token} if who is not None else {}

    def get(self, path: str) -> Any:
        return Client().get(f"{ACCOUNT}/{path}", headers=self.headers)

    def post(self, path: str, body: Any) -> Any:
        return self._send("post", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self._send("put", path, body)

    def _send(self, method: str, path: str, body: Any) -> Any:
        send = getattr(Client(), method)
        return send(
            f"{ACCOUNT}/{path}", json.dumps(body), content_type="application/json", headers=self.headers
        )

    def apply(self, name: str = "lab.example.org", **more: Any) -> tuple[str, int]:
        body = {"name": name, "end_date": LATER, "resources": limits(), **more}
        response = self.post("projects", body)
        assert response.status_code == 201, response.content
        return response.json()["id"], response.json()["application"]

    def act(self, project: str, action: str, number: int | None = None, **more: Any) -> int:
        value = {"reason": "so be it", **({} if number is None else {"app_id": number}), **more}
        return int(self.post(f"projects/{project}/action", {action: value}).status_code)

    def join(self, project: str) -> Any:
        return self.post("projects/memberships", {"join": {"project": project}})

    def enroll(self, project: str, email: str) -> Any:
        return self.post("projects/memberships", {"enroll": {"project": project, "user": email}})

    def member(self, number: int, action: str, reason: str | None = "") -> int:
        return int(self.post(f"projects/memberships/{number}/action", {action: reason}).status_code)


def limits(member: int = 2, project: int = 6) -> dict[str, dict[str, int]]:
    return {"cyclades.vm": {"member_capacity": member, "project_capacity": project}}


def usage(who: Person) -> int:
    return Holding.objects.get(
        holder=f"user:{who.uuid}", source=f"project:{who.uuid}", resource="astakos.pending_app"
    ).usage_max
