"""Cyclades on the dashboard: servers by state, the latest ones, what one did last, and first steps."""

from __future__ import annotations

from django.db.models import Count

from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller
from synnefo.common.dashboard import Part, Step
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import floating, routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.listing import STATES
from synnefo.cyclades.servers.shown import shown
from synnefo.cyclades.shown import Places, deeds, own_events

_SERVERS, _DEEDS = 5, 8
_COLOURS = {"running": "green", "stopped": "secondary", "changing": "blue", "error": "red"}


def dashboard(caller: Caller) -> Part:
    own = servers.servers_for(caller)
    numbers = own.aggregate(total=Count("pk"), **{name: Count("pk", filter=q) for name, q in STATES.items()})
    latest = shown(caller, servers.with_cards(own).order_by("-created", "-id")[:_SERVERS])
    events = list(own_events(caller)[:_DEEDS])
    done = deeds(events, caller, _places(caller, events))
    empty = not numbers["total"]
    context = {
        "total": numbers["total"],
        "states": [(name, numbers[name], _COLOURS[name]) for name in STATES],
        "latest": latest,
        "deeds": done,
    }
    return Part(
        template="cyclades/dashboard.html",
        context=context,
        steps=_steps(caller) if empty else (),
        empty=empty,
        busy=bool(numbers["changing"]) or any(deed.state.busy for deed in done),
    )


def _places(caller: Caller, events: list[AuditEvent]) -> Places:
    """Names and pages of what is still there."""
    ids = {
        kind: [row.target_id for row in events if row.target_kind == kind]
        for kind in ("server", "network", "router", "floating_ip")
    }
    found: dict[tuple[str, str], tuple[str, str]] = {}
    own = servers.servers_for(caller).filter(pk__in=ids["server"])
    for pk, uuid, name in own.values_list("pk", "uuid", "name"):
        found["server", str(pk)] = (name, f"/ui/servers/{uuid}/")
    for network in networks.networks_for(caller).filter(pk__in=ids["network"]):
        found["network", str(network.pk)] = (str(network), f"/ui/networks/{network.uuid}/")
    for router in routers.routers_for(caller).filter(pk__in=ids["router"]):
        found["router", str(router.pk)] = (str(router), f"/ui/routers/{router.uuid}/")
    addresses = floating.floating_ips_for(caller).filter(pk__in=ids["floating_ip"])
    for pk, address in addresses.values_list("pk", "address"):
        found["floating_ip", str(pk)] = (address, f"/ui/floating-ips/?q={address}")
    return found


def _steps(caller: Caller) -> tuple[Step, ...]:
    return (
        Step(
            title="Add an SSH key",
            words="Servers let you in by it, without a password.",
            url="/ui/keys/create/",
            button="Add key",
            command="openstack keypair create --public-key ~/.ssh/id_ed25519.pub laptop",
            done=keypairs.keypairs_for(caller).exists(),
        ),
        Step(
            title="Create a network",
            words="A private one, on which your servers see each other.",
            url="/ui/networks/create/",
            button="Create network",
            command="openstack network create default",
            done=networks.networks_for(caller).filter(public=False).exists(),
        ),
        Step(
            title="Create a server",
            words="Choose an image and a size, and log in over SSH in less than a minute.",
            url="/ui/servers/create/",
            button="Create server",
            command="openstack server create --image IMAGE --flavor FLAVOR NAME",
        ),
    )
