"""What is around every page: projects, policies for browsers, answers to what is wrong, colours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.projects.models import Membership, Project
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.webproject import branding
from tests.conftest import People


@pytest.fixture
def shared_project(cloud: People) -> Project:
    """Bob's project, in which Alice is a member, too."""
    project = Project.objects.get(uuid=cloud.bob.user.uuid)
    Membership.objects.create(
        project=project, person=cloud.alice.user, state=Membership.State.ACCEPTED, initialized=True
    )
    return project


def test_pages_show_one_project_at_a_time_and_the_session_remembers_which(
    alice: Client, cloud: People, shared_project: Project, server: Server
) -> None:
    assert "web-1" in alice.get("/ui/servers/").content.decode()
    chosen = alice.post("/ui/project/", {"project": shared_project.uuid}, follow=True)
    assert "You work in bob@example.org now." in chosen.content.decode()
    for _ in range(2):
        page = alice.get("/ui/servers/").content.decode()
        assert "web-1" not in page
        assert "No servers yet" in page


def test_in_a_shared_project_one_sees_what_is_shared_there(
    alice: Client, cloud: People, shared_project: Project, image: Any, flavor: Any
) -> None:
    caller = cloud.bob.caller
    servers.create(caller, ServerRequest("private-to-bob", image.uuid, flavor.uuid, []))
    shared, _ = servers.create(caller, ServerRequest("for-all", image.uuid, flavor.uuid, []))
    Server.objects.filter(pk=shared.pk).update(shared_to_project=True)
    alice.post("/ui/project/", {"project": shared_project.uuid})
    page = alice.get("/ui/servers/").content.decode()
    assert "for-all" in page
    assert "private-to-bob" not in page


def test_nobody_works_in_a_project_that_is_not_his(alice: Client, cloud: People) -> None:
    assert alice.post("/ui/project/", {"project": cloud.bob.user.uuid}).status_code == 404
    assert alice.post("/ui/project/", {"project": "nonsense"}).status_code == 404


def test_a_project_that_one_has_left_is_not_worked_in_any_more(
    alice: Client, cloud: People, shared_project: Project, server: Server
) -> None:
    alice.post("/ui/project/", {"project": shared_project.uuid})
    Membership.objects.filter(project=shared_project, person=cloud.alice.user).delete()
    assert "web-1" in alice.get("/ui/servers/").content.decode()


@pytest.mark.parametrize(
    "path", ["/ui/servers/", "/ui/servers/create/", "/ui/login/", "/ui/console/", "/ui/no/"]
)
def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(alice: Client, path: str) -> None:
    answer = alice.get(path)
    page, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r"\son[a-z]+=|\sstyle=", page)
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)


def test_an_unknown_page_is_a_friendly_one_with_the_request_id(alice: Client) -> None:
    answer = alice.get("/ui/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert answer["X-Openstack-Request-Id"] in answer.content.decode()


def test_programs_get_no_page_for_an_unknown_path(client: Client, cloud: People) -> None:
    for kinds in ("*/*", "application/json"):
        answer = client.get("/no/such/path", headers={"Accept": kinds})
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


def test_a_crash_is_a_page_with_the_request_id_and_no_traceback(
    cloud: People, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: object) -> None:
        raise RuntimeError("the inside of the cloud")

    alice.raise_request_exception = False
    monkeypatch.setattr(servers, "servers_for", crash)
    answer = alice.get("/ui/servers/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "Something went wrong on our side" in page
    assert answer["X-Openstack-Request-Id"] in page
    assert "inside of the cloud" not in page


@pytest.mark.parametrize(
    "path",
    ["/ui/project/", "/ui/servers/act/", "/ui/servers/create/", "/ui/servers/delete/now/", "/ui/logout/"],
)
def test_what_changes_something_needs_the_forms_token(cloud: People, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cloud.alice.user)
    answer = client.post(path, {"do": "stop", "name": "forged"})
    assert answer.status_code == 403
    assert "The form was too old" in answer.content.decode()


@pytest.mark.parametrize("path", ["/ui/project/", "/ui/servers/act/", "/ui/servers/delete/now/"])
def test_what_changes_something_is_no_link(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 405


@pytest.mark.parametrize(
    "accent", ["#0f6fbf", "#ffffff", "#000000", "#ffee00", "#00ff00", "#7b2cbf", "nonsense"]
)
def test_whatever_the_accent_colour_is_it_can_be_read(accent: str, settings: Any) -> None:
    settings.BRANDING_ACCENT = accent
    sheet = branding.style_sheet()
    light, dark = re.findall(r"--accent-text:(#[0-9a-f]{6})", sheet)
    fill = re.findall(r"--tblr-primary:(#[0-9a-f]{6})", sheet)[0]

    def rgb(text: str) -> branding.RGB:
        red, green, blue = (int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))
        return red, green, blue

    assert branding.contrast(rgb(fill), (1, 1, 1)) >= 4.5
    assert branding.contrast(rgb(light), rgb("#f6f8fb")) >= 4.5
    assert branding.contrast(rgb(dark), rgb("#1a2029")) >= 4.5


def test_the_accent_colour_is_the_operators(client: Client, db: None, settings: Any) -> None:
    settings.BRANDING_ACCENT = "#7b2cbf"
    answer = client.get("/ui/branding.css")
    assert answer["Content-Type"] == "text/css"
    assert "--tblr-primary:#7b2cbf" in answer.content.decode()


def test_a_user_without_a_project_is_told_so(
    cloud: People, alice: Client, new_person: Callable[..., Any]
) -> None:
    Membership.objects.filter(person=cloud.alice.user).delete()
    answer = alice.get("/ui/servers/")
    assert answer.status_code == 403
    assert "You have no project to work in" in answer.content.decode()


@pytest.mark.parametrize(
    ("public_url", "origins", "secure"),
    [
        ("", [], False),
        ("http://10.0.0.5:8080", ["http://10.0.0.5:8080"], False),
        ("https://cloud.example.org/", ["https://cloud.example.org"], True),
    ],
)
def test_behind_tls_forms_of_the_public_address_are_taken_and_cookies_kept_to_it(
    public_url: str, origins: list[str], secure: bool
) -> None:
    program = (
        "import json; from django.conf import settings as s;"
        "print(json.dumps([s.CSRF_TRUSTED_ORIGINS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE]))"
    )
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "synnefo.settings", "SYNNEFO_PUBLIC_URL": public_url,
    }  # fmt: skip
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, timeout=60
    )
    assert json.loads(answer.stdout) == [origins, secure, secure]
