"""From a stranger to out of quota to more quota: in browsers, with a mail server, nothing left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from synnefo.astakos.mails import sending
from synnefo.astakos.models import Membership, Project
from synnefo.cyclades.servers.models import Server
from tests import mail_server
from tests.browser.conftest import PASSWORD
from tests.conftest import People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

GRACE, LAB = "grace@example.org", "lab.example.org"


@pytest.fixture
def inbox(settings: Settings, live_server: Any) -> Iterator[mail_server.Inbox]:
    """What the mail server got; links in mails lead to the server of the tests."""
    settings.SYNNEFO_PUBLIC_URL = live_server.url
    with mail_server.running(settings) as inbox:
        yield inbox


class Story:
    """Grace, who is a stranger, and Root, who answers her; each in a browser."""

    def __init__(self, url: str, grace: Page, root: Page, inbox: mail_server.Inbox) -> None:
        self.url, self.grace, self.root, self.inbox = url, grace, root, inbox

    def signs_up(self) -> None:
        page = self.grace
        page.goto(f"{self.url}/ui/")
        page.get_by_role("link", name="Sign up").click()
        page.get_by_label("E-mail").fill(GRACE)
        page.get_by_label("First name").fill("Grace")
        page.get_by_label("Last name").fill("Hopper")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_text(f"We have sent a mail to {GRACE}")).to_be_visible()
        sending.send_due()
        page.goto(self.inbox.link_to(GRACE))
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("heading", name="Your account waits for approval")).to_be_visible()

    def is_let_in(self) -> None:
        root = self.root
        root.goto(f"{self.url}/ui/")
        root.get_by_role("link", name="Accounts 1 waiting").click()
        root.get_by_role("button", name=f"Actions for {GRACE}").click()
        root.get_by_role("button", name="Accept").last.click()
        expect(root.get_by_text(f"{GRACE} is accepted, and told by mail.")).to_be_visible()
        sending.send_due()
        self.grace.goto(self.inbox.link_to(GRACE))
        self.grace.get_by_label("E-mail").fill(GRACE)
        self.grace.get_by_label("Password").fill(PASSWORD)
        self.grace.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.grace.get_by_role("heading", name="Dashboard")).to_be_visible()

    def applies_for_a_project(self) -> None:
        page, root = self.grace, self.root
        page.get_by_role("link", name="Projects", exact=True).click()
        page.get_by_role("link", name="Apply for a project").click()
        page.get_by_label("Name", exact=True).fill(LAB)
        page.get_by_role("textbox", name="Servers: each member").fill("1")
        page.get_by_role("textbox", name="Servers: in all").fill("4")
        page.get_by_label("Comments for who decides").fill("a course on compilers")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Apply", exact=True).click()
        expect(page.locator(".head")).to_contain_text("Pending")
        root.goto(f"{self.url}/ui/")
        root.get_by_role("link", name="Applications 1 waiting").click()
        root.get_by_role("link", name=LAB).click()
        expect(root.get_by_text("a course on compilers")).to_be_visible()
        root.get_by_role("button", name="Approve").click()
        expect(root.get_by_text("approved.")).to_be_visible()
        sending.send_due()
        assert LAB in self.inbox.last_to(GRACE)

    def takes_people_in(self) -> None:
        page, project = self.grace, Project.objects.get(name=LAB)
        page.goto(f"{self.url}/ui/projects/{project.uuid}/")
        page.get_by_label("This project").get_by_role("link", name="Members").click()
        page.get_by_role("link", name="Add members").first.click()
        page.get_by_label("E-mail addresses").fill(f"{GRACE}, bob@example.org")
        page.get_by_role("button", name="Add").click()
        expect(page.locator('tr[data-name="bob@example.org"]')).to_contain_text("Member")
        sending.send_due()
        assert LAB in self.inbox.last_to("bob@example.org")
        assert Membership.objects.filter(project=project, state=Membership.State.ACCEPTED).count() == 2

    def works_in_it(self) -> None:
        page = self.grace
        page.get_by_role("button", name="Project:").click()
        page.get_by_role("button", name=LAB).click()
        expect(page.get_by_text(f"You work in {LAB} now.")).to_be_visible()
        self.creates("web-1")

    def creates(self, name: str) -> None:
        page = self.grace
        page.goto(f"{self.url}/ui/servers/create/")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("radio", name="None Log in by password").check()
        page.get_by_role("radio", name="None Reached by the console").check()
        page.get_by_role("button", name="Create server").click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()

    def is_out_of_quota_and_asks_for_more(self) -> None:
        page = self.grace
        page.goto(f"{self.url}/ui/servers/create/")
        expect(page.get_by_text("Servers: 1 needed, 0 left").first).to_be_visible()
        page.get_by_role("link", name="Ask for more").click()
        expect(page.get_by_role("heading", name=LAB)).to_be_visible()
        page.get_by_label("Servers: new limit").fill("3")
        page.get_by_label("What you need it for").fill("one machine for each stage")
        page.get_by_role("button", name="Ask for more").click()
        expect(page.get_by_text("You asked for more.")).to_be_visible()

    def gets_more(self) -> None:
        page, root = self.grace, self.root
        root.goto(f"{self.url}/ui/")
        root.get_by_role("link", name="Requests 1 waiting").click()
        root.get_by_role("link", name="Servers 1 → 3").click()
        expect(root.get_by_text("one machine for each stage").first).to_be_visible()
        root.get_by_label("Servers", exact=True).fill("2")
        root.get_by_label(f"Words to {GRACE}").fill("two for now")
        root.get_by_role("button", name="Approve").click()
        expect(root.get_by_text("The request is answered")).to_be_visible()
        sending.send_due()
        assert "two for now" in self.inbox.last_to(GRACE)
        page.goto(f"{self.url}/ui/")
        page.get_by_role("button", name="Notices").click()
        expect(page.get_by_role("link", name=f"More of {LAB}: approved")).to_be_visible()
        page.get_by_role("button", name=f"Dismiss: More of {LAB}: approved").click()
        self.creates("web-2")


def test_a_stranger_becomes_a_member_of_the_cloud_runs_out_of_quota_and_gets_more(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
    inbox: mail_server.Inbox,
) -> None:  # fmt: skip
    story = Story(live_server.url, open_page(), open_page(), inbox)
    sign_in(story.root, "root")
    story.signs_up()
    story.is_let_in()
    story.applies_for_a_project()
    story.takes_people_in()
    story.works_in_it()
    story.is_out_of_quota_and_asks_for_more()
    story.gets_more()
    project = Project.objects.get(name=LAB)
    servers = Server.objects.filter(project=project.uuid).values_list("name", flat=True)
    assert sorted(servers) == ["web-1", "web-2"]
