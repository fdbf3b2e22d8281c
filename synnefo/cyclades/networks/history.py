"""Who had a public address when: written when a server gets or loses it, kept for good."""

from __future__ import annotations

from synnefo.cyclades.networks.models import IPAddress, IPAddressHistory, Port

_Action = IPAddressHistory.Action


def associated(port: Port, reason: str = "") -> None:
    """A server has the port now, and with it the public addresses that are its own or lead to it."""
    _write(port, _Action.ASSOCIATE, reason or f"associate port {port.pk}")


def disassociated(port: Port, reason: str = "") -> None:
    """The port's server, if there is one, is about to lose it."""
    _write(port, _Action.DISASSOCIATE, reason or f"disassociate port {port.pk}")


def led(ip: IPAddress, port: Port | None, action: IPAddressHistory.Action) -> None:
    """A floating IP begins or ends to lead to a port, which may be a server's."""
    if port is not None and port.server is not None:
        _row(ip, port, action, f"floating IP {ip.pk} and port {port.pk}").save()


def _write(port: Port, action: IPAddressHistory.Action, reason: str) -> None:
    if port.server is None:
        return
    own = list(port.addresses.filter(network__public=True)) if port.network.public else []
    IPAddressHistory.objects.bulk_create(
        [_row(ip, port, action, reason) for ip in (*own, *port.floating_ips.all())]
    )


def _row(ip: IPAddress, port: Port, action: IPAddressHistory.Action, reason: str) -> IPAddressHistory:
    server = port.server
    assert server is not None  # noqa: S101  callers have looked
    return IPAddressHistory(
        address=ip.address,
        server_id=server.pk,
        network_id=ip.network_id,
        user_id=server.userid,
        action=action,
        action_reason=reason,
    )
