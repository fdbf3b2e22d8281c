"""Tokens: made, shown once with files that work, listed, revoked; nobody sees another's."""

from __future__ import annotations

import configparser
import datetime
import html
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from synnefo.astakos.accounts import access, tokens
from synnefo.astakos.accounts.models import ApplicationCredential, Token, User
from synnefo.astakos.projects.models import Membership, Project
from synnefo.audit.models import AuditEvent
from synnefo.common.accounts import SERVICES
from synnefo.common.faults import Forbidden, ItemNotFound, Unauthorized
from tests.conftest import SYSTEM, People, Person
from tests.cyclades_synnefo.test_kamaki import Kamaki
from tests.cyclades_synnefo.test_kamaki import installed as installed
from tests.pages.conftest import signed_in, texts_of

LIST, CREATE = "/ui/tokens/", "/ui/tokens/create/"
MONTH = datetime.timedelta(days=30)


def names_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


def files_in(answer: Any) -> dict[str, str]:
    """The files of the page, as they are downloaded."""
    links = re.findall(
        r'href="data:text/plain;charset=utf-8,([^"]*)" download="([^"]+)"', answer.content.decode()
    )
    return {name: urllib.parse.unquote(html.unescape(content)) for content, name in links}


def wanted(person: Person, **fields: Any) -> dict[str, Any]:
    return {
        "name": "laptop", "project": person.user.uuid, "rights": "full", "services": list(SERVICES),
        "lifetime": "month", **fields,
    }  # fmt: skip


@pytest.fixture
def made(people: People) -> access.Secrets:
    alice = people.alice
    return access.create(alice.caller, alice.user, "laptop", project=alice.user.uuid, lifetime=MONTH)


@pytest.fixture
def alice(people: People) -> Client:
    return signed_in(people.alice)


def test_without_tokens_the_page_says_what_they_are_and_how_to_get_one(alice: Client) -> None:
    page = texts_of(alice.get(LIST))
    assert "No tokens yet" in page
    assert "openstack application credential create" in page


def test_a_stranger_is_sent_to_sign_in(client: Client, people: People, made: access.Secrets) -> None:
    for path in (LIST, CREATE, f"{LIST}{made.credential.uuid}/revoke/", f"{LIST}rows/"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/ui/login/"), path


def test_a_token_is_made_and_its_secrets_are_in_that_answer_alone(alice: Client, people: People) -> None:
    answer = alice.post(CREATE, wanted(people.alice))
    page = texts_of(answer)
    assert answer["Cache-Control"] == "no-store"
    token = re.search(r'id="token">([^<]+)<', answer.content.decode())[1]
    assert tokens.identify(token).user == people.alice.user.uuid
    assert "shown this once" in page
    secret = yaml.safe_load(files_in(answer)["clouds.yaml"])["clouds"]["synnefo"]["auth"][
        "application_credential_secret"
    ]
    again = alice.get(LIST)
    assert names_in(again) == ["laptop"]
    kept = str(
        [*ApplicationCredential.objects.values(), *Token.objects.values(), *AuditEvent.objects.values()]
    )
    for word in (token, secret):
        assert word in page
        assert word not in again.content.decode()
        assert word not in kept
    assert str(alice.session.items()).count(token) == 0


def test_the_three_files_name_the_cloud_and_hold_the_token(
    alice: Client, people: People, settings: Any
) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    settings.BRANDING_SERVICE_NAME = "Ädam's Cloud #1"
    files = files_in(alice.post(CREATE, wanted(people.alice, name="it's $HOME")))
    row = ApplicationCredential.objects.get()
    cloud = yaml.safe_load(files["clouds.yaml"])["clouds"]["dam-s-cloud-1"]
    assert cloud["auth_type"] == "v3applicationcredential"
    assert cloud["auth"]["auth_url"] == "https://cloud.example.org/astakos/identity/v3"
    assert cloud["auth"]["application_credential_id"] == row.uuid
    kamakirc = configparser.ConfigParser()
    kamakirc.read_string(files["kamakirc"])
    section = kamakirc['cloud "dam-s-cloud-1"']
    assert kamakirc["global"]["default_cloud"] == "dam-s-cloud-1"
    assert section["url"] == "https://cloud.example.org/astakos/identity/v2.0"
    assert tokens.identify(section["token"]).user == people.alice.user.uuid
    assert f"export OS_APPLICATION_CREDENTIAL_ID={row.uuid}" in files["openrc"]
    assert all(line.startswith(("#", "unset ", "export ")) for line in files["openrc"].splitlines())


@pytest.mark.parametrize(("lifetime", "days"), [("day", 1), ("month", 30), ("year", 365)])
def test_it_works_for_as_long_as_was_chosen(alice: Client, people: People, lifetime: str, days: int) -> None:
    alice.post(CREATE, wanted(people.alice, lifetime=lifetime))
    ends = timezone.now() + datetime.timedelta(days=days)
    for row in (ApplicationCredential.objects.get(), Token.objects.get(name="laptop")):
        assert row.expires is not None
        assert abs(row.expires - ends) < datetime.timedelta(minutes=1)


def test_what_may_only_read_changes_nothing(alice: Client, client: Client, people: People) -> None:
    answer = alice.post(CREATE, wanted(people.alice, rights="read"))
    token = re.search(r"^token = (\S+)$", files_in(answer)["kamakirc"], re.MULTILINE)[1]
    head = {"X-Auth-Token": token}
    path = f"/astakos/identity/v3/users/{people.alice.user.uuid}/application_credentials"
    assert client.get(path, headers=head).status_code == 200
    body = {"application_credential": {"name": "more"}}
    assert client.post(path, body, "application/json", headers=head).status_code == 403
    assert ApplicationCredential.objects.get().roles == ["reader"]
    assert "Read only" in texts_of(alice.get(LIST))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Give the token a name."),
        ({"name": "x" * 256}, "at most 255 characters"),
        ({"name": "line\u2028feed"}, "printable"),
        ({"project": "nonsense"}, "nonsense"),
        ({"lifetime": "ever"}, "ever"),
        ({"rights": "admin"}, "admin"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(
    alice: Client, people: People, fields: dict[str, str], said: str
) -> None:
    answer = alice.post(CREATE, wanted(people.alice, **fields))
    assert answer.status_code == 422
    assert said in texts_of(answer)
    assert not ApplicationCredential.objects.exists()
    assert not Token.objects.exclude(kind=Token.Kind.LOGIN).exists()


def test_a_name_is_taken_once(alice: Client, people: People, made: access.Secrets) -> None:
    answer = alice.post(CREATE, wanted(people.alice))
    assert answer.status_code == 422
    assert "You have a token of this name already" in texts_of(answer)
    assert 'value="laptop"' in answer.content.decode()


def test_nobody_makes_one_in_a_project_that_is_not_his(alice: Client, people: People) -> None:
    assert alice.post(CREATE, wanted(people.bob)).status_code == 422
    with pytest.raises(ItemNotFound):
        access.create(
            people.alice.caller, people.alice.user, "x", project=people.bob.user.uuid, lifetime=MONTH
        )


def test_a_member_makes_one_in_a_shared_project(alice: Client, people: People) -> None:
    project = Project.objects.get(uuid=people.bob.user.uuid)
    Membership.objects.create(
        project=project, person=people.alice.user, state=Membership.State.ACCEPTED, initialized=True
    )
    token = re.search(
        r"^token = (\S+)$", files_in(alice.post(CREATE, wanted(people.bob)))["kamakirc"], re.MULTILINE
    )[1]
    assert tokens.identify(token).project == project.uuid
    Membership.objects.filter(project=project, person=people.alice.user).delete()
    with pytest.raises(Unauthorized):
        tokens.identify(token)


def test_an_administrators_rights_are_given_only_when_he_says_so(people: People) -> None:
    root = signed_in(people.admin)
    for rights, is_admin in (("full", False), ("admin", True)):
        answer = root.post(CREATE, wanted(people.admin, name=rights, rights=rights))
        token = re.search(r"^token = (\S+)$", files_in(answer)["kamakirc"], re.MULTILINE)[1]
        assert tokens.identify(token).is_admin is is_admin
    with pytest.raises(Forbidden):
        access.create(
            people.alice.caller, people.alice.user, "x", project=people.alice.user.uuid, lifetime=MONTH,
            as_admin=True,
        )  # fmt: skip


def test_all_ways_to_sign_in_are_listed_but_those_of_sessions(
    alice: Client, people: People, made: access.Secrets
) -> None:
    caller, user = people.alice.caller, people.alice.user
    tokens.create_api_token(caller, user, "by hand")
    ApplicationCredential.objects.create(
        user=user, project=Project.objects.get(uuid=user.uuid), name="terraform", secret_digest="x",
        roles=["reader"], expires=timezone.now() - MONTH,
    )  # fmt: skip
    answer = alice.get(LIST)
    assert names_in(answer) == ["terraform", "by hand", "laptop"]
    page = texts_of(answer)
    for words in ("Expired", "all of yours", "Personal", "openstack, kamaki", "in 30 days"):
        assert words in page


def test_the_last_use_is_told(alice: Client, client: Client, made: access.Secrets) -> None:
    assert "never" in texts_of(alice.get(LIST))
    given = {"id": made.credential.uuid, "secret": made.secret}
    body = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
    opened = client.post("/astakos/identity/v3/auth/tokens", body, "application/json")
    assert opened.status_code == 201
    Token.objects.filter(name="").delete()
    assert "never" not in texts_of(alice.get(LIST))


def test_nobody_sees_or_revokes_anothers(people: People, made: access.Secrets) -> None:
    for person in (people.bob, people.admin):
        other = signed_in(person)
        assert "No tokens yet" in texts_of(other.get(LIST))
        path = f"{LIST}{made.credential.uuid}/revoke/"
        assert other.get(path).status_code == 404
        assert other.post(f"{path}now/").status_code == 404
    assert tokens.identify(made.token).user == people.alice.user.uuid


def test_a_revoked_one_is_refused_with_all_that_came_of_it(
    alice: Client, client: Client, made: access.Secrets
) -> None:
    given = {"id": made.credential.uuid, "secret": made.secret}
    body = {"auth": {"identity": {"methods": ["application_credential"], "application_credential": given}}}
    opened = client.post("/astakos/identity/v3/auth/tokens", body, "application/json")["X-Subject-Token"]
    path = f"{LIST}{made.credential.uuid}/revoke/"
    assert "Every program that signs in by it is refused" in texts_of(alice.get(path))
    answer = alice.post(f"{path}now/", follow=True)
    assert "laptop is revoked" in texts_of(answer)
    for token in (made.token, opened):
        with pytest.raises(Unauthorized):
            tokens.identify(token)
    assert client.post("/astakos/identity/v3/auth/tokens", body, "application/json").status_code == 401
    assert names_in(alice.get(LIST)) == []


def test_a_token_by_hand_is_revoked_alone(alice: Client, people: People, made: access.Secrets) -> None:
    token, row = tokens.create_api_token(people.alice.caller, people.alice.user, "by hand")
    alice.post(f"{LIST}{row.uuid}/revoke/now/")
    with pytest.raises(Unauthorized):
        tokens.identify(token)
    assert tokens.identify(made.token)


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, people: People, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    user = people.alice.user
    for number in range(60):
        access.create(people.alice.caller, user, f"t{number}", project=user.uuid, lifetime=MONTH)
    with django_assert_max_num_queries(25):
        assert len(names_in(alice.get(LIST))) == 50
    assert len(names_in(alice.get(f"{LIST}?page=2"))) == 10


def test_the_living_part_is_sent_again_only_when_it_changed(alice: Client, made: access.Secrets) -> None:
    old = timezone.now() - datetime.timedelta(days=400)
    ApplicationCredential.objects.update(created=old)
    first = alice.get(f"{LIST}rows/")
    assert alice.get(f"{LIST}rows/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    ApplicationCredential.objects.update(last_used=old)
    assert alice.get(f"{LIST}rows/", headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", [CREATE, f"{LIST}x/revoke/now/"])
def test_what_changes_something_needs_the_forms_token(people: People, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.alice.user)
    assert client.post(path, {"name": "forged"}).status_code == 403


@pytest.mark.parametrize("path", [LIST, CREATE])
def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(
    alice: Client, made: access.Secrets, path: str
) -> None:
    answer = alice.get(path)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(r"\son[a-z]+=|\sstyle=|<script(?![^>]*src=)", answer.content.decode())


# -- the files, by the clients that they are for ------------------------------------------------
@pytest.fixture
def files(live_server: Any, cloud: People, new_server: Callable[..., Any], tmp_path: Path) -> Path:
    """A directory with the files of a token of Alice's, who has a server; the cloud is served."""
    new_server("web-1")
    answer = signed_in(cloud.alice).post(
        CREATE, wanted(cloud.alice), SERVER_NAME=live_server.thread.host, SERVER_PORT=live_server.thread.port
    )
    for name, content in files_in(answer).items():
        (tmp_path / name).write_text(content)
    return tmp_path


def openstack(files: Path, script: str, **more: str) -> str:
    """What a shell script prints that calls the unmodified command line in the directory of the files."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
    done = subprocess.run(
        ["sh", "-ec", script], cwd=files, env={"PATH": path, "HOME": str(files), **more},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_openrc_signs_the_openstack_command_line_in(files: Path) -> None:
    list_names = ". ./openrc; openstack server list -f value -c Name"
    assert openstack(files, list_names) == "web-1\n"
    left_of_another_cloud = {"OS_USERNAME": "me", "OS_PASSWORD": "x", "OS_PROJECT_NAME": "p", "OS_CLOUD": "c"}
    assert openstack(files, list_names, **left_of_another_cloud) == "web-1\n"


def test_clouds_yaml_signs_the_openstack_command_line_in(files: Path) -> None:
    where = files / ".config/openstack"
    where.mkdir(parents=True)
    (files / "clouds.yaml").rename(where / "clouds.yaml")
    assert openstack(files, "openstack --os-cloud synnefo server list -f value -c Name") == "web-1\n"
    created = "openstack --os-cloud synnefo network create -f value -c name lan-2"
    assert openstack(files, created) == "lan-2\n"


def test_a_revoked_token_signs_nobody_in(files: Path, cloud: People) -> None:
    access.revoke(cloud.alice.caller, cloud.alice.user, ApplicationCredential.objects.get().uuid)
    assert "401" in openstack(files, ". ./openrc; openstack server list")


def test_kamakirc_signs_kamaki_in(installed: tuple[str, Path], files: Path) -> None:
    kamaki = Kamaki(*installed, files)
    assert [row["name"] for row in kamaki.json("server", "list")] == ["web-1"]
    user = User.objects.get(email="alice@example.org")
    access.revoke(SYSTEM, user, ApplicationCredential.objects.get().uuid)
    assert "failed to authenticate" in kamaki("server", "list", fails=True)
