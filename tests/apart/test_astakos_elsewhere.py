"""Cyclades with a database of its own, on another machine than Astakos: it asks over HTTP, and holds out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import httpx
import pytest

from tests.apart.machines import Part, two_machines
from tests.up.cloud import database, wait_for

pytestmark = pytest.mark.host

WEB, DISPATCHER = "synnefo.up.web", "synnefo.webproject.dispatcher"
POOL = "cyclades.floating_ip"

ASTAKOS = f"""
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("createcachetable", verbosity=0)
from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.catalog.rules import find_component, renew_service_token
from synnefo.astakos.catalog.standard import register_standard
from synnefo.common.caller import system_caller
caller = system_caller("tests")
register_standard()
Resource.objects.filter(name="{POOL}").update(system_default=3)
print(renew_service_token(caller, find_component("cyclades")))
user = rules.create(caller, "ada@example.org", "Ada", "Byron")
user = rules.accept(caller, rules.verify(caller, user))
print(tokens.create_api_token(caller, user, "one")[0])
print(tokens.create_api_token(caller, user, "two")[0])
"""

CYCLADES = """
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
call_command("createcachetable", verbosity=0)
from synnefo.common.caller import system_caller
from synnefo.cyclades.networks import rules
caller = system_caller("tests")
public = rules.create(caller, name="public", public=True, floating_ip_pool=True)
rules.create_subnet(caller, public.uuid, name="public", cidr="198.51.100.0/24", dhcp=False)
"""


@dataclasses.dataclass
class Apart:
    astakos: Part
    cyclades: Part
    service_token: str
    token: str
    another_token: str

    def ask(self, method: str, path: str, token: str = "", body: object = None) -> httpx.Response:
        """Synnefo's network API, on the other machine."""
        url = f"{self.cyclades.url}/cyclades/network/v2.0/{path}"
        return httpx.request(
            method, url, headers={"X-Auth-Token": token or self.token}, json=body, timeout=60
        )

    def take(self) -> httpx.Response:
        return self.ask("POST", "floatingips", body={"floatingip": {}})

    def addresses(self, token: str = "") -> list[str]:
        answer = self.ask("GET", "floatingips", token)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["floatingips"]]

    def use(self) -> tuple[int, int]:
        """Usage and what is pending of it, as Astakos sees them."""
        url = f"{self.astakos.url}/astakos/account/v1.0/quotas"
        (quotas,) = httpx.get(url, headers={"X-Auth-Token": self.token}, timeout=60).json().values()
        return quotas[POOL]["usage"], quotas[POOL]["pending"]

    def pending(self) -> list[int]:
        url = f"{self.astakos.url}/astakos/account/v1.0/commissions"
        found: list[int] = httpx.get(url, headers={"X-Auth-Token": self.service_token}, timeout=60).json()
        return found


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    data = tmp_path_factory.mktemp("apart")
    with two_machines() as (here, there), database() as one, database() as other:
        astakos = Part(here, data / "astakos", "astakos", **one)
        service, token, another = astakos.run(ASTAKOS).split()
        cyclades = Part(
            there, data / "cyclades", "cyclades", **other,
            SYNNEFO_ACCOUNTS="synnefo.common.accounts_http.HttpAccounts",
            ASTAKOS_SEAM_URL=f"{astakos.url}/astakos/account/v1.0/", ASTAKOS_SEAM_TOKEN=service,
            SYNNEFO_CHARGE_RESOLVE_AFTER_S="1",
        )  # fmt: skip
        cyclades.run(CYCLADES)
        try:
            astakos.start_web()
            cyclades.start_web()
            cyclades.start(DISPATCHER)
            yield Apart(astakos, cyclades, service, token, another)
        finally:
            cyclades.close()
            astakos.close()


@pytest.fixture(autouse=True)
def clean(apart: Apart) -> Iterator[None]:
    """Each test begins with nothing taken and nothing pending."""
    yield
    for number in apart.addresses():
        wait_for(
            lambda path=f"floatingips/{number}": apart.ask("DELETE", path).status_code in (204, 404),
            "it is given back",
        )
    wait_for(lambda: (apart.use(), apart.pending()) == ((0, 0), []), "everything was given back")


def test_it_authenticates_and_charges_over_http(apart: Apart) -> None:
    assert apart.ask("GET", "floatingips", "nonsense").status_code == 401
    for _ in range(3):
        assert apart.take().status_code == 200
    wait_for(lambda: apart.use() == (3, 0), "the charges are settled")
    refused = apart.take()
    assert (refused.status_code, len(apart.addresses())) == (413, 3)
    assert apart.use() == (3, 0)


def test_a_token_that_ends_there_ends_here_soon(apart: Apart) -> None:
    mine = httpx.post(
        f"{apart.astakos.url}/astakos/identity/v3/auth/tokens",
        json={"auth": {"identity": {"methods": ["token"], "token": {"id": apart.another_token}}}}, timeout=60,
    ).headers["X-Subject-Token"]  # fmt: skip
    assert apart.addresses(mine) == []
    ended = httpx.delete(
        f"{apart.astakos.url}/astakos/identity/v3/auth/tokens",
        headers={"X-Auth-Token": mine, "X-Subject-Token": mine}, timeout=60,
    )  # fmt: skip
    assert ended.status_code == 204
    wait_for(lambda: apart.ask("GET", "floatingips", mine).status_code == 401, "it is refused", timeout_s=60)


def test_while_astakos_is_away_one_reads_and_nothing_is_taken(apart: Apart) -> None:
    assert apart.take().status_code == 200
    before = apart.addresses()
    apart.astakos.kill(WEB)
    try:
        assert apart.addresses() == before
        assert apart.ask("GET", "floatingips", apart.another_token).status_code == 503
        assert apart.take().status_code == 503
        assert apart.ask("DELETE", f"floatingips/{before[0]}").status_code == 503
        assert apart.addresses() == before
    finally:
        apart.astakos.start_web()
    wait_for(lambda: apart.take().status_code == 200, "changes are possible again")
    wait_for(lambda: (apart.use(), apart.pending()) == ((2, 0), []), "the charges are settled")


def test_decisions_wait_until_astakos_is_back(apart: Apart) -> None:
    apart.cyclades.kill(DISPATCHER)  # it delivers them
    assert apart.take().status_code == 200
    assert apart.use() == (1, 1)
    apart.astakos.kill(WEB)
    apart.cyclades.start(DISPATCHER)
    try:
        assert len(apart.addresses()) == 1
    finally:
        apart.astakos.start_web()
    wait_for(lambda: (apart.use(), apart.pending()) == ((1, 0), []), "the decision is delivered")


def test_a_process_that_dies_after_it_reserved_leaks_nothing(apart: Apart) -> None:
    reserved = httpx.post(
        f"{apart.astakos.url}/astakos/account/v1.0/commissions",
        headers={"X-Auth-Token": apart.service_token}, timeout=60,
        json={"provisions": [], "name": "a charge whose process died", "force": False},
    )  # fmt: skip
    assert reserved.status_code == 201
    assert apart.pending() == [reserved.json()["serial"]]
    wait_for(lambda: apart.pending() == [], "the resolver gives it back", timeout_s=120)
