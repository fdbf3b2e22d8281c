"""The actions of compute v2.1 on a server: what each is given, the rule that it is, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router
from pydantic import BaseModel, Field, NonNegativeInt, StringConstraints, ValidationError

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.cyclades.console import rules as console
from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks import groups as security_groups
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.openstack import kit, microversions
from synnefo.cyclades.servers import backups, imaging, life, rules, sizes, systems
from synnefo.cyclades.servers.api import openstack_newer as newer
from synnefo.cyclades.servers.api import openstack_views as views
from synnefo.cyclades.servers.api.openstack_bodies import (
    Description,
    DiskConfig,
    Flag,
    IPv4,
    IPv6,
    Metadata,
    WantedFile,
    decoded,
)
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import RebuildRequest

router = Router()
M = TypeVar("M", bound=BaseModel)
#: Gets the request, the server's uuid and the action's arguments; None is answered with 202.
Act = Callable[[HttpRequest, str, Any], HttpResponse | None]
Rule = Callable[[Caller, str], Any]


class Reboot(kit.Body):
    type: Annotated[str, StringConstraints(to_upper=True, pattern=r"(?i)^(soft|hard)$")]


class Resize(kit.Body):
    flavor: kit.Text | int = Field(alias="flavorRef")
    disk_config: DiskConfig | None = Field(None, alias="OS-DCF:diskConfig")


class Rebuild(kit.Body):
    image: kit.Text = Field(alias="imageRef")
    name: kit.Text | None = None
    admin_password: kit.Text | None = Field(None, alias="adminPass")
    metadata: Metadata | None = None
    personality: list[WantedFile] = Field(default_factory=list)
    preserve_ephemeral: Flag = False
    user_data: kit.Text | None = None
    access_ipv4: IPv4 | None = Field(None, alias="accessIPv4")
    access_ipv6: IPv6 | None = Field(None, alias="accessIPv6")
    disk_config: DiskConfig | None = Field(None, alias="OS-DCF:diskConfig")
    description: Description | None = None


class Rescue(kit.Body):
    admin_password: kit.Text | None = Field(None, alias="adminPass")
    image: kit.Text | None = Field(None, alias="rescue_image_ref")


class NewImage(kit.Body):
    name: Annotated[kit.Text, StringConstraints(min_length=1, max_length=255)]
    metadata: Metadata = Field(default_factory=dict)


class Backup(kit.Body):
    name: Annotated[kit.Text, StringConstraints(min_length=1, max_length=255)]
    backup_type: Annotated[kit.Text, StringConstraints(min_length=1, max_length=255)]
    rotation: NonNegativeInt | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    metadata: Metadata = Field(default_factory=dict)


class Password(kit.Body):
    admin_password: kit.Text = Field(alias="adminPass")


class GroupName(kit.Body):
    name: Annotated[kit.Text, StringConstraints(min_length=1)]


class FloatingAddress(kit.Body):
    address: kit.Text
    fixed_address: kit.Text | None = None


class FixedNetwork(kit.Body):
    network: kit.Text = Field(alias="networkId")


class FixedAddress(kit.Body):
    address: kit.Text


_STATES = {"active": Server.Oper.STARTED, "error": Server.Oper.ERROR}


class State(kit.Body):
    state: Literal["active", "error"]


class ConsoleOutput(kit.Body):
    """``length`` is a number of lines, null or -1 for all."""

    length: int | Annotated[str, StringConstraints(pattern=r"^(-1|[0-9]{1,9})$")] | None = None

    @property
    def lines(self) -> int | None:
        """Raises BadRequest for a negative number other than -1."""
        number = None if self.length is None else int(self.length)
        if number is not None and number < -1:
            raise BadRequest(f"Invalid input for length: {number} is less than the minimum of -1")
        return None if number == -1 else number


class VncConsole(kit.Body):
    type: Literal["novnc"]


#: The kinds of consoles that there are in Nova, by what they speak.
_CONSOLES = {
    "vnc": ("novnc", "xvpvnc"), "spice": ("spice-html5",), "rdp": ("rdp-html5",), "serial": ("serial",),
    "mks": ("webmks",),
}  # fmt: skip


class RemoteConsole(kit.Body):
    protocol: Literal["vnc", "spice", "rdp", "serial", "mks"]
    type: kit.Text


class RemoteConsoleBody(kit.Body):
    remote_console: RemoteConsole


@router.post("/servers/{server_id}/action")
def act(request: HttpRequest, server_id: str, body: Body[dict[str, Any]]) -> HttpResponse:
    """One action: the key of the body says which."""
    if len(body) != 1:
        raise BadRequest("The request must name one action.")
    uuid = kit.known_id(server_id, "Instance")
    name, arguments = next(iter(body.items()))
    action = ACTIONS.get(name)
    if action is None:
        raise BadRequest(f"There is no such action: {name}")
    first, last = _FIRST.get(name, microversions.LEAST), _LAST.get(name, microversions.MOST)
    microversions.need(request, first=first, last=last)
    return action(request, uuid, arguments) or kit.empty(202)


@router.post("/servers/{server_id}/remote-consoles")
def open_console(request: HttpRequest, server_id: str, body: RemoteConsoleBody) -> HttpResponse:
    """What the actions for consoles are in later microversions."""
    microversions.need(request, first=_CONSOLES_ANEW)
    uuid, wanted = kit.known_id(server_id, "Instance"), body.remote_console
    if wanted.type not in _CONSOLES[wanted.protocol]:
        raise BadRequest(
            f"Invalid input for field/attribute type: {wanted.type} is not of {wanted.protocol}."
        )
    rules.get(kit.caller_of(request), uuid)
    if wanted.type != "novnc":
        raise BadRequest(f"Unavailable console type {wanted.type}.")
    url = console.open_console(kit.caller_of(request), uuid, base=kit.origin(request))
    return kit.answer({"remote_console": {"protocol": wanted.protocol, "type": wanted.type, "url": url}})


def _simply(rule: Rule, status: int = 202) -> Act:
    """An action without arguments."""

    def do(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
        rule(kit.caller_of(request), uuid)
        return kit.empty(status)

    return do


def _with(kind: type[M], do: Callable[[HttpRequest, str, M], HttpResponse | None]) -> Act:
    """An action with arguments, which are checked first."""

    def checked(request: HttpRequest, uuid: str, value: Any) -> HttpResponse | None:
        try:
            wanted = kind.model_validate({} if value is None else value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise BadRequest(f"Invalid input for field/attribute {place}: {first['msg']}") from None
        return do(request, uuid, wanted)

    return checked


def _refused(reason: str) -> Act:
    """What a cloud of this kind cannot do; administrators are told why, as Nova tells them."""

    def refuse(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
        caller = kit.caller_of(request)
        rules.get(caller, uuid)
        if not caller.is_admin:
            raise Forbidden("Policy doesn't allow this action to be performed.")
        raise BadRequest(reason)

    return refuse


def _unavailable(kind: str) -> Act:
    def refuse(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
        rules.get(kit.caller_of(request), uuid)
        raise BadRequest(f"Unavailable console type {kind}.")

    return refuse


def _crash_dump(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
    rules.get(kit.caller_of(request), uuid)
    raise BadRequest("This engine does not interrupt guests for a dump of their memory.")


def _restore(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
    rules.get(kit.caller_of(request), uuid)
    raise Conflict("Cannot 'restore' instance while it is in a state other than soft deleted.")


def _reboot(request: HttpRequest, uuid: str, wanted: Reboot) -> None:
    rules.reboot(kit.caller_of(request), uuid, hard=wanted.type == "HARD")


def _resize(request: HttpRequest, uuid: str, wanted: Resize) -> None:
    """A flavor that there is not is Nova's 400, not its 404."""
    caller = kit.caller_of(request)
    rules.get(caller, uuid)
    try:
        sizes.resize(caller, uuid, kit.wanted_id(str(wanted.flavor)), confirm=True)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None


def _rebuild(request: HttpRequest, uuid: str, wanted: Rebuild) -> HttpResponse:
    caller, spoken = kit.caller_of(request), microversions.spoken(request)
    microversions.only_since(request, newer.DESCRIPTION, description=wanted.description)
    rules.get(caller, uuid)
    made = RebuildRequest(
        image=kit.wanted_id(wanted.image),
        name=wanted.name,
        admin_password=wanted.admin_password,
        metadata=wanted.metadata,
        files=[file.request() for file in wanted.personality],
        user_data=decoded(wanted.user_data, "Userdata content") if wanted.user_data else None,
        access_ipv4=wanted.access_ipv4,
        access_ipv6=wanted.access_ipv6,
        disk_config=wanted.disk_config,
        description=wanted.description,
    )
    try:
        server, password = systems.rebuild(caller, uuid, made)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None
    [shown] = views.details_of([server], kit.address(request, "compute"), spoken=spoken)
    response = kit.answer({"server": {**views.core_of(shown), "adminPass": password}}, 202)
    response["Location"] = shown["links"][0]["href"]
    return response


def _rescue(request: HttpRequest, uuid: str, wanted: Rescue) -> HttpResponse:
    caller = kit.caller_of(request)
    rules.get(caller, uuid)
    image = None if wanted.image is None else kit.wanted_id(wanted.image)
    try:
        _, password = systems.rescue(caller, uuid, image=image, password=wanted.admin_password, run=True)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None
    return kit.answer({"adminPass": password})


def _unrescue(caller: Caller, uuid: str) -> None:
    systems.unrescue(caller, uuid, run=True)


def _offload(request: HttpRequest, uuid: str, value: Any) -> HttpResponse:
    """What is shelved is off its engine's processors and memory already; nothing is left to be done."""
    server = rules.get(kit.caller_of(request), uuid)
    if server.operstate != Server.Oper.SHELVED:
        raise Conflict(f"Cannot 'shelveOffload' instance {uuid} while it is in vm_state {server.operstate}")
    return kit.empty(202)


def _create_backup(request: HttpRequest, uuid: str, wanted: Backup) -> HttpResponse:
    caller = kit.caller_of(request)
    image = backups.create(
        caller, uuid, wanted.name, wanted.backup_type, wanted.metadata, rotation=int(wanted.rotation)
    )
    response = kit.empty(202)
    if image is not None:
        response["Location"] = kit.address(request, f"image/v2/images/{image.uuid}")
    return response


def _create_image(request: HttpRequest, uuid: str, wanted: NewImage) -> HttpResponse:
    image = imaging.create_image(kit.caller_of(request), uuid, wanted.name, wanted.metadata)
    response = kit.empty(202)
    response["Location"] = kit.address(request, f"image/v2/images/{image.uuid}")
    return response


def _change_password(request: HttpRequest, uuid: str, wanted: Password) -> None:
    systems.change_password(kit.caller_of(request), uuid, wanted.admin_password)


def _add_group(request: HttpRequest, uuid: str, wanted: GroupName) -> None:
    caller, cards = _cards(request, uuid)
    [group] = security_groups.named(caller, [wanted.name])
    for card in cards:
        ports.set_groups(caller, card.uuid, [*card.security_groups.exclude(pk=group.pk), group])


def _remove_group(request: HttpRequest, uuid: str, wanted: GroupName) -> None:
    caller, cards = _cards(request, uuid)
    [group] = security_groups.named(caller, [wanted.name])
    having = [card for card in cards if card.security_groups.filter(pk=group.pk).exists()]
    if not having:
        raise ItemNotFound(f"Security group {wanted.name} is not associated with the instance {uuid}")
    for card in having:
        ports.set_groups(caller, card.uuid, list(card.security_groups.exclude(pk=group.pk)))


def _add_floating(request: HttpRequest, uuid: str, wanted: FloatingAddress) -> None:
    """To the card with the fixed address, otherwise to the first that has one."""
    caller, cards = _cards(request, uuid)
    found = floating.find_address(caller, wanted.address)
    for card in cards:
        fixed = {ip.address for ip in card.addresses.all() if ip.ip_version == 4}
        if wanted.fixed_address in fixed or (fixed and wanted.fixed_address is None):
            floating.associate(caller, found.uuid, card.uuid)
            return
    raise BadRequest("No such fixed IP address is associated with the instance.")


def _remove_floating(request: HttpRequest, uuid: str, wanted: FloatingAddress) -> None:
    caller, cards = _cards(request, uuid)
    found = floating.find_address(caller, wanted.address)
    if found.nat_port_id not in {card.pk for card in cards}:
        raise Conflict(f"Floating IP {wanted.address} is not associated with instance {uuid}.")
    floating.associate(caller, found.uuid, None)


def _add_fixed(request: HttpRequest, uuid: str, wanted: FixedNetwork) -> None:
    """One more address for the server's card on a network, of the subnet of its first one."""
    caller, cards = _cards(request, uuid)
    for card in cards:
        kept = list(card.addresses.select_related("subnet").order_by("id"))
        if card.network.uuid == kit.wanted_id(wanted.network) and kept:
            fixed = [FixedIp(ip.address) for ip in kept]
            ports.update(caller, card.uuid, fixed_ips=[*fixed, FixedIp(subnet=kept[0].subnet.uuid)])
            return
    raise BadRequest(f"Instance {uuid} has no addresses on network {wanted.network}.")


def _remove_fixed(request: HttpRequest, uuid: str, wanted: FixedAddress) -> None:
    caller, cards = _cards(request, uuid)
    for card in cards:
        fixed = list(card.addresses.order_by("id").values_list("address", flat=True))
        if wanted.address in fixed:
            kept = [FixedIp(address) for address in fixed if address != wanted.address]
            ports.update(caller, card.uuid, fixed_ips=kept)
            return
    raise BadRequest(f"Instance {uuid} does not have fixed IP {wanted.address}.")


def _reset_state(request: HttpRequest, uuid: str, wanted: State) -> None:
    life.reset_state(kit.caller_of(request), uuid, _STATES[wanted.state])


def _console_output(request: HttpRequest, uuid: str, wanted: ConsoleOutput) -> HttpResponse:
    """Nova counts what follows the last line's end as a line."""
    output = console.console_log(kit.caller_of(request), uuid, wanted.lines)
    if wanted.lines:
        output = "\n".join(output.split("\n")[-wanted.lines :])
    return kit.answer({"output": output})


def _vnc_console(request: HttpRequest, uuid: str, wanted: VncConsole) -> HttpResponse:
    url = console.open_console(kit.caller_of(request), uuid, base=kit.origin(request))
    return kit.answer({"console": {"type": wanted.type, "url": url}})


def _cards(request: HttpRequest, uuid: str) -> tuple[Caller, list[Port]]:
    caller = kit.caller_of(request)
    server = rules.get(caller, uuid)
    return caller, list(ports.ports_for(caller).filter(server=server).order_by("index", "id"))


ACTIONS: dict[str, Act] = {
    "os-start": _simply(rules.start),
    "os-stop": _simply(rules.stop),
    "reboot": _with(Reboot, _reboot),
    "forceDelete": _simply(rules.delete),
    "restore": _restore,
    "resize": _with(Resize, _resize),
    "confirmResize": _simply(sizes.confirm_resize, 204),
    "revertResize": _simply(sizes.revert_resize),
    "rebuild": _with(Rebuild, _rebuild),
    "rescue": _with(Rescue, _rescue),
    "unrescue": _simply(_unrescue),
    "pause": _simply(life.pause),
    "unpause": _simply(life.unpause),
    "suspend": _simply(life.suspend),
    "resume": _simply(life.resume),
    "lock": _simply(life.lock),
    "unlock": _simply(life.unlock),
    "shelve": _simply(life.shelve),
    "shelveOffload": _offload,
    "unshelve": _simply(life.unshelve),
    "createBackup": _with(Backup, _create_backup),
    "createImage": _with(NewImage, _create_image),
    "changePassword": _with(Password, _change_password),
    "addSecurityGroup": _with(GroupName, _add_group),
    "removeSecurityGroup": _with(GroupName, _remove_group),
    "addFixedIp": _with(FixedNetwork, _add_fixed),
    "removeFixedIp": _with(FixedAddress, _remove_fixed),
    "addFloatingIp": _with(FloatingAddress, _add_floating),
    "removeFloatingIp": _with(FloatingAddress, _remove_floating),
    "os-resetState": _with(State, _reset_state),
    "os-getConsoleOutput": _with(ConsoleOutput, _console_output),
    "os-getVNCConsole": _with(VncConsole, _vnc_console),
    "os-getSPICEConsole": _unavailable("spice-html5"),
    "os-getRDPConsole": _unavailable("rdp-html5"),
    "os-getSerialConsole": _unavailable("serial"),
    "migrate": _refused("No valid host was found: a server stays on its engine."),
    "os-migrateLive": _refused("No valid host was found: a server stays on its engine."),
    "evacuate": _refused("No valid host was found: a server stays on its engine."),
    "trigger_crash_dump": _crash_dump,
}
#: The microversion in which consoles became something of their own, and what others have no more or not yet.
_CONSOLES_ANEW = 6
_LAST = dict.fromkeys(
    ("os-getVNCConsole", "os-getSPICEConsole", "os-getRDPConsole", "os-getSerialConsole"), _CONSOLES_ANEW - 1
)
_FIRST = {"trigger_crash_dump": 17}
