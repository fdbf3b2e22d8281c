"""Requests for more quota: who may ask and answer, what an answer changes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import QuotaRequest, RequestLog
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.projects.rules import set_limits
from synnefo.astakos.quotas import reading
from synnefo.astakos.quotas import rules as quotas
from synnefo.astakos.requests import rules
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, system_caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, WrongState
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person

pytestmark = pytest.mark.django_db

SHARE, POOL = "share", "pool"
VM = "cyclades.vm"
Lab = Callable[..., Project]


def caller_of(person: Person) -> Caller:
    return Caller(user=person.uuid, project=person.uuid, is_admin=person.user.is_superuser)


def ask(person: Person, project: str, kind: str, **wanted: int) -> QuotaRequest:
    amounts = {f"cyclades.{name}": amount for name, amount in wanted.items()}
    return rules.ask(caller_of(person), project, kind, amounts, "more guests are coming")


def limits(user: Person, project: str) -> tuple[int, int]:
    use = reading.of_user(user.uuid)[project][VM]
    return use.limit, use.project_limit


def test_a_member_asks_for_his_share_and_the_owner_gives_it_to_every_member(
    ada: Person, bob: Person, person: Callable[..., Person], lab: Lab
) -> None:
    eve = person("eve")
    project = lab(ada, bob, eve)
    row = ask(bob, project.uuid, SHARE, vm=5)
    assert [found.uuid for found in rules.queue(caller_of(ada))] == [row.uuid]
    rules.approve(caller_of(ada), row.uuid, answer="here you are")
    assert limits(bob, project.uuid) == limits(eve, project.uuid) == (5, 10)
    done = rules.get(caller_of(bob), row.uuid)
    assert (done.state, done.answer, done.reviewer) == (QuotaRequest.State.APPROVED, "here you are", ada.user)
    assert [(part.limit, part.wanted, part.granted) for part in done.amounts.all()] == [(3, 5, 5)]


def test_an_owner_asks_for_the_pool_and_an_administrator_gives_another_amount(
    ada: Person, bob: Person, root: Person, lab: Lab
) -> None:
    project = lab(ada, bob)
    row = ask(ada, project.uuid, POOL, vm=50, cpu=40)
    assert not rules.queue(caller_of(ada)).exists()
    with pytest.raises(Forbidden):
        rules.approve(caller_of(ada), row.uuid)
    rules.approve(caller_of(root), row.uuid, {VM: 20}, "half of it for now")
    assert limits(bob, project.uuid) == (3, 20)
    assert reading.of_projects([project.uuid])[project.uuid]["cyclades.cpu"].limit == 10
    granted = {part.resource.name: part.granted for part in rules.get(caller_of(ada), row.uuid).amounts.all()}
    assert granted == {VM: 20, "cyclades.cpu": None}


def test_what_one_asks_of_ones_system_project_raises_share_and_pool(
    ada: Person, root: Person, small_systems: None
) -> None:
    row = ask(ada, ada.uuid, POOL, vm=6)
    rules.approve(caller_of(root), row.uuid)
    assert limits(ada, ada.uuid) == (6, 6)


@pytest.fixture
def small_systems(ada: Person) -> None:
    set_limits(system_caller("test"), Project.objects.get(uuid=ada.uuid), {VM: (2, 2)})


def test_the_preview_shows_limits_with_their_use(ada: Person, bob: Person, lab: Lab) -> None:
    project = lab(ada, bob)
    quotas.issue(provisions_for(bob.uuid, project.uuid, {VM: 2}), client="test", auto_accept=True)
    share = {line.resource.name: line for line in rules.preview(caller_of(bob), project.uuid, SHARE)}
    pool = {line.resource.name: line for line in rules.preview(caller_of(ada), project.uuid, POOL)}
    assert (share[VM].limit, share[VM].usage) == (3, 2)
    assert (pool[VM].limit, pool[VM].usage) == (10, 2)
    assert "cyclades.total_cpu" not in share


def test_targets_are_ones_own_project_shares_and_what_one_owns(ada: Person, bob: Person, lab: Lab) -> None:
    project = lab(ada, bob)
    of_ada = [(target.project.uuid, target.kind) for target in rules.targets_of(caller_of(ada))]
    of_bob = [(target.project.uuid, target.kind) for target in rules.targets_of(caller_of(bob))]
    assert of_ada == [(ada.uuid, POOL), (project.uuid, POOL)]
    assert of_bob == [(bob.uuid, POOL), (project.uuid, SHARE)]


def test_who_may_not_ask_is_told_so_or_sees_nothing(
    ada: Person, bob: Person, person: Callable[..., Person], lab: Lab
) -> None:
    project, eve = lab(ada, bob), person("eve")
    with pytest.raises(Forbidden):
        ask(bob, project.uuid, POOL, vm=50)
    with pytest.raises(Forbidden):
        ask(eve, project.uuid, SHARE, vm=5)
    Project.objects.filter(pk=project.pk).update(private=True)
    with pytest.raises(ItemNotFound):
        ask(eve, project.uuid, SHARE, vm=5)
    with pytest.raises(ItemNotFound):
        ask(eve, ada.uuid, POOL, vm=5)
    row = ask(bob, project.uuid, SHARE, vm=5)
    for rule in (rules.approve, rules.cancel, rules.get):
        with pytest.raises(ItemNotFound):
            rule(caller_of(eve), row.uuid)


@pytest.mark.parametrize("amounts", [{}, {"vm": 3}, {"vm": -1}, {"vm": INFINITE + 1}, {"nothing": 4}])
def test_amounts_are_more_than_there_is(ada: Person, bob: Person, lab: Lab, amounts: dict[str, int]) -> None:
    with pytest.raises(BadRequest):
        ask(bob, lab(ada, bob).uuid, SHARE, **amounts)


def test_a_reason_is_asked_for_and_has_an_end(ada: Person, bob: Person, lab: Lab) -> None:
    project = lab(ada, bob)
    for reason in (" ", "x" * 5000):
        with pytest.raises(BadRequest):
            rules.ask(caller_of(bob), project.uuid, SHARE, {VM: 5}, reason)


def test_one_waits_for_one_answer_at_a_time(ada: Person, bob: Person, lab: Lab) -> None:
    project = lab(ada, bob)
    first = ask(bob, project.uuid, SHARE, vm=5)
    with pytest.raises(Conflict):
        ask(bob, project.uuid, SHARE, cpu=5)
    rules.cancel(caller_of(bob), first.uuid)
    ask(bob, project.uuid, SHARE, cpu=5)


def test_what_was_answered_is_answered(ada: Person, bob: Person, lab: Lab) -> None:
    row = ask(bob, lab(ada, bob).uuid, SHARE, vm=5)
    with pytest.raises(BadRequest):
        rules.deny(caller_of(ada), row.uuid, " ")
    rules.deny(caller_of(ada), row.uuid, "next month")
    for again in (
        lambda: rules.approve(caller_of(ada), row.uuid),
        lambda: rules.deny(caller_of(ada), row.uuid, "no"),
        lambda: rules.cancel(caller_of(bob), row.uuid),
    ):
        with pytest.raises(WrongState):
            again()


def test_an_owner_gives_no_more_than_the_pool_has(ada: Person, bob: Person, lab: Lab) -> None:
    row = ask(bob, lab(ada, bob).uuid, SHARE, vm=11)
    with pytest.raises(Conflict):
        rules.approve(caller_of(ada), row.uuid)
    for amounts in ({}, {VM: 3}, {"cyclades.cpu": 5}):
        with pytest.raises(BadRequest):
            rules.approve(caller_of(ada), row.uuid, amounts)
    rules.approve(caller_of(ada), row.uuid, {VM: 10})
    assert limits(bob, row.project.uuid) == (10, 10)


def test_what_ended_meanwhile_is_not_raised(ada: Person, bob: Person, root: Person, lab: Lab) -> None:
    project = lab(ada, bob)
    row = ask(bob, project.uuid, SHARE, vm=5)
    membership = Membership.objects.get(project=project, person=bob.user)
    Membership.objects.filter(pk=membership.pk).update(state=Membership.State.REMOVED)
    with pytest.raises(Conflict):
        rules.approve(caller_of(ada), row.uuid)
    pool = ask(ada, project.uuid, POOL, vm=50)
    Project.objects.filter(pk=project.pk).update(state=Project.State.TERMINATED)
    with pytest.raises(Conflict):
        rules.approve(caller_of(root), pool.uuid)
    rules.deny(caller_of(root), pool.uuid, "it is over")


def test_the_history_tells_who_and_why(ada: Person, bob: Person, lab: Lab) -> None:
    row = ask(bob, lab(ada, bob).uuid, SHARE, vm=5)
    rules.deny(caller_of(ada), row.uuid, "next month")
    entries = RequestLog.objects.filter(request=row).order_by("pk")
    assert [(entry.actor, entry.reason) for entry in entries] == [
        (bob.uuid, "more guests are coming"),
        (ada.uuid, "next month"),
    ]
    events = AuditEvent.objects.filter(target_kind="request", target_id=row.uuid).order_by("pk")
    assert [event.action for event in events] == ["request.ask", "request.deny"]


@pytest.mark.parametrize("kind", [SHARE, POOL])
def test_who_answers_gets_a_mail_and_who_asked_gets_the_answer(
    ada: Person, bob: Person, root: Person, lab: Lab, settings: Any, kind: str
) -> None:
    settings.PROJECT_MODIFICATION_RECIPIENTS = ["helpdesk@example.org"]
    project = lab(ada, bob)
    asker, answers, to = (bob, ada, ada.user.email) if kind == SHARE else (ada, root, "helpdesk@example.org")
    row = ask(asker, project.uuid, kind, vm=20 if kind == POOL else 5)
    question = Mail.objects.get(template="quota_request_asked")
    assert question.recipient == to
    assert "more guests are coming" in question.text
    assert f"Servers: {20 if kind == POOL else 5} (now" in question.text
    assert f"/ui/requests/{row.uuid}/" in question.html
    rules.approve(caller_of(answers), row.uuid, answer="<gladly> & soon")
    answer = Mail.objects.get(template="quota_request_answered")
    assert answer.recipient == asker.user.email
    assert answer.subject.endswith("You got more of lab.example.org")
    assert "<gladly> & soon" in answer.text
    assert "&lt;gladly&gt; &amp; soon" in answer.html


def test_a_no_is_told_with_its_reason(ada: Person, root: Person, small_systems: None) -> None:
    row = ask(ada, ada.uuid, POOL, vm=6)
    rules.deny(caller_of(root), row.uuid, "next month")
    answer = Mail.objects.get(template="quota_request_answered")
    assert answer.subject.endswith("You did not get more")
    assert "next month" in answer.text


def test_an_answer_is_shown_until_it_was_read(ada: Person, bob: Person, lab: Lab) -> None:
    row = ask(bob, lab(ada, bob).uuid, SHARE, vm=5)
    with pytest.raises(WrongState):
        rules.dismiss(caller_of(bob), row.uuid)
    rules.approve(caller_of(ada), row.uuid)
    with pytest.raises(ItemNotFound):
        rules.dismiss(caller_of(ada), row.uuid)
    rules.dismiss(caller_of(bob), row.uuid)
    assert rules.get(caller_of(bob), row.uuid).dismissed
