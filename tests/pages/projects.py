"""Projects for tests of pages: applied for and approved as people do it."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone

from synnefo.astakos.models import Project
from synnefo.astakos.projects import applications
from synnefo.astakos.projects.wishes import Wish
from tests.conftest import SYSTEM, Person

VM, DISK = "cyclades.vm", "cyclades.disk"


def wish(name: str = "lab.example.org", **more: Any) -> Wish:
    """A project of half a year with ten servers, two for each member."""
    usual: dict[str, Any] = {
        "name": name,
        "end_date": timezone.now() + datetime.timedelta(days=180),
        "resources": {VM: (2, 10)},
    }
    return Wish(**{**usual, **more})


def project_of(owner: Person, name: str = "lab.example.org", **more: Any) -> Project:
    """A project that runs."""
    made = applications.submit(owner.caller.everywhere(), wish(name, **more))
    applications.approve(SYSTEM, made.pk)
    return Project.objects.get(pk=made.project_id)
