"""What Keystone has and this cloud has not: answered by 501, so that clients say so."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Router

from synnefo.common.faults import NotImplementedFault

router = Router()

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOUNS = {
    "/credentials": "Credentials other than access keys and application credentials",
    "/policies": "Policies",
    "/limits": "Limits (quota is in the account API)",
    "/registered_limits": "Registered limits (quota is in the account API)",
    "/OS-TRUST/trusts": "Trusts",
    "/OS-OAUTH1/consumers": "OAuth 1 consumers",
    "/OS-FEDERATION/identity_providers": "Federation",
}


def _refuses(noun: str) -> Any:
    def refuse(request: Any) -> HttpResponse:
        raise NotImplementedFault(f"{noun}: not offered here.")

    return refuse


for _path, _noun in _NOUNS.items():
    router.api_operation(_METHODS, _path, operation_id=f"refuse{_path.replace('/', '_')}")(_refuses(_noun))
