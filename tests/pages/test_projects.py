"""Projects in the console: applied for, changed, joined; members; what happened; who sees what."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.astakos.models import Membership, Project, ProjectApplication
from synnefo.astakos.projects import applications, life, memberships
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Policy
from synnefo.audit.models import AuditEvent
from synnefo.common.units import GIB, INFINITE
from tests.conftest import SYSTEM, People, Person
from tests.pages.conftest import signed_in, texts_of
from tests.pages.projects import DISK, VM, project_of, wish

LIST, JOINABLE, APPLY = "/ui/projects/", "/ui/projects/joinable/", "/ui/projects/apply/"
MINE, QUEUE = "/ui/projects/applications/", "/ui/reviews/applications/"
NEXT_YEAR = f"{timezone.now().year + 1}-06-30"
TYPED = {
    "name": "lab.example.org",
    "description": "Where we measure.",
    "end_date": NEXT_YEAR,
    "member_join_policy": "2",
    "member_leave_policy": "1",
    "max_members": "Unlimited",
    f"member-{VM}": "2",
    f"total-{VM}": "10",
    f"member-{DISK}": "20 GB",
    f"total-{DISK}": "Unlimited",
    "comments": "for the course",
}


@pytest.fixture
def alice(people: People) -> Client:
    return signed_in(people.alice)


@pytest.fixture
def bob(people: People) -> Client:
    return signed_in(people.bob)


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def lab(people: People) -> Project:
    """Alice's, which Bob may ask to join."""
    return project_of(people.alice)


def at(project: Project, more: str = "") -> str:
    return f"/ui/projects/{project.uuid}/{more}"


def names_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


def state_of(project: Project, person: Person) -> str:
    return str(Membership.objects.get(project=project, person=person.user).get_state_display())


# -- applying -----------------------------------------------------------------------------------


def test_a_project_is_applied_for_by_way_of_a_summary(alice: Client, people: People) -> None:
    summary = alice.post(APPLY, {**TYPED, "do": "summary"})
    said = texts_of(summary)
    assert "Servers, each member 2" in said
    assert "Disk, in all Unlimited" in said
    assert not ProjectApplication.objects.exists()
    again = alice.post(APPLY, {**TYPED, "do": "edit"})
    assert 'value="lab.example.org"' in again.content.decode()
    sent = alice.post(APPLY, {**TYPED, "do": "submit"}, follow=True)
    row = ProjectApplication.objects.get()
    assert sent.redirect_chain == [(f"{MINE}{row.pk}/", 303)]
    assert row.comments == "for the course"
    grants = {one.resource.name: (one.member_capacity, one.project_capacity) for one in row.grants.all()}
    assert grants == {VM: (2, 10), DISK: (20 * GIB, INFINITE)}
    assert (row.project.realname, row.project.owner) == ("lab.example.org", people.alice.user)
    assert row.end_date is not None
    assert row.end_date.isoformat() == f"{NEXT_YEAR}T00:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": ""}, "Give the project a name."),
        ({"name": "lab"}, "Project name should be in domain format"),
        ({"end_date": ""}, "Say when the project ends."),
        ({"end_date": "2001-01-01"}, "The end must be in the future."),
        ({"max_members": "many"}, "Write a number of members, or Unlimited."),
        ({f"member-{VM}": "20"}, "Servers: a member cannot have more than all together."),
        ({f"member-{VM}": ""}, "Servers: say it for each member and in all."),
        ({f"total-{DISK}": "50"}, "Say the unit: 50 GB?"),
        ({"member_join_policy": "3"}, "Select a valid choice."),
    ],
)
def test_mistakes_are_told_and_what_was_typed_stays(
    alice: Client, change: dict[str, str], complaint: str
) -> None:
    answer = alice.post(APPLY, {**TYPED, **change, "do": "submit"})
    assert answer.status_code == 422
    assert complaint in texts_of(answer)
    assert "Where we measure." in answer.content.decode()
    assert not ProjectApplication.objects.exists()


def test_the_same_request_follows_what_is_typed(alice: Client) -> None:
    said = texts_of(alice.post(f"{APPLY}same/", {**TYPED, "name": "my.lab.org"}))
    assert "kamaki project create" in said
    assert "--name my.lab.org" in said
    assert f"--resource cyclades.vm=2,10 \\ --resource cyclades.disk={20 * GIB},{INFINITE}" in said


def test_who_has_as_many_applications_waiting_as_he_may_is_told_why_he_cannot(
    alice: Client, people: People
) -> None:
    own = projects.get(people.alice.user.uuid)
    projects.set_limits(SYSTEM, own, {applications.PENDING: (1, 1)})
    applications.submit(people.alice.caller.everywhere(), wish())
    page = alice.get(APPLY)
    assert "One of your applications waits for an answer" in texts_of(page)
    assert re.search(r"<button[^>]*disabled[^>]*>Go on", page.content.decode())
    assert alice.post(APPLY, {**TYPED, "name": "other.org", "do": "submit"}).status_code == 422
    assert ProjectApplication.objects.count() == 1


def test_an_administrator_approves_with_words_and_the_project_runs(
    root: Client, alice: Client, people: People
) -> None:
    row = applications.submit(people.alice.caller.everywhere(), wish(comments="for the course"))
    assert "Applications 1 waiting" in texts_of(root.get("/ui/"))
    assert names_in(root.get(QUEUE + "?state=waiting")) == ["lab.example.org"]
    assert "for the course" in texts_of(root.get(f"{MINE}{row.pk}/"))
    root.post(f"{MINE}{row.pk}/answer/", {"do": "approve", "reason": "welcome"})
    row.refresh_from_db()
    assert (row.state, row.response) == (ProjectApplication.State.APPROVED, "welcome")
    assert row.project.is_normal
    assert "welcome" in texts_of(alice.get(f"{MINE}{row.pk}/"))
    assert names_in(root.get(QUEUE + "?state=waiting")) == []


def test_a_denied_application_is_dismissed_by_who_applied(
    root: Client, alice: Client, people: People
) -> None:
    row = applications.submit(people.alice.caller.everywhere(), wish())
    root.post(f"{MINE}{row.pk}/answer/", {"do": "deny", "reason": "no room"})
    assert "The application for this project was denied." in texts_of(alice.get(at(row.project)))
    alice.post(f"{MINE}{row.pk}/answer/", {"do": "dismiss"})
    row.refresh_from_db()
    assert row.state == ProjectApplication.State.DISMISSED
    assert "lab.example.org" not in names_in(alice.get(LIST))


def test_changes_are_asked_for_and_shown_beside_what_is(alice: Client, root: Client, lab: Project) -> None:
    form = alice.get(at(lab, "modify/"))
    typed = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.content.decode()))
    typed |= {"member_join_policy": "2", "member_leave_policy": "1", f"total-{VM}": "20"}
    typed.pop("csrfmiddlewaretoken", None)
    summary = texts_of(alice.post(at(lab, "modify/"), {**typed, "do": "summary"}))
    assert "Servers, in all 10 20" in summary
    assert "Ends" not in summary
    alice.post(at(lab, "modify/"), {**typed, "do": "submit"})
    row = ProjectApplication.objects.latest("pk")
    assert (row.name, row.end_date, row.max_members) == (None, None, None)
    assert [(one.member_capacity, one.project_capacity) for one in row.grants.all()] == [(2, 20)]
    assert "Servers, in all 10 20" in texts_of(root.get(f"{MINE}{row.pk}/"))
    assert "changes wait" in texts_of(alice.get(LIST))


def test_changes_that_change_nothing_are_not_sent(alice: Client, lab: Project) -> None:
    typed = dict(
        re.findall(r'name="([^"]+)" value="([^"]*)"', alice.get(at(lab, "modify/")).content.decode())
    )
    typed |= {"member_join_policy": "2", "member_leave_policy": "1", "do": "submit"}
    answer = alice.post(at(lab, "modify/"), typed)
    assert (answer.status_code, "Nothing is to change." in texts_of(answer)) == (422, True)


def test_a_suspended_project_runs_again_by_changes_only_if_one_says_so(
    root: Client, people: People, lab: Project
) -> None:
    life.suspend(people.admin.caller.everywhere(), lab.uuid, reason="too loud")
    row = applications.submit_change(
        people.alice.caller.everywhere(), lab.uuid, wish(name=None, end_date=None)
    )
    assert "Let the project run again" in texts_of(root.get(f"{MINE}{row.pk}/"))
    root.post(f"{MINE}{row.pk}/answer/", {"do": "approve", "reactivate": "on"})
    lab.refresh_from_db()
    assert lab.is_normal


def test_a_project_is_handed_over_when_an_administrator_approves(
    alice: Client, root: Client, people: People, lab: Project
) -> None:
    refused = alice.post(at(lab, "hand-over/"), {"email": "nobody@example.org"})
    assert (refused.status_code, "Nobody with this e-mail" in texts_of(refused)) == (422, True)
    alice.post(at(lab, "hand-over/"), {"email": "Bob@example.org", "comments": "I leave"})
    row = ProjectApplication.objects.latest("pk")
    assert "Owner alice@example.org bob@example.org" in texts_of(root.get(f"{MINE}{row.pk}/"))
    root.post(f"{MINE}{row.pk}/answer/", {"do": "approve"})
    lab.refresh_from_db()
    assert lab.owner == people.bob.user


# -- joining and members ------------------------------------------------------------------------


def test_one_asks_to_join_is_let_in_and_leaves(
    alice: Client, bob: Client, people: People, lab: Project
) -> None:
    assert names_in(bob.get(JOINABLE)) == ["lab.example.org"]
    asked = bob.post(at(lab, "act/join/"), follow=True)
    assert "lab.example.org: you asked to join." in texts_of(asked)
    assert "bob@example.org asks to join" in texts_of(alice.get("/ui/"))
    page = texts_of(alice.get(at(lab, "members/?state=waiting")))
    assert "bob@example.org Bob Tester Asks to join" in page
    assert "Asked to join bob@example.org" in texts_of(alice.get(at(lab, "activity/")))
    number = Membership.objects.get(project=lab).pk
    alice.post(at(lab, "members/act/"), {"do": f"accept:{number}"})
    assert state_of(lab, people.bob) == "Accepted"
    assert "You are a member of lab.example.org" in texts_of(bob.get("/ui/"))
    left = bob.post(at(lab, "act/leave/"), follow=True)
    assert "lab.example.org: you left." in texts_of(left)
    assert state_of(lab, people.bob) == "Removed"


def test_one_takes_his_request_back(bob: Client, people: People, lab: Project) -> None:
    bob.post(at(lab, "act/join/"))
    assert "Take the request back" in texts_of(bob.get(at(lab)))
    bob.post(at(lab, "act/cancel/"))
    assert state_of(lab, people.bob) == "Cancelled"


def test_a_private_project_is_not_found_by_others(bob: Client, people: People) -> None:
    secret = project_of(people.alice, "secret.example.org", private=True)
    assert names_in(bob.get(JOINABLE)) == []
    assert bob.get(at(secret)).status_code == 404
    assert bob.post(at(secret, "act/join/")).status_code == 404


def test_search_finds_projects_by_name_and_words(bob: Client, people: People, lab: Project) -> None:
    project_of(people.alice, "other.example.org", description="The library of birds")
    assert names_in(bob.get(JOINABLE + "?q=BIRDS")) == ["other.example.org"]
    assert names_in(bob.get(JOINABLE + "?q=lab.ex")) == ["lab.example.org"]


def test_people_are_added_by_a_list_of_addresses_and_who_cannot_be_stays_in_it(
    alice: Client, people: People, lab: Project
) -> None:
    typed = "Bob@example.org, nobody@example.org\nroot@example.org"
    answer = alice.post(at(lab, "members/enroll/"), {"emails": typed})
    assert answer.status_code == 422
    assert "nobody@example.org: Unknown users" in texts_of(answer)
    assert re.search(r"<textarea[^>]*>nobody@example.org</textarea>", answer.content.decode())
    assert [state_of(lab, one) for one in (people.bob, people.admin)] == ["Accepted", "Accepted"]


def test_several_members_are_removed_at_once_after_being_asked(
    alice: Client, people: People, lab: Project
) -> None:
    for name in ("bob", "root"):
        memberships.enroll(people.alice.caller.everywhere(), lab.uuid, f"{name}@example.org")
    numbers = list(Membership.objects.filter(project=lab).values_list("pk", flat=True))
    asked = alice.post(at(lab, "members/act/"), {"do": "remove", "member": numbers}, follow=True)
    assert "Remove 2 people?" in texts_of(asked)
    alice.post(at(lab, "members/remove/"), {"member": numbers, "reason": "the course is over"})
    assert {state_of(lab, one) for one in (people.bob, people.admin)} == {"Removed"}


def test_of_a_batch_each_is_done_that_can_be(alice: Client, people: People) -> None:
    lab = project_of(people.alice, max_members=1)
    for person in (people.bob, people.admin):
        memberships.join(person.caller.everywhere(), lab.uuid)
    numbers = list(Membership.objects.filter(project=lab).values_list("pk", flat=True))
    answer = alice.post(at(lab, "members/act/"), {"do": "accept", "member": numbers}, follow=True)
    assert "bob@example.org is a member now." in texts_of(answer)
    assert "root@example.org: The project has as many members as it can have." in texts_of(answer)


def test_a_closed_project_offers_no_joining(bob: Client, people: People, lab: Project) -> None:
    projects.modify(SYSTEM, lab, {"member_join_policy": Policy.CLOSED})
    assert "Join" not in re.findall(r">\s*(Join)…", bob.get(at(lab)).content.decode())
    refused = bob.post(at(lab, "act/join/"), follow=True)
    assert "policy is closed" in texts_of(refused)


# -- what administrators do ---------------------------------------------------------------------


def test_an_administrator_suspends_resumes_terminates_and_reinstates(root: Client, lab: Project) -> None:
    for name, state in (
        ("suspend", "SUSPENDED"), ("unsuspend", "NORMAL"), ("terminate", "TERMINATED"),
        ("reinstate", "NORMAL"),
    ):  # fmt: skip
        asked = texts_of(root.get(at(lab, f"act/{name}/")))
        assert "lab.example.org?" in asked
        root.post(at(lab, f"act/{name}/"), {"reason": f"because {name}"})
        lab.refresh_from_db()
        assert Project.State(lab.state).name == state
    activity = texts_of(root.get(at(lab, "activity/")))
    assert "Project suspended" in activity
    assert "because terminate" in activity


def test_what_fails_is_told_in_words(root: Client, lab: Project) -> None:
    answer = root.post(at(lab, "act/unsuspend/"), follow=True)
    assert "is not suspended" in texts_of(answer)


# -- who sees what ------------------------------------------------------------------------------

_PAGES = {
    "": (200, 200, 200, 200),
    "facts/": (200, 200, 200, 200),
    "usage/": (403, 200, 200, 200),
    "usage/rows/": (403, 200, 200, 200),
    "usage/export/": (200, 200, 200, 200),
    "usage/members/": (403, 403, 200, 200),
    "usage/members/export/": (403, 403, 200, 200),
    "usage/pool/": (403, 403, 200, 200),
    "activity/": (403, 200, 200, 200),
    "activity/rows/": (403, 200, 200, 200),
    "members/": (403, 403, 200, 200),
    "members/rows/": (403, 403, 200, 200),
    "members/enroll/": (403, 403, 200, 200),
    "members/act/": (405, 405, 405, 405),
    "modify/": (403, 403, 200, 200),
    "hand-over/": (403, 403, 200, 200),
    "act/join/": (200, 200, 200, 200),
    "act/nonsense/": (404, 404, 404, 404),
}


@pytest.mark.parametrize("role", ["stranger", "member", "owner", "admin"])
def test_who_may_open_which_page(
    people: People, new_person: Callable[..., Person], lab: Project, role: str
) -> None:
    memberships.enroll(people.alice.caller.everywhere(), lab.uuid, "bob@example.org")
    person = {
        "stranger": lambda: new_person("eve"), "member": lambda: people.bob,
        "owner": lambda: people.alice, "admin": lambda: people.admin,
    }[role]()  # fmt: skip
    client, place = signed_in(person), ["stranger", "member", "owner", "admin"].index(role)
    found = {page: client.get(at(lab, page)).status_code for page in _PAGES}
    assert found == {page: statuses[place] for page, statuses in _PAGES.items()}


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(lab: Project) -> None:
    paths = [at(lab, page) for page in _PAGES if page != "members/act/"]
    for path in [*paths, LIST, JOINABLE, APPLY, MINE, QUEUE]:
        assert Client().get(path)["Location"].startswith("/ui/login/"), path


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("members/act/", {"do": "accept:1"}), ("members/remove/", {"member": "1"}),
        ("members/enroll/", {"emails": "eve@example.org"}), ("modify/", {"do": "submit"}),
        ("hand-over/", {"email": "bob@example.org"}), ("act/suspend/", {"reason": "x"}),
        ("act/terminate/", {"reason": "x"}),
    ],
)  # fmt: skip
def test_a_member_changes_nothing_of_a_project(
    bob: Client, people: People, lab: Project, path: str, typed: dict[str, str]
) -> None:
    memberships.enroll(people.alice.caller.everywhere(), lab.uuid, "bob@example.org")
    before = AuditEvent.objects.count()
    bob.post(at(lab, path), typed)
    lab.refresh_from_db()
    assert lab.is_normal
    assert AuditEvent.objects.count() == before


def test_queue_and_answers_of_applications_are_administrators(
    alice: Client, bob: Client, people: People
) -> None:
    row = applications.submit(people.alice.caller.everywhere(), wish())
    assert [alice.get(QUEUE).status_code, bob.get(QUEUE).status_code] == [403, 403]
    assert bob.get(f"{MINE}{row.pk}/").status_code == 404
    for client in (alice, bob):
        client.post(f"{MINE}{row.pk}/answer/", {"do": "approve"})
    row.refresh_from_db()
    assert row.is_pending


def test_ones_own_project_is_called_so_and_cannot_be_joined_or_changed(alice: Client, people: People) -> None:
    uuid = people.alice.user.uuid
    page = texts_of(alice.get(f"/ui/projects/{uuid}/"))
    assert "Your own project" in page
    assert "Change" not in page
    assert names_in(alice.get(LIST)) == ["Your own project"]


def test_activity_tells_members_nothing_of_what_others_do_with_things_of_their_own(
    alice: Client, bob: Client, people: People, lab: Project
) -> None:
    memberships.enroll(people.alice.caller.everywhere(), lab.uuid, "bob@example.org")
    for person, name in ((people.alice, "hers"), (people.bob, "his")):
        AuditEvent.objects.create(
            actor=person.user.uuid, actor_name=person.user.email, action="server.create",
            target_kind="server", target_id="1", project=lab.uuid, details={"name": name},
        )  # fmt: skip
    assert "Create server his" in texts_of(bob.get(at(lab, "activity/")))
    assert "Create server hers" not in texts_of(bob.get(at(lab, "activity/")))
    assert "Create server his" not in texts_of(alice.get(at(lab, "activity/")))


# -- lists --------------------------------------------------------------------------------------


def test_lists_cost_the_same_number_of_queries_whatever_they_show(
    root: Client, people: People, new_person: Callable[..., Person], django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        lab = project_of(people.admin, f"lab-{number}.example.org")
        applications.submit(people.admin.caller.everywhere(), wish(f"next-{number}.example.org"))
        memberships.enroll(people.admin.caller.everywhere(), lab.uuid, new_person(f"p{number}").user.email)
    first = Project.objects.get(name="lab-0.example.org")
    for name in ("alice", "bob", "p1", "p2"):
        memberships.enroll(
            people.admin.caller.everywhere(),
            Project.objects.get(name="lab-0.example.org").uuid,
            f"{name}@example.org",
        )
    with django_assert_max_num_queries(32):
        assert len(names_in(root.get(LIST))) == 9
    with django_assert_max_num_queries(32):
        assert len(names_in(root.get(QUEUE))) == 8
    with django_assert_max_num_queries(34):
        assert len(names_in(root.get(at(first, "members/")))) == 5
