"""Several servers by one request."""

from __future__ import annotations

import dataclasses

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, OverLimit
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest


def create(caller: Caller, request: ServerRequest, least: int, most: int) -> tuple[list[Server], str]:
    """As many servers as quota allows, ``most`` at most, all with one password.

    Where it does not allow ``least``, or something else is wrong, there are none, and the fault is raised.
    """
    made: list[Server] = []
    password = request.admin_password or rules.new_password()
    for number in range(1, most + 1):
        name = request.name if most == 1 else f"{request.name}-{number}"
        one = dataclasses.replace(request, name=name, admin_password=password)
        try:
            made.append(rules.create(caller, one)[0])
        except Fault as fault:
            if isinstance(fault, OverLimit) and len(made) >= least:
                break
            for server in made:
                rules.delete(caller, server.uuid)
            raise
    return made, password
