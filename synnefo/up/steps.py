"""The steps of setting a cloud up. Imported once Django is set up; see ``setup`` for their order.

What is there is left as it is. The samples are made once in a cloud's life: the audit trail remembers
each of them, so that what an operator took away does not come back.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller, Scope, system_caller
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.local import LocalBackend
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.build import tiny
from synnefo.cyclades.images.build.common import BuildError
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network
from synnefo.up import login, samples
from synnefo.up.login import Login
from synnefo.up.place import Place, UpError

Say = Callable[[str], None]
_KAMAKI_TOKEN_LIFE = datetime.timedelta(days=365)
_SYSTEM = system_caller("set-up")


def tables(say: Say) -> None:
    """The database and the table of the database cache, as far as they are not up to date."""
    executor = MigrationExecutor(connection)
    if waiting := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say(f"bringing the database up to date ({len(waiting)} migrations)")
        call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)


def administrator(place: Place, say: Say) -> User:
    """The first administrator; made, with a generated password, in a cloud that has none."""
    known = login.read(place)
    user = User.objects.filter(is_superuser=True).order_by("-is_active", "pk").first()
    if user is None:
        known = known or Login(settings.SYNNEFO_ADMIN_EMAIL, secrets.token_urlsafe(12))
        login.write(place, known)  # before the account, whose password would be lost in a crash
        user = accounts.create(
            _SYSTEM, known.user, "Cloud", "Administrator", password=known.password, admin=True
        )
        say(f"created the administrator {user.email}")
    if known is None or user.username != known.user.lower():
        return user  # not made here: what he may do others have decided
    if not user.email_verified:
        user = accounts.verify(_SYSTEM, user)
    if not user.moderated:
        user = accounts.accept(_SYSTEM, user, policy="set-up", tells=False)
    return user


def sign_in_files(place: Place, user: User) -> None:
    """Renew ``admin-openrc``, and make ``kamakirc`` if there is none."""
    known = login.read(place)
    if known is not None:
        login.write(place, Login(known.user, known.password, known.project or _project_name(user)))
    if not place.kamakirc.exists():
        token, _ = tokens.create_api_token(caller_for(user), user, "kamaki", lifetime=_KAMAKI_TOKEN_LIFE)
        login.write_kamakirc(place, token)


def this_machine() -> None:
    """Cyclades' engine on this machine, in a cloud that knows no engine."""
    if not Backend.objects.exists():
        Backend.objects.create(name="local", kind=Backend.Kind.LOCAL)


def sample_flavors(caller: Caller) -> None:
    for cpu, ram, disk in samples.FLAVORS:
        if not Flavor.objects.filter(cpu=cpu, ram=ram, disk=disk).exists():
            flavors.create(caller, cpu=cpu, ram=ram, disk=disk)


def sample_networks(caller: Caller) -> None:
    """The public network, which floating IPs come from, and a private one of the administrator's."""
    public = Network.objects.filter(name=samples.PUBLIC, public=True, deleted=False).first()
    if public is None:
        public = networks.create(_SYSTEM, name=samples.PUBLIC, public=True, floating_ip_pool=True)
    if not public.subnets.exists():
        cidr = _floating_range()
        networks.create_subnet(_SYSTEM, public.uuid, name=samples.PUBLIC, cidr=cidr, dhcp=False)
    private = Network.objects.filter(name=samples.PRIVATE, userid=caller.user, deleted=False).first()
    if private is None:
        private = networks.create(caller, name=samples.PRIVATE)
    if not private.subnets.exists():
        networks.create_subnet(caller, private.uuid, name=samples.PRIVATE, cidr=samples.PRIVATE_CIDR)


def sample_image(caller: Caller, place: Place, say: Say) -> None:
    """The small guest image, made of Debian packages. Raises UpError if it cannot be made now."""
    if Image.objects.filter(name=samples.IMAGE, is_public=True, deleted=False).exists():
        return
    about: dict[str, object] = {
        "name": samples.IMAGE, "is_public": True, "properties": samples.IMAGE_PROPERTIES,
    }  # fmt: skip
    if settings.SYNNEFO_SAMPLE_IMAGE:
        images.register_file(caller, Path(settings.SYNNEFO_SAMPLE_IMAGE), **about)
        return
    say(f"building the guest image {samples.IMAGE!r} of Debian packages")
    work = place.data / "build"
    path = work / f"{samples.IMAGE}.qcow2"
    try:
        tiny.build(path, workdir=work, log=say)
        images.register_file(caller, path, **about)
    except BuildError as error:
        raise UpError(f"the image {samples.IMAGE!r} cannot be made now: {error}") from error
    finally:
        path.unlink(missing_ok=True)


def once(name: str, step: Callable[[], None]) -> None:
    """Run a step that was not done yet in this cloud, and remember it."""
    done = {"action": "set-up.done", "target_kind": "step", "target_id": name}
    if not AuditEvent.objects.filter(**done).exists():
        step()
        audit.record(_SYSTEM, done["action"], done["target_kind"], done["target_id"])


def caller_for(user: User) -> Caller:
    """The administrator acting in his own project."""
    return Caller(
        user=user.uuid,
        project=user.default_project,
        projects=frozenset({user.default_project}),
        roles=frozenset({"admin", "member", "reader"}),
        scope=Scope.PROJECT,
        is_admin=True,
        name=user.username,
    )


def _project_name(user: User) -> str:
    return Project.objects.get(uuid=user.default_project).realname


def _floating_range() -> str:
    """What the engine of this machine can lead to guests: the setting, or loopback without rights."""
    for row in Backend.objects.filter(kind=Backend.Kind.LOCAL):
        engine = registry.engine(row)
        if isinstance(engine, LocalBackend) and isinstance(engine.fabric, UserFabric):
            return samples.USER_RANGE
    configured: str = settings.CYCLADES_LOCAL_FLOATING_RANGE
    return configured
