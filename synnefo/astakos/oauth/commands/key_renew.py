"""``oauth2-key-renew``"""

from __future__ import annotations

from typing import Any

from synnefo.astakos.oauth import keys
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Sign ID tokens with a new key; what the old one signed is good for a day more."

    def handle(self, *args: Any, **options: Any) -> None:
        keys.renew(self.caller)
