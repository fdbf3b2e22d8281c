"""Recorded calls that are not replayed, each with the reason. What is listed nowhere is replayed."""

from __future__ import annotations

import re
from typing import Any

Call = dict[str, Any]

#: "group METHOD path" as a regular expression, and why.
BY_NAME: tuple[tuple[str, str], ...] = (
    (r"(fixture-read|after-astakos|build-projects) \w+ /astakos/.*", "replayed by test_accounts"),
    (r"(fixture-read|after-pithos) \w+ /pithos/.*", "replayed by test_objects"),
    (r"build-pithos \w+ /astakos/.*", "before the projects were as they are here from the start"),
    (r".* \w+ /cyclades/volume/.*", "volumes and snapshots come later"),
    (r".* \w+ .*/os-volume_attachments.*", "volumes and snapshots come later"),
    (r".* GET /cyclades/admin/stats/.*", "the operators' statistics come later"),
)  # fmt: skip
BY_NUMBER = {
    1083: "IPv6 comes later",
    1115: "resizing comes later",
    1135: "firewall profiles come later",
    1583: "there is no statistics service",
    1685: "there is no statistics service",
    1972: "usage in projects that are not made here",
    1983: "projects that are not made here",
    2022: "a server without a name is refused",
    2031: "what volumes take of the quota",
    2026: "files put into a new server come later",
    **dict.fromkeys((2053, 2161), "the console is a page"),
    2176: "a key that is none is refused",
    **dict.fromkeys((2057, 2061, 2063, 2065), "resizing comes later"),
    **dict.fromkeys((2077, 2079, 2081, 2167), "moving things to other projects comes later"),
    2246: "usage in projects that are not made here",
}
#: Snapshots in lists of images, and subnets of IPv6.
_SNAPSHOTS = ("0a985710-dd33-4ef4-93a1-015c785104fb", "2dc6de80-e2f9-4537-8aaa-81c4cd09e8d7")
#: Calls that came at once, while what the one before asked for was still being done.
_AT_ONCE = (2115, 2116, 2117, 2129, 2130)
_ODD_ADDRESS = [{"ip_address": "9.9.9.9"}]
_IPV6_SUBNETS = ("3", "6")


def reason(call: Call) -> str | None:
    """Why a call is left out."""
    name = f"{call['group']} {call['request']['method']} {call['request']['path']}"
    if call["seq"] in BY_NUMBER:
        return BY_NUMBER[call["seq"]]
    for pattern, why in BY_NAME:
        if re.fullmatch(pattern, name):
            return why
    return None


#: Services of the recorded catalog that this cloud does not have.
_SERVICES = ("cyclades_admin", "cyclades_volume", "cyclades_vmapi")


def _offered(value: Any) -> Any:
    """A recorded answer, without items of services, snapshots and IPv6, which are not there."""
    if isinstance(value, dict):
        return {key: _offered(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_offered(item) for item in value if not _is_absent(item)]
    return value


def _is_absent(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    address = str(item.get("ip_address", item.get("addr", "")))
    return (
        item.get("name") in _SERVICES
        or item.get("id") in _SNAPSHOTS
        or item.get("ip_version") == 6
        or ":" in address
        or item.get("keypair", {}).get("name") == "k1"
    )


def _expected(response: dict[str, Any]) -> dict[str, Any]:
    body = response["body"] or {}
    if "json" not in body:
        return response
    shown = _offered(body["json"])
    networks = (
        shown.get("networks", [shown["network"]] if "network" in shown else [])
        if isinstance(shown, dict)
        else []
    )
    for network in networks:
        if "subnets" in network:
            network["subnets"] = [pk for pk in network["subnets"] if pk not in _IPV6_SUBNETS]
    return {**response, "body": {"json": shown}}


def _asked(body: dict[str, Any] | None) -> dict[str, Any] | None:
    """A request without files for a new server, and without an address that 0.21 passed over in silence."""
    if not body or not isinstance(body.get("json"), dict):
        return body
    asked = {}
    for name, part in body["json"].items():
        kept = part
        if isinstance(part, dict):
            kept = {
                key: value for key, value in part.items() if key != "personality" and value != _ODD_ADDRESS
            }
        asked[name] = kept
    return body if asked == body["json"] else {"json": asked}


def as_played(call: Call) -> Call:
    """The call without what is not there in what is asked and answered."""
    request = call["request"]
    asked = {**request, "body": _asked(request["body"])}
    return {**call, "request": asked, "response": _expected(call["response"])}


def is_under_way(call: Call) -> bool:
    """Whether the answer tells of something that is still being done."""
    if call["seq"] in _AT_ONCE:
        return True
    body = call["response"]["body"] or {}
    shown = body.get("json") if isinstance(body.get("json"), dict) else {}
    about = [*shown.values()] if shown else []
    words = [
        str(row.get(key, ""))
        for row in about
        if isinstance(row, dict)
        for key in ("SNF:task_state", "message")
    ]
    read = call["request"]["method"] == "GET" and words[:1] not in ([], [""])
    return read or any("is being built" in word or "pending" in word for word in words)
