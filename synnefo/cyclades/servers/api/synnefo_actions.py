"""Actions on servers in Synnefo's compute v2.0: the key of the body says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    ItemNotFound,
    NotImplementedFault,
    WrongState,
)
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.console import rules as console
from synnefo.cyclades.console.address import classic_address, listen_address
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.openstack.kit import origin
from synnefo.cyclades.servers import firewall, floating, rules, sharing, sizes, systems
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.synnefo_api import kit

T = TypeVar("T")
_Arguments = Mapping[str, Any]
_Action = Callable[[HttpRequest, Caller, Server, _Arguments], HttpResponse]


def act(request: HttpRequest, caller: Caller, server: Server, body: Mapping[str, Any]) -> HttpResponse:
    """Do what the first known key says. Raises BadRequest where there is none, and where the state of
    the server does not allow it; BuildInProgress while it is being built."""
    if not body:
        raise BadRequest("Malformed Request.")
    name = next((key for key in body if key in _ACTIONS), None)
    if name is None:
        raise BadRequest(f"Action {next(iter(body))} not supported")
    arguments = body[name]
    if arguments is None and name in _WITHOUT_ARGUMENTS:
        arguments = {}
    if not isinstance(arguments, dict):
        raise BadRequest("Malformed Request.")
    return _ACTIONS[name](request, caller, server, arguments)


def _start(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    return _changed(lambda: rules.start(caller, server.uuid))


def _stop(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    return _changed(lambda: rules.stop(caller, server.uuid))


def _reboot(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    kind = arguments.get("type", "SOFT")
    if kind not in ("SOFT", "HARD"):
        raise BadRequest("Invalid 'type' attribute.")
    return _changed(lambda: rules.reboot(caller, server.uuid, hard=kind == "HARD"))


def _resize(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    """A flavor that servers are no longer made with may be one to change to."""
    if arguments.get("flavorRef") is None:
        raise BadRequest("Malformed request. Missing attribute 'flavorRef'.")
    flavor = flavors.find(caller, kit.number_of(arguments["flavorRef"], "flavor"))
    if flavor.deleted:
        raise ItemNotFound("Flavor not found.")
    return _changed(lambda: sizes.resize(caller, server.uuid, flavor.uuid, confirm=False))


def _rescue(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    given = arguments.get("rescue_image_ref")
    wanted = None if given is None else kit.number_of(given, "rescue image")
    return _changed(lambda: systems.rescue(caller, server.uuid, run=False, rescue_image=wanted))


def _unrescue(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    return _changed(lambda: systems.unrescue(caller, server.uuid, run=False))


def _firewall(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    if arguments.get("nic") is None:
        raise BadRequest("Malformed request. Missing attribute 'nic'.")
    port, profile = kit.number_of(arguments["nic"], "port"), kit.text_in(arguments, "profile")
    return _changed(lambda: firewall.set_profile(caller, server.uuid, port, profile))


def _reassign(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    project, shared = kit.text_in(arguments, "project"), kit.flag_in(arguments, "shared_to_project")
    in_state(lambda: sharing.reassign(caller, server.uuid, project, shared=shared))
    return empty(200)


def _console(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    """Where a VNC client reaches the screen, and the password that opens it once."""
    kind = arguments.get("type")
    if kind not in ("vnc", "vnc-ws", "vnc-wss"):
        raise BadRequest("Supported types: vnc, vnc-ws, vnc-wss")
    return answer({"console": {"type": kind, **_screen(request, caller, server, classic=kind == "vnc")}})


def _screen(request: HttpRequest, caller: Caller, server: Server, *, classic: bool) -> dict[str, Any]:
    if server.operstate != Server.Oper.STARTED:
        raise BadRequest("Server not in ACTIVE state.")
    _, password = console.new_password(caller, server.uuid)
    host = urlsplit(origin(request)).hostname or ""
    port = (classic_address() if classic else listen_address())[1]
    return {"host": host, "port": port, "password": password}


def _vnc_console(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    kind = arguments.get("type")
    if kind == "xvpvnc":
        screen = _screen(request, caller, server, classic=True)
        url = f"{screen['host']}:{screen['port']}?password={screen['password']}"
        return answer({"console": {"type": kind, "url": url}})
    if kind != "novnc":
        raise BadRequest("Supported types: novnc, xvpvnc")
    try:
        url = console.open_console(caller, server.uuid, base=origin(request))
    except Conflict as fault:
        raise BadRequest(fault.message) from None
    return answer({"console": {"type": "novnc", "url": url}})


def _add_floating_ip(
    request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments
) -> HttpResponse:
    return _changed(lambda: floating.add(caller, server, kit.text_in(arguments, "address")))


def _remove_floating_ip(
    request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments
) -> HttpResponse:
    return _changed(lambda: floating.remove(caller, server, kit.text_in(arguments, "address")))


def _suspend(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    raise Forbidden("Only administrators suspend servers.")


def _absent(request: HttpRequest, caller: Caller, server: Server, arguments: _Arguments) -> HttpResponse:
    raise NotImplementedFault("This action is not offered here.")


def in_state(rule: Callable[[], T]) -> T:
    """Call a rule; a state of the server that does not allow it is a bad request here."""
    try:
        return rule()
    except WrongState as fault:
        raise BadRequest(fault.message) from None


def _changed(rule: Callable[[], object]) -> HttpResponse:
    in_state(rule)
    return empty(202)


_ACTIONS: Mapping[str, _Action] = {
    "start": _start,
    "os-start": _start,
    "shutdown": _stop,
    "os-stop": _stop,
    "reboot": _reboot,
    "console": _console,
    "os-getVNCConsole": _vnc_console,
    "os-getSPICEConsole": _absent,
    "os-getRDPConsole": _absent,
    "addFloatingIp": _add_floating_ip,
    "removeFloatingIp": _remove_floating_ip,
    "suspend": _suspend,
    "rescue": _rescue,
    "unrescue": _unrescue,
    "resize": _resize,
    "firewallProfile": _firewall,
    "reassign": _reassign,
}
_WITHOUT_ARGUMENTS = ("start", "os-start", "shutdown", "os-stop", "suspend", "rescue", "unrescue")
