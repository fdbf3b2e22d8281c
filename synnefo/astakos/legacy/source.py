"""The old database of accounts and machines, as far as accounts are concerned."""

from __future__ import annotations

from synnefo.common.faults import BadRequest
from synnefo.common.legacy.source import Source


class AccountsSource(Source):
    """Raises BadRequest for what is no database of Astakos 0.19 - 0.21."""

    def _release(self) -> str:
        if not self.has("im_astakosuser", "uuid") or not self.has("im_project", "is_base"):
            raise BadRequest("This is no database of Astakos 0.19, 0.20 or 0.21.")
        if self.has("im_astakosuser", "default_project"):
            return "0.21"
        return "0.20" if self.has("django_migrations") else "0.19"

    def _first(self) -> str:
        first = self.one("SELECT user_ptr_id, uuid FROM im_astakosuser ORDER BY user_ptr_id LIMIT 1")
        return f"{first['user_ptr_id']} {first['uuid']}" if first else "empty"
