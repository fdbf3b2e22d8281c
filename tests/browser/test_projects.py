"""Projects in a browser: applied for, approved, joined, handed members; and how their pages look."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from synnefo.astakos.models import Membership, Project, ProjectApplication
from synnefo.astakos.projects import applications, memberships
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.quotas import warning
from synnefo.astakos.requests import rules as requests
from synnefo.common.accounts import accounts, provisions_for
from synnefo.common.units import GIB
from tests.browser.conftest import press
from tests.browser.test_look import KEPT, examine
from tests.conftest import SYSTEM, People, Person
from tests.pages.projects import DISK, VM, project_of, wish

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

KEPT.update(
    {
        "projects",
        "project",
        "project-apply",
        "project-members",
        "usage",
        "application",
        "request-create",
        "reviews",
    }
)


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-name="{name}"]')


def take(person: Person, project: str, **amounts: int) -> None:
    seam = accounts()
    wanted = {f"cyclades.{name}": amount for name, amount in amounts.items()}
    serial = seam.issue(provisions_for(person.user.uuid, project, wanted), name="server")
    seam.resolve([serial], [])


@pytest.fixture
def busy_projects(cloud: People, new_person: Callable[..., Person]) -> Project:
    """A lab of Alice's with members, people who ask, usage near its limits, and things that wait."""
    lab = project_of(
        cloud.alice, description="Where the course on measuring does its exercises.",
        homepage="https://lab.example.org/", resources={
            VM: (4, 12), DISK: (60 * GIB, 200 * GIB), "cyclades.cpu": (8, 24),
            "cyclades.ram": (16 * GIB, 48 * GIB), "cyclades.floating_ip": (1, 4),
            "cyclades.network.private": (2, 6), "pithos.diskspace": (20 * GIB, 100 * GIB),
        },
    )  # fmt: skip
    own = {
        VM: (4, 4), DISK: (60 * GIB, 60 * GIB), "cyclades.cpu": (8, 8), "cyclades.ram": (8 * GIB, 8 * GIB),
        "cyclades.floating_ip": (2, 2), "cyclades.network.private": (2, 2),
        "pithos.diskspace": (50 * GIB, 50 * GIB),
    }  # fmt: skip
    projects.set_limits(SYSTEM, projects.get(cloud.admin.user.uuid), own)
    alice = cloud.alice.caller.everywhere()
    for name in ("alice", "bob"):
        memberships.enroll(alice, lab.uuid, f"{name}@example.org")
    for name in ("carol", "dave"):
        memberships.join(new_person(name).caller.everywhere(), lab.uuid)
    take(cloud.alice, lab.uuid, vm=4, cpu=4, ram=8 * GIB, disk=40 * GIB)
    take(cloud.bob, lab.uuid, vm=3, cpu=6, ram=10 * GIB, disk=30 * GIB, floating_ip=1)
    warning.check()
    applications.submit(alice, wish("archive.example.org", comments="for the papers of last year"))
    requests.ask(alice, lab.uuid, "pool", {VM: 24, DISK: 400 * GIB}, "Next term the course has 30 people.")
    project_of(cloud.admin, "library.example.org", description="Catalogues, and the machines that make them")
    life = timezone.now() - datetime.timedelta(days=40)
    Project.objects.filter(pk=lab.pk).update(created=life)
    return lab


def test_pages_are_sound_in_both_themes_and_on_a_phone(
    busy_projects: Project, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page)

    def look(path: str, name: str) -> None:
        page.goto(f"{live_server.url}/ui/{path}")
        examine(page, name)

    lab = f"projects/{busy_projects.uuid}/"
    look("projects/", "projects")
    look("projects/joinable/", "projects-joinable")
    look("projects/applications/", "applications")
    look(lab, "project")
    look(f"{lab}members/", "project-members")
    look(f"{lab}members/enroll/", "project-enroll")
    look(f"{lab}usage/", "usage")
    look(f"{lab}usage/members/", "usage-members")
    look(f"{lab}activity/", "activity")
    look(f"{lab}modify/", "project-modify")
    look(f"{lab}hand-over/", "project-hand-over")
    look(f"projects/{cloud.alice.user.uuid}/", "own-project")
    look("projects/apply/", "project-apply")
    page.get_by_label("Name", exact=True).fill("lab")
    page.get_by_role("textbox", name="Servers: each member").fill("20")
    page.get_by_role("textbox", name="Servers: in all").fill("10")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#summary")).to_be_visible()
    examine(page, "project-apply-refused")
    page.get_by_label("Name", exact=True).fill("museum.example.org")
    page.get_by_role("textbox", name="Servers: each member").fill("2")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Apply", exact=True)).to_be_visible()
    examine(page, "project-summary")
    page.get_by_role("button", name="Notices").click()
    expect(page.get_by_text("carol@example.org asks to join")).to_be_visible()
    examine(page, "notices", whole=False)


def test_reviewers_pages_are_sound_in_both_themes_and_on_a_phone(
    busy_projects: Project, cloud: People, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> None:  # fmt: skip
    waiting = ProjectApplication.objects.get(state=ProjectApplication.State.PENDING)
    asked = requests.queue(cloud.admin.caller.everywhere()).get()
    page = open_page()
    sign_in(page, "root")

    def look(path: str, name: str) -> None:
        page.goto(f"{live_server.url}/ui/{path}")
        examine(page, name)

    look("reviews/applications/", "reviews")
    look(f"projects/applications/{waiting.pk}/", "application")
    look("reviews/requests/", "review-requests")
    look("reviews/accounts/", "review-accounts")
    look(f"requests/{asked.uuid}/", "request")
    look("requests/", "requests-empty")
    look("requests/create/", "request-create")
    page.get_by_role("button", name="Ask for more").click()
    expect(page.locator("#summary")).to_be_visible()
    examine(page, "request-create-refused")
    page.goto(f"{live_server.url}/ui/projects/{busy_projects.uuid}/")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Suspend").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "project-suspend", whole=False)


def test_a_project_is_applied_for_approved_and_joined(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None]
) -> None:
    alice, root, bob = open_page(), open_page(), open_page()
    for page, name in ((alice, "alice"), (root, "root"), (bob, "bob")):
        sign_in(page, name)
    alice.get_by_role("link", name="Projects", exact=True).click()
    expect(alice.get_by_role("heading", name="Projects")).to_be_visible()
    press(alice, "c")
    alice.get_by_label("Name", exact=True).fill("lab.example.org")
    alice.get_by_role("textbox", name="Servers: each member").fill("2")
    alice.get_by_role("textbox", name="Servers: in all").fill("10")
    expect(alice.locator("#same-kamaki")).to_contain_text("--resource cyclades.vm=2,10")
    alice.get_by_role("button", name="Go on").click()
    alice.get_by_role("button", name="Back to the form").click()
    expect(alice.get_by_role("textbox", name="Servers: in all")).to_have_value("10")
    alice.get_by_role("button", name="Go on").click()
    alice.get_by_role("button", name="Apply", exact=True).click()
    expect(alice.get_by_text("The application is sent.")).to_be_visible()

    root.reload()
    root.get_by_role("link", name="Applications 1 waiting").click()
    root.get_by_role("link", name="lab.example.org").click()
    root.get_by_label("Words to alice@example.org").fill("welcome")
    root.get_by_role("button", name="Approve").click()
    expect(root.get_by_text("approved.")).to_be_visible()
    alice.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(alice.locator(".head")).to_contain_text("Approved")

    bob.goto(f"{live_server.url}/ui/projects/joinable/")
    bob.get_by_role("link", name="lab.example.org").click()
    bob.get_by_role("link", name="Join").click()
    bob.get_by_role("dialog").get_by_role("button", name="Join").click()
    expect(bob.get_by_text("you asked to join")).to_be_visible()
    alice.goto(f"{live_server.url}/ui/projects/")
    alice.get_by_role("button", name="Notices: 1").click()
    alice.get_by_role("link", name="bob@example.org asks to join").click()
    alice.get_by_label("Tick bob@example.org").check()
    bulk = alice.get_by_role("group", name="For the ticked persons")
    bulk.get_by_role("button", name="Accept").click()
    expect(alice.get_by_text("bob@example.org is a member now.")).to_be_visible()
    lab = Project.objects.get(name="lab.example.org")
    assert Membership.objects.get(project=lab).state == Membership.State.ACCEPTED
    bob.goto(f"{live_server.url}/ui/projects/{lab.uuid}/")
    bob.get_by_role("button", name="More actions").click()
    bob.get_by_role("link", name="Leave").click()
    bob.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(bob.get_by_text("you left")).to_be_visible()
    assert Membership.objects.get(project=lab).state == Membership.State.REMOVED


def test_with_the_keyboard_alone_quota_is_asked_for_and_given(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None]
) -> None:
    own = projects.get(cloud.alice.user.uuid)
    projects.set_limits(SYSTEM, own, {VM: (2, 2)})
    page, root = open_page(), open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/requests/create/")
    page.get_by_label("Servers: new limit").focus()
    page.keyboard.type("5")
    page.get_by_label("What you need it for").focus()
    page.keyboard.type("a course")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You asked for more.")).to_be_visible()
    sign_in(root, "root")
    root.get_by_role("link", name="Requests 1 waiting").click()
    root.get_by_role("link", name="Servers 2 → 5").click()
    root.get_by_label("Servers", exact=True).fill("3")
    root.get_by_role("button", name="Approve").click()
    expect(root.get_by_text("The request is answered")).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator(".head")).to_contain_text("Approved")
    quota = accounts().quotas(cloud.alice.user.uuid, own.uuid)
    assert dataclasses.asdict(quota[VM])["limit"] == 3
