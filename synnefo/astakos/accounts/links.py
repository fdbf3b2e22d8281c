"""Links of mails that let their reader do one thing for some time. They are signed; nothing of them is kept.

What a link is for is part of its signature: none can be used for another purpose. That it works once is the
business of the rule that takes it.
"""

from __future__ import annotations

import datetime
from typing import Any

from django.core import signing

from synnefo.common.faults import BadRequest


def sign(purpose: str, **facts: Any) -> str:
    return signing.dumps(facts, salt=f"synnefo.accounts.{purpose}", compress=True)


def read(purpose: str, token: str, lifetime: datetime.timedelta) -> dict[str, Any]:
    """What was signed. Raises BadRequest if it was not by us, or too long ago."""
    try:
        facts: dict[str, Any] = signing.loads(token, salt=f"synnefo.accounts.{purpose}", max_age=lifetime)
    except signing.SignatureExpired as error:
        raise BadRequest("This link is too old. Ask for a new one.") from error
    except signing.BadSignature as error:
        raise BadRequest("This link is not complete. Copy all of it from the mail.") from error
    return facts
