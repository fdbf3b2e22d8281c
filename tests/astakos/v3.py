"""Speaking identity v3 in tests."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from tests.astakos.conftest import PASSWORD

V3 = "/astakos/identity/v3"


def login(http: Client, identity: dict[str, Any], scope: Any = None) -> Any:
    auth: dict[str, Any] = {"identity": identity}
    if scope is not None:
        auth["scope"] = scope
    return post(http, "/auth/tokens", {"auth": auth})


def post(http: Client, path: str, body: Any, token: str = "") -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return http.post(V3 + path, text, content_type="application/json", headers=_header(token))


def get(http: Client, path: str, token: str = "", **headers: str) -> Any:
    return http.get(V3 + path, headers={**_header(token), **headers})


def _header(token: str) -> dict[str, str]:
    return {"X-Auth-Token": token} if token else {}


def by_password(
    name: str, password: str = PASSWORD, *, domain: dict[str, str] | None = None
) -> dict[str, Any]:
    user = {"name": name, "password": password, "domain": domain or {"id": "default"}}
    return {"methods": ["password"], "password": {"user": user}}


def by_token(token: str) -> dict[str, Any]:
    return {"methods": ["token"], "token": {"id": token}}


def error_of(response: Any) -> tuple[int, str]:
    error = response.json()["error"]
    assert error["code"] == response.status_code
    return error["code"], error["message"]
