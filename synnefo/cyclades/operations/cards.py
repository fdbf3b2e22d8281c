"""Operations on the network cards of servers that exist: putting one in, taking one out."""

from __future__ import annotations

from synnefo.common.caller import system_caller
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.networks.state import lock as lock_network
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.operations.pictures import card_of
from synnefo.cyclades.operations.servers import ServerProcedure, release
from synnefo.engine.procedure import Move, StepFailed, step


class CardProcedure(ServerProcedure):
    """An operation on one card; the server itself stays what it was."""

    def port(self) -> Port:
        port = Port.objects.select_related("network").prefetch_related("addresses").filter(
            pk=self.payload["port"], server=self.target("server")
        ).first()  # fmt: skip
        if port is None:
            raise StepFailed("The network card is gone.")
        return port

    def pull(self) -> Move:
        server = self.server()
        self.job = self.engine(server).unplug(server.engine_name, self.port().engine_name, self.fence)
        return self.next()


class PlugCard(CardProcedure):
    kind = "server.plug"

    @step(undo=None, because="a network serves its other servers too; it goes when it is deleted")
    def connect(self) -> Move:
        self.join_networks(self.server())
        return self.next()

    @step(undo="pull", because="a card that failed must not be found in the server later")
    def put_in(self) -> Move:
        server = self.server()
        self.job = self.engine(server).plug(server.engine_name, card_of(self.port()), self.fence)
        return self.next()

    @step(undo=None, because="the step before takes out what is in")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def finish(self, error: str) -> None:
        server = self.leave_as_it_was(error)
        state = Port.State.ERROR if error else Port.State.ACTIVE
        server.ports.filter(pk=self.payload["port"]).update(state=state)


class UnplugCard(CardProcedure):
    kind = "server.unplug"

    @step(undo=None, because="what is taken out stays out; a card that could not be is told to be broken")
    def take_out(self) -> Move:
        return self.pull()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def finish(self, error: str) -> None:
        server = self.leave_as_it_was(error)
        port = server.ports.filter(pk=self.payload["port"]).first()
        if port is None:
            return
        if error:
            port.state = Port.State.ERROR
            port.save(update_fields=("state", "updated"))
            return
        network = lock_network(port.network_id)
        release(port, keep=bool(self.payload.get("keep")))
        changed(network, system_caller())
