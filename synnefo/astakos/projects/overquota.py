"""The module of the setting ``QUOTA_POLICY_MODULE``: a cloud's own policy about members over their quota.

Its functions, each if it is there, are called in the transaction of the change, when the rows have changed
and before limits follow; what they raise refuses the change (a ``Conflict`` tells the caller why):

- ``check_state_membership(membership, action)``: ACCEPT, ENROLL, JOIN, LEAVE, REMOVE, SUSPEND, UNSUSPEND;
- ``check_state_projects(projects, action)``: MODIFY, SUSPEND, UNSUSPEND, TERMINATE, REINSTATE.

The ``overquota`` fields of memberships are theirs to keep. They must not wait for anything outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings

from synnefo.astakos.projects.models import Membership, Project


def check_membership(membership: Membership, action: str) -> None:
    _call("check_state_membership", membership, action)


def check_projects(projects: Iterable[Project], action: str) -> None:
    _call("check_state_projects", list(projects), action)


def _call(name: str, *arguments: Any) -> None:
    if settings.QUOTA_POLICY_MODULE:
        function = getattr(import_module(settings.QUOTA_POLICY_MODULE), name, None)
        if function is not None:
            function(*arguments)
