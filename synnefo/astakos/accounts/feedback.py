"""What users write to those who run the cloud."""

from __future__ import annotations

from synnefo.astakos.accounts import notices, throttle
from synnefo.astakos.accounts.models import User
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.transactions import atomic

LONGEST = 10_000


def send(caller: Caller, user: User, message: str, data: str = "") -> None:
    """Raises BadRequest (nothing said, or too much), TooManyRequests."""
    message, data = message.strip(), data.strip()
    if not message:
        raise BadRequest("Write what you want to say.")
    if len(message) > LONGEST or len(data) > LONGEST:
        raise BadRequest(f"Write {LONGEST} characters at most.")
    throttle.count("feedback", user.uuid, caller.address)
    with atomic():
        notices.feedback(user, message, data)
        audit.record(caller, "user.feedback", "user", user.uuid)
