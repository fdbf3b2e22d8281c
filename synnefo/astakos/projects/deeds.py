"""What one can do to a project by a button: asked about first, then one call of a rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django.shortcuts import resolve_url

from synnefo.astakos.projects import life, memberships
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.projects.shown import ProjectShown
from synnefo.common.caller import Caller

Rule = Callable[[Caller, ProjectShown, str], object]


@dataclasses.dataclass(frozen=True)
class Deed:
    """``consequence`` says what it means, ``done`` completes "PROJECT: ..."."""

    name: str
    title: str
    icon: str
    consequence: str
    done: str
    rule: Rule
    asks_reason: bool = False
    is_danger: bool = False


@dataclasses.dataclass(frozen=True)
class Offer:
    """A button of a project's page that asks, or leads on where ``asks`` is false."""

    title: str
    icon: str
    url: str
    css: str
    asks: bool = True


def _own(rule: Callable[..., Membership]) -> Rule:
    """A rule about one's own membership."""

    def do(caller: Caller, shown: ProjectShown, reason: str) -> object:
        number = shown.membership.pk if shown.membership else 0
        return rule(caller, number, reason=reason)

    return do


def _life(rule: Callable[..., Project]) -> Rule:
    return lambda caller, shown, reason: rule(caller, shown.project.uuid, reason=reason)


DEEDS = {
    deed.name: deed
    for deed in (
        Deed(
            "join", "Join", "plus", "You share its resources with its members.", "you asked to join",
            lambda caller, shown, reason: memberships.join(caller, shown.project.uuid),
        ),
        Deed(
            "cancel", "Take the request back", "undo", "You do not ask to join any more.",
            "your request is taken back", _own(memberships.cancel),
        ),
        Deed(
            "leave", "Leave", "logout",
            "You get nothing of it any more. What you have in it stays, and goes on counting there.",
            "you asked to leave", _own(memberships.leave), is_danger=True,
        ),
        Deed(
            "suspend", "Suspend", "stop",
            "Nobody gets anything of it until it is resumed. What is used stays.", "suspended",
            _life(life.suspend), asks_reason=True, is_danger=True,
        ),
        Deed(
            "unsuspend", "Resume", "play", "Its members have their shares again.", "resumed",
            _life(life.unsuspend), asks_reason=True,
        ),
        Deed(
            "terminate", "Terminate", "x",
            "It ends: nobody gets anything of it, its name is free for others. What is used stays.",
            "terminated", _life(life.terminate), asks_reason=True, is_danger=True,
        ),
        Deed(
            "reinstate", "Reinstate", "undo", "It runs again, if its name is still free.", "runs again",
            _life(life.reinstate), asks_reason=True,
        ),
    )
}  # fmt: skip


def possible(shown: ProjectShown) -> list[Deed]:
    """What the caller can do now."""
    caller = shown.caller
    names = ["join"] if shown.may_join else []
    if shown.membership is not None:
        own = memberships.allowed_actions(caller, shown.membership)
        names += [name for name in ("cancel", "leave") if name in own]
    names += life.allowed_actions(caller, shown.project)
    return [DEEDS[name] for name in names]


def what_became(shown: ProjectShown, deed: Deed) -> str:
    """In words, for who did it; joining and leaving depend on the project's policies."""
    row = shown.membership
    if deed.name == "join" and row is not None and row.is_accepted:
        return "you are a member now"
    if deed.name == "leave" and (row is None or not row.is_accepted):
        return "you left"
    return deed.done


def offers(shown: ProjectShown) -> tuple[list[Offer], list[Offer]]:
    """Buttons, and what stands in the menu beside them."""
    uuid, first, more = shown.project.uuid, [], []
    if shown.manages and not shown.project.is_base and shown.project.state in Project.INITIALIZED:
        first.append(Offer("Change", "pencil", resolve_url("project-modify", uuid), "btn", asks=False))
        url = resolve_url("project-hand-over", uuid)
        more.append(Offer("Hand over…", "user", url, "dropdown-item", asks=False))
    for deed in possible(shown):
        url = resolve_url("project-act", uuid, deed.name)
        prominent = deed.name in ("join", "cancel")
        css = f"btn{' btn-primary' if deed.name == 'join' else ''}" if prominent else "dropdown-item"
        danger = " text-danger" if deed.is_danger else ""
        (first if prominent else more).append(Offer(f"{deed.title}…", deed.icon, url, css + danger))
    return first, more
