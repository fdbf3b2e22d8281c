"""``user-modify``: everything that may be changed of an account, all in one transaction or nothing.

What is combined is done in one order, whatever the order of the options: administrator, reject, verify,
accept, default project, active or not, groups, permissions, password, token, terms, deletion or removal,
e-mail.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.accounts import removal, rules, terms, tokens
from synnefo.astakos.accounts.commands.passwords import generated, given, password_option
from synnefo.astakos.accounts.models import User
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic

_REASONS = {"reject_reason": ("reject", "--reject"), "inactive_reason": ("set_inactive", "--set-inactive")}
_ACTIONS = (
    "set_admin", "set_noadmin", "reject", "verify", "accept", "set_default_project", "set_active",
    "set_inactive", "add_group", "delete_group", "add_permission", "delete_permission", "password",
    "renew_password", "renew_token", "sign_terms", "delete", "remove", "set_email",
)  # fmt: skip


class Command(Base):
    help = "Change an account: verify, accept, reject, activate, deactivate, renew its secrets, remove it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="uuid, number or e-mail")
        self._add_states(parser)
        self._add_rights(parser)
        secret = parser.add_mutually_exclusive_group()
        password_option(secret)
        secret.add_argument("--renew-password", action="store_true", help="make and print a new one")
        parser.add_argument(
            "--renew-token", action="store_true",
            help="end his tokens, those of application credentials excepted, and print a new one",
        )  # fmt: skip
        parser.add_argument("--set-email", metavar="EMAIL", help="with it he signs in from now on")
        parser.add_argument("--set-default-project", metavar="UUID", help="a project that he is a member of")
        parser.add_argument(
            "--sign-terms", action="store_true", help="he agreed to the terms of use elsewhere"
        )
        end = parser.add_mutually_exclusive_group()
        end.add_argument("--delete", action="store_true", help="delete it, if it never was accepted")
        end.add_argument(
            "--remove", action="store_true", help="remove all of it but the uuid, if it uses nothing"
        )
        parser.add_argument("-f", "--no-confirm", action="store_true", help="delete or remove without asking")
        parser.add_argument("--level", type=int, help="kept of older systems, without a meaning here")
        parser.add_argument("--invitations", type=int, help="the same")

    def _add_states(self, parser: CommandParser) -> None:
        parser.add_argument("--verify", action="store_true", help="the e-mail is his")
        moderation = parser.add_mutually_exclusive_group()
        moderation.add_argument("--accept", action="store_true", help="let him in")
        moderation.add_argument("--reject", action="store_true", help="do not let him in")
        parser.add_argument("--reject-reason", metavar="TEXT", default="")
        activity = parser.add_mutually_exclusive_group()
        activity.add_argument("--set-active", action="store_true", help="undo --set-inactive")
        activity.add_argument("--set-inactive", action="store_true", help="keep him and his projects out")
        parser.add_argument("--inactive-reason", metavar="TEXT", default="")

    def _add_rights(self, parser: CommandParser) -> None:
        admin = parser.add_mutually_exclusive_group()
        admin.add_argument("--set-admin", action="store_true", help="he may do everything")
        admin.add_argument("--set-noadmin", action="store_true", help="undo --set-admin")
        for what in ("group", "permission"):
            for verb in ("add", "delete"):
                parser.add_argument(
                    f"--{verb}-{what}", action="append", default=[], metavar=what.upper(),
                    help="may be repeated",
                )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        legacy = {name: options[name] for name in ("level", "invitations")}
        has_legacy = any(value is not None for value in legacy.values())
        if not has_legacy and not any(options[name] for name in _ACTIONS):
            raise CommandError("nothing to change; see --help")
        for reason, (action, option) in _REASONS.items():
            if options[reason] and not options[action]:
                raise CommandError(f"a reason goes with {option} only")
        user = rules.find(options["user"])
        password = generated() if options["renew_password"] else given(options["password"])
        ends = options["delete"] or options["remove"]
        if ends and not options["no_confirm"]:
            self.confirm(f"Remove the account {user.email} ({user.uuid}) for good?")
        with atomic():
            self._change_state(user, options)
            self._change_rights(user, options)
            if password is not None:
                rules.set_password(self.caller, user, password)
            token = tokens.renew(self.caller, user, "snf-manage") if options["renew_token"] else None
            if options["sign_terms"]:
                terms.sign(self.caller, user)
            if has_legacy:
                rules.set_legacy(self.caller, user, **legacy)
            if ends:
                (removal.remove if options["remove"] else rules.delete)(self.caller, user)
            elif options["set_email"]:
                rules.set_email(self.caller, user, options["set_email"])
        self._print("password", password if options["renew_password"] else None)
        self._print("token", token)

    def _change_state(self, user: User, options: dict[str, Any]) -> None:
        if options["set_admin"] or options["set_noadmin"]:
            rules.set_admin(self.caller, user, options["set_admin"])
        if options["reject"]:
            rules.reject(self.caller, user, reason=options["reject_reason"])
        if options["verify"]:
            verify = rules.verify if options["accept"] else rules.confirm_email
            verify(self.caller, user)
        if options["accept"]:
            rules.accept(self.caller, user)
        if options["set_default_project"]:
            rules.set_default_project(self.caller, user, options["set_default_project"])
        if options["set_active"]:
            rules.activate(self.caller, user)
        if options["set_inactive"]:
            rules.deactivate(self.caller, user, reason=options["inactive_reason"])

    def _change_rights(self, user: User, options: dict[str, Any]) -> None:
        for option, rule in (
            ("add_group", rules.add_group),
            ("delete_group", rules.remove_group),
            ("add_permission", rules.add_permission),
            ("delete_permission", rules.remove_permission),
        ):
            for name in options[option]:
                rule(self.caller, user, name)

    def _print(self, what: str, secret: str | None) -> None:
        if secret is not None:
            self.say(f"The new {what}; it is not shown again:")
            self.stdout.write(secret)
