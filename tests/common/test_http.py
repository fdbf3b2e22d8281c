"""The kit around every request: ids, health, faults without tracebacks, paging."""

from __future__ import annotations

import datetime
import re

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.common import faults
from synnefo.common.http import rendering
from synnefo.common.http.paging import page
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks.models import Network
from tests.conftest import People


def test_every_answer_has_a_request_id_and_a_good_one_is_kept(client: Client) -> None:
    made = client.get("/healthz")["X-Openstack-Request-Id"]
    assert re.fullmatch(r"req-[0-9a-f-]{36}", made)
    assert client.get("/healthz", headers={"X-Openstack-Request-Id": made})["X-Openstack-Request-Id"] == made
    forged = client.get("/healthz", headers={"X-Openstack-Request-Id": "<script>"})
    assert forged["X-Openstack-Request-Id"] != "<script>"


def test_health_readiness_and_metrics(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert b"synnefo_http_requests_total" in client.get("/metrics").content


def test_a_crash_shows_no_traceback(people: People, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the secret detail")

    monkeypatch.setattr(keypairs, "keypairs_for", crash)
    path = "/cyclades/openstack/compute/v2.1/os-keypairs"
    answer = client.get(path, headers=people.alice.headers)
    assert answer.status_code == 500
    assert b"secret detail" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize("kind", list(faults.fault_family().values()), ids=lambda kind: kind.__name__)
def test_every_fault_has_every_shape(kind: type[faults.Fault]) -> None:
    fault = kind("words")
    assert rendering.nova(fault)[kind.name] == {"code": kind.status, "message": "words"}
    assert rendering.synnefo(fault)[kind.name]["details"] == ""
    assert rendering.neutron(fault)["NeutronError"]["message"] == "words"
    assert rendering.keystone(fault)["error"]["code"] == kind.status
    assert rendering.glance(fault)["message"] == "words"
    assert kind.name[0].islower()
    assert 400 <= kind.status < 600


def test_pages_follow_each_other_without_gap_or_repeat(db: None) -> None:
    now = timezone.now()
    for number in range(7):  # three of them made in the same moment
        moment = now - datetime.timedelta(seconds=min(number, 4))
        Network.objects.create(name=str(number), userid="u", project="p", created=moment)
    for newest_first in (True, False):
        seen: list[str] = []
        marker, more = None, True
        while more:
            rows, more = page(Network.objects.all(), limit=2, marker=marker, newest_first=newest_first)
            seen += [row.name for row in rows]
            marker = rows[-1].uuid
        assert len(seen) == len(set(seen)) == 7
    with pytest.raises(faults.BadRequest):
        page(Network.objects.all(), limit=-1, marker=None)
    with pytest.raises(faults.BadRequest):
        page(Network.objects.all(), limit=None, marker="nothing")
    assert page(Network.objects.all(), limit=0, marker=None) == ([], False)
