from __future__ import annotations

from django.apps import AppConfig


class AstakosConfig(AppConfig):
    name = "synnefo.astakos"
    label = "astakos"

    def ready(self) -> None:
        from synnefo.astakos.accounts import email_change, throttle, tokens
        from synnefo.astakos.mails import sending
        from synnefo.astakos.methods import rules as methods
        from synnefo.astakos.methods import signals  # noqa: F401  they connect themselves
        from synnefo.astakos.oauth import rules as oauth
        from synnefo.astakos.projects import life
        from synnefo.astakos.quotas import deltas, warning
        from synnefo.engine import background

        background.periodic("remove-expired-tokens", 600, tokens.remove_expired)
        background.periodic("remove-expired-oauth", 600, oauth.remove_expired)
        background.periodic("forget-login-attempts", 600, throttle.forget_old)
        background.periodic("forget-pending-identities", 3600, methods.forget_pending)
        background.periodic("fold-usage", 5, deltas.fold_all)
        background.periodic("warn-of-quota", 60, warning.check)
        background.periodic("watch-ends-of-projects", 600, life.watch_ends)
        background.periodic("forget-email-changes", 86400, email_change.forget_old)
        background.periodic("send-mails", sending.EVERY_S, sending.send_due)
        background.periodic("forget-old-mails", 86400, sending.remove_old)
