"""``fix-superusers``"""

from __future__ import annotations

from typing import Any

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic


class Command(Base):
    help = "Make full accounts of superusers that are none, as Django's createsuperuser leaves them."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = User.objects.filter(is_superuser=True, moderated=False, removed_at=None).order_by("pk")
        for user in rows:
            with atomic():
                if not user.email_verified:
                    rules.verify(self.caller, user)
                rules.accept(self.caller, user, policy="superuser")
            self.stdout.write(f"{user.uuid} {user.email}")
