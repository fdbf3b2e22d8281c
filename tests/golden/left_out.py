"""Recorded calls that are not replayed, each with the reason. What is listed nowhere is replayed."""

from __future__ import annotations

import re
from typing import Any

Call = dict[str, Any]

#: "group METHOD path" as a regular expression, and why.
BY_NAME: tuple[tuple[str, str], ...] = (
    (r"(fixture-read|after-astakos|build-projects) \w+ /astakos/.*", "replayed by test_accounts"),
    (r"(fixture-read|after-pithos) \w+ /pithos/.*", "replayed by test_objects"),
    (r"(fixture-read|after-cyclades) \w+ /cyclades/.*", "replayed by test_machines"),
    (r"after-(pithos|cyclades) \w+ /astakos/.*", "replayed by test_machines, too"),
    (r"build-pithos \w+ /astakos/.*", "before the projects were as they are here from the start"),
)  # fmt: skip


def reason(call: Call) -> str | None:
    """Why a call is left out."""
    name = f"{call['group']} {call['request']['method']} {call['request']['path']}"
    for pattern, why in BY_NAME:
        if re.fullmatch(pattern, name):
            return why
    return None


def is_under_way(call: Call) -> bool:
    """Whether the answer tells of something that is still being done."""
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
