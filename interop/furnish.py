"""What a whole cloud is given for other projects' tests, in a process of it: ``python -m interop.furnish N``.

No limits, a second image, flavors, and projects with a network and two users each. Prints the ids of things
by name, and the users in the words of tempest's file of accounts, as JSON.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django

IMAGE, OTHER_IMAGE = "tiny", "tiny-2"
FLAVOR, OTHER_FLAVOR = "small", "medium"
PUBLIC = "public"
_PASSWORD = "correct-horse-9"  # noqa: S105  of users of a cloud that lives for minutes
#: Tempest wants one to do things and one to look in a project; strangers, who come first, are of others.
_ROLES = ("member", "reader")
_WITHOUT_LIMIT = (
    "cyclades.vm", "cyclades.cpu", "cyclades.total_cpu", "cyclades.ram", "cyclades.total_ram",
    "cyclades.disk", "cyclades.network.private", "cyclades.floating_ip", "pithos.diskspace",
)  # fmt: skip


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synnefo.settings")
    django.setup()
    _lift_limits()
    things = _things()
    workers = range(int(sys.argv[1]))
    people = [user for number in workers for user in _project(f"stranger{number}", ("stranger",))]
    people += [user for number in range(2 * len(workers)) for user in _project(f"team{number}", _ROLES)]
    print(json.dumps({"things": things, "people": people}))


def _lift_limits() -> None:
    from synnefo.astakos.catalog import rules
    from synnefo.common.caller import system_caller
    from synnefo.common.units import INFINITE

    for name in _WITHOUT_LIMIT:
        rules.modify_resource(system_caller(), name, system_default=INFINITE, project_default=INFINITE)


def _things() -> dict[str, str]:
    from synnefo.common.caller import system_caller
    from synnefo.cyclades.flavors import rules as flavors
    from synnefo.cyclades.images import rules as images
    from synnefo.cyclades.images.models import Image
    from synnefo.cyclades.networks.models import Network

    system, first = system_caller(), Image.objects.get(name=IMAGE)
    file = Path(os.environ["SYNNEFO_SAMPLE_IMAGE"])
    other = images.register_file(_caller_of(first.userid), file, name=OTHER_IMAGE, is_public=True)
    sizes = {
        name: flavors.create(system, cpu=1, ram=ram, disk=1, label=name).uuid
        for name, ram in ((FLAVOR, 128), (OTHER_FLAVOR, 160))
    }
    public = Network.objects.get(name=PUBLIC, public=True).uuid
    return {IMAGE: first.uuid, OTHER_IMAGE: other.uuid, PUBLIC: public, **sizes}


def _project(name: str, roles: Sequence[str]) -> list[dict[str, Any]]:
    """A project with a network, and a member for each role, in the words of tempest's file of accounts."""
    from django.utils import timezone

    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.projects import rules
    from synnefo.astakos.projects.models import Membership, Project
    from synnefo.cyclades.networks import rules as networks

    members = {role: _user(f"{role}.{name}@example.org") for role in roles}
    first = members[roles[0]]
    title = f"{name}.example.org"
    project = Project.objects.create(
        realname=title, name=title, owner=first, state=Project.State.NORMAL,
        end_date=timezone.now() + datetime.timedelta(days=1),
    )  # fmt: skip
    for user in members.values():
        state = Membership.State.ACCEPTED
        Membership.objects.create(project=project, person=user, state=state, initialized=True)
    rules.fill_limits([project], Resource.objects.all())
    rules.sync([project])
    caller = _caller_of(first.uuid).in_project(project.uuid)
    network = networks.create(caller, name=name)
    networks.create_subnet(caller, network.uuid, name=name, cidr="10.100.0.0/24")
    return [
        {
            "username": user.email, "password": _PASSWORD, "project_name": title,
            "domain_name": "Default", "roles": [role] if role in _ROLES else [],
            "resources": {"network": name},
        }
        for role, user in members.items()
    ]  # fmt: skip


def _user(email: str) -> Any:
    from synnefo.astakos.accounts import rules
    from synnefo.common.caller import system_caller

    system = system_caller()
    made = rules.create(system, email, "Tempest", "Tester", password=_PASSWORD)
    return rules.accept(system, rules.verify(system, made))


def _caller_of(user: str) -> Any:
    from synnefo.common.accounts import accounts
    from synnefo.common.caller import Scope

    return accounts().identity_of_user(user).caller(Scope.PROJECT)


if __name__ == "__main__":
    main()
