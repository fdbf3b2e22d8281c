"""Who comes in, and what of others he sees."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.astakos.accounts import access as own_access
from synnefo.astakos.accounts import rules
from synnefo.common.caller import Scope
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.namespace import containers, objects, sharing
from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.names import Path
from tests.conftest import SYSTEM, People
from tests.pithos_dav.conftest import DAV, TOP, Dav, api_token

DAY = datetime.timedelta(days=1)


def test_users_are_known_by_address_or_uuid_and_by_any_case(people: People, dav: Dav) -> None:
    for user in ("Alice@Example.org", people.alice.user.uuid):
        assert Dav(user, dav.secret).names()[0] == "c/"
    for user, secret in (("bob@example.org", dav.secret), ("alice@example.org", "wrong"), ("x\0", "y")):
        refused = Dav(user, secret).must(401, "PROPFIND", Depth="0")
        assert refused["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic YQ==", "Digest x"])
def test_what_is_no_sign_in_is_asked_for_one(dav: Dav, header: str) -> None:
    refused = Dav("", "").must(401, "GET", "c/", Authorization=header)
    assert refused["WWW-Authenticate"].startswith("Basic ")


def test_tokens_come_in_other_headers_too(people: People, dav: Dav) -> None:
    stranger = Dav("", "")
    for headers in ({"X-Auth-Token": dav.secret}, {"Authorization": f"Bearer {dav.secret}"}):
        stranger.must(207, "PROPFIND", Depth="0", **headers)


def test_the_secret_of_an_application_credential_opens_its_project(people: People, store: Blocks) -> None:
    user = people.alice.user
    made = own_access.create(SYSTEM, user, "disk", project=user.uuid, lifetime=DAY)
    assert made.secret is not None
    mounted = Dav("alice@example.org", made.secret)
    mounted.must(201, "MKCOL", "c")
    assert mounted.names("projects/") == [f"{user.uuid}/"]
    reader = own_access.create(SYSTEM, user, "look", project=user.uuid, lifetime=DAY, read_only=True)
    assert reader.secret is not None
    looking = Dav("alice@example.org", reader.secret)
    assert looking.names() == ["c/", "projects/", "shared/"]
    looking.must(403, "PUT", "c/x", b"1")
    own_access.revoke(SYSTEM, user, made.uuid)
    mounted.must(401, "GET", "c/")


def test_tokens_for_other_services_and_for_reading_are_kept_to_that(people: People, dav: Dav) -> None:
    compute = Dav("alice@example.org", api_token(people.alice, services=["compute"]))
    compute.must(403, "PROPFIND", "c/", Depth="1")
    reader = Dav("alice@example.org", api_token(people.alice, read_only=True, services=["object-store"]))
    assert reader.names("c/") == []
    for method in ("MKCOL", "PUT", "DELETE", "LOCK", "PROPPATCH"):
        reader.must(403, method, "c/x", b"")


def test_who_guesses_is_told_to_wait(people: People, dav: Dav, settings: Any) -> None:
    settings.ASTAKOS_LOGIN_ATTEMPTS = "3/m/key"
    for number in range(3):
        Dav("alice@example.org", f"guess-{number}").must(401, "GET")
    Dav("alice@example.org", "guess-3").must(429, "GET")
    dav.must(200, "GET")  # a token that is right is no guess


def test_somebody_who_may_not_work_any_more_is_out(people: People, dav: Dav) -> None:
    rules.deactivate(SYSTEM, people.alice.user)
    dav.must(401, "GET")


def test_others_files_are_not_to_be_seen(people: People, dav: Dav, bobs: Dav) -> None:
    dav.put("c/x", b"1")
    for top in (f"projects/{people.alice.user.uuid}", f"shared/{people.alice.user.uuid}"):
        for method, path in (
            ("GET", "/c/x"),
            ("PROPFIND", "/c/"),
            ("PUT", "/c/y"),
            ("DELETE", "/c/x"),
            ("MKCOL", "/d"),
        ):
            assert (
                bobs(method, top + path, Depth="infinity" if method == "DELETE" else "1").status_code == 403
            )
    assert bobs.names("shared/") == []
    bobs.must(404, "GET", "projects/no-such-project/")


@pytest.fixture
def shared(people: People, dav: Dav) -> str:
    """Alice's account as Bob sees it: he reads ``c/see``, writes in ``c/both``, and sees no ``c/own``."""
    for folder in ("see", "both", "own"):
        dav.must(201, "MKCOL", f"c/{folder}")
        dav.put(f"c/{folder}/x", folder)
    account, bob = people.alice.user.uuid, people.bob.user.uuid
    for folder, write in (("see", False), ("both", True)):
        sharing.replace(people.alice.caller, Path(account, "c", folder), {bob: write})
    return f"shared/{account}"


def test_what_others_share_is_below_shared(shared: str, bobs: Dav, people: People) -> None:
    assert bobs.names("shared/") == [f"{people.alice.user.uuid}/"]
    found = bobs.find("shared/")
    assert found[f"{shared}/"][f"{DAV}displayname"].text == "alice@example.org"
    assert bobs.names(shared) == ["c/"]
    assert bobs.names(f"{shared}/c") == ["both/", "see/"]
    assert bobs.names(f"{shared}/c/see") == ["x"]
    assert bobs.read(f"{shared}/c/see/x") == b"see"
    bobs.must(403, "GET", f"{shared}/c/own/x")
    bobs.must(403, "PUT", f"{shared}/c/see/y", b"1")
    bobs.must(201, "COPY", f"{shared}/c/see", Destination=f"{shared}/c/both/see")
    assert bobs.names(f"{shared}/c/both/see") == ["x"]


def test_where_one_may_write_one_does(shared: str, bobs: Dav, dav: Dav) -> None:
    bobs.must(201, "PUT", f"{shared}/c/both/y", b"bob's")
    assert dav.read("c/both/y") == b"bob's"
    bobs.must(201, "MKCOL", f"{shared}/c/both/more")
    bobs.must(201, "COPY", f"{shared}/c/see/x", Destination=f"{shared}/c/both/more/z")
    assert dav.names("c/both/") == ["more/", "x", "y"]
    token = bobs.lock(f"{shared}/c/both/y")
    dav.must(423, "PUT", "c/both/y", b"alice's")
    bobs.must(204, "PUT", f"{shared}/c/both/y", b"again", If=f"(<{token}>)")


def test_who_may_write_removes_nothing(shared: str, bobs: Dav, dav: Dav, people: People) -> None:
    dav.must(201, "MKCOL", "c/both/album")
    dav.put("c/both/album/1", b"1")
    top = f"{shared}/c/both"
    bobs.must(403, "DELETE", f"{top}/x")
    bobs.must(403, "COPY", f"{top}/x", Destination=f"{top}/album")
    bobs.must(403, "MOVE", f"{top}/x", Destination=f"{top}/y")
    sharing.replace(
        people.alice.caller, Path(people.alice.user.uuid, "c", "both/album"), {people.bob.user.uuid: False}
    )
    bobs.must(201, "MKCOL", "mine")
    bobs.must(201, "MKCOL", "mine/album")
    bobs.put("mine/album/1", b"2")
    bobs.must(403, "COPY", "mine/album", Destination=f"{top}/album")
    assert (dav.names("c/both/"), dav.read("c/both/album/1")) == (["album/", "x"], b"1")


def test_a_project_s_files_are_below_projects_by_name_too(people: People, dav: Dav) -> None:
    uuid = people.alice.user.uuid
    assert dav.names(f"projects/{uuid}/") == ["c/"]
    dav.put(f"projects/{uuid}/c/x", b"1")
    assert dav.read("c/x") == b"1"
    assert dav.find("projects/")[f"projects/{uuid}/"][f"{DAV}displayname"].text == "alice@example.org"
    assert dav.names("projects/alice@example.org/c/") == ["x"]
    dav.must(201, "MKCOL", f"projects/{uuid}/projects")
    assert dav.names() == ["c/", "projects/", "shared/"]
    assert dav.names(f"projects/{uuid}/") == ["c/", "projects/"]


def test_in_a_project_s_scope_the_top_is_the_project(people: People, dav: Dav) -> None:
    assert people.alice.caller.scope is Scope.PROJECT
    scoped = Dav("", "")
    assert scoped.must(200, "GET", X_Auth_Token=people.alice.token).content == b"c/\nprojects/\nshared/\n"


def test_a_long_list_costs_hardly_more_queries_than_a_short_one(people: People, dav: Dav) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            dav.find("c/")
        return len(queries)

    dav.put("c/0", b"")
    count()
    few = count()
    container = Container.objects.get(name="c")
    made = Object.objects.bulk_create(
        Object(container=container, name=f"n{number:04}") for number in range(2_000)
    )
    Version.objects.bulk_create(Version(object=one, modified=timezone.now(), modified_by="x") for one in made)
    Container.objects.filter(pk=container.pk).update(object_count=2_001)
    assert few <= 6
    assert count() <= few + 2  # one more a thousand names
    assert len(dav.names("c/")) == 2_001


def test_content_costs_few_queries(people: People, dav: Dav) -> None:
    dav.put("c/x", b"1")
    dav.read("c/x")
    with CaptureQueriesContext(connection) as queries:
        dav.read("c/x")
    assert len(queries) <= 5


def test_folders_with_too_many_members_are_refused_not_cut(
    dav: Dav, people: People, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    from synnefo.pithos.faces.webdav import resources

    settings.PITHOS_API_LIST_LIMIT = 2
    for number in range(5):
        dav.put(f"c/{number}", b"")
    assert len(dav.names("c/")) == 5
    monkeypatch.setattr(resources, "_MOST_MEMBERS", 4)
    dav.must(507, "PROPFIND", "c/", Depth="1")


def test_processes_of_pages_send_clients_to_those_of_objects(
    people: People, client: Any, settings: Any
) -> None:
    from synnefo.webproject.objects import elsewhere

    settings.PITHOS_LISTEN = "127.0.0.1:8002"
    request = client.request().wsgi_request
    request.path = request.path_info = f"{TOP}/c/x"
    answer = elsewhere(request)
    assert (answer.status_code, answer["Location"]) == (307, f"http://testserver:8002{TOP}/c/x")


def test_a_container_s_quota_and_the_account_s_are_told(people: People, dav: Dav) -> None:
    dav.put("c/x", b"12345")
    wanted = "<quota-available-bytes/><quota-used-bytes/>"
    body = f'<propfind xmlns="DAV:"><prop>{wanted}</prop></propfind>'
    account = people.alice.user.uuid
    found = dav.find("c/", body, "0")["c/"]
    assert found[f"{DAV}quota-used-bytes"].text == "5"
    containers.update(people.alice.caller, account, "c", attributes={}, policy={"quota": "12"}, merge=True)
    assert dav.find("c/", body, "0")["c/"][f"{DAV}quota-available-bytes"].text == "7"
    assert dav.find("", body, "0")[""][f"{DAV}quota-used-bytes"].text == "5"
    objects.write(
        people.alice.caller,
        Path(account, "c", "d"),
        EMPTY,
        content_type="application/directory",
        attributes={},
    )
    assert dav.find("c/", body)["c/x"] == {}
