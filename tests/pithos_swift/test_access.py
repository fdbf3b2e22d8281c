"""Who reaches which account through the Swift face, and what bad requests get."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.quotas import reading
from synnefo.pithos.namespace.models import Account, Container, Object, Version
from tests.conftest import People
from tests.pithos_swift.conftest import TOP, Api, Team

READS = [
    ("GET", "", {}, 200),
    ("HEAD", "", {}, 204),
    ("GET", "c", {}, 200),
    ("HEAD", "c", {}, 204),
    ("GET", "c/o", {}, 200),
    ("HEAD", "c/o", {}, 200),
]
WRITES = [
    ("POST", "", {"X-Account-Meta-A": "b"}, 204),
    ("PUT", "c", {}, 202),
    ("PUT", "new", {}, 201),
    ("POST", "c", {"X-Container-Meta-A": "b"}, 204),
    ("DELETE", "empty", {}, 204),
    ("PUT", "c/o", {}, 201),
    ("PUT", "c/copy", {"X-Copy-From": "c/o", "Content-Length": "0"}, 201),
    ("POST", "c/o", {"X-Object-Meta-A": "b"}, 202),
    ("COPY", "c/o", {"Destination": "c/copy"}, 201),
    ("DELETE", "c/o", {}, 204),
]


def state() -> tuple[Any, ...]:
    """All that is stored, but accounts that somebody looked at."""
    return (
        list(Account.objects.exclude(attributes={}).values_list("name", "attributes").order_by("name")),
        list(Container.objects.values("name", "attributes", "object_count", "size_bytes").order_by("pk")),
        Object.objects.count(),
        list(Version.objects.values("pk", "state", "attributes").order_by("pk")),
    )


@pytest.fixture
def furnished(team: Team) -> Team:
    assert team.member("PUT", "empty").status_code == 201
    return team


@pytest.mark.parametrize(("method", "path", "headers", "status"), READS + WRITES)
def test_every_route_refuses_who_does_not_belong(
    furnished: Team, people: People, new_person: Any, method: str, path: str, headers: Any, status: int
) -> None:
    before = state()
    body = b"" if "X-Copy-From" in headers else b"x"
    other = new_person("carol")
    in_own_project = people.alice.token  # a member, with a token for her own project
    for token in (other.token, people.admin.token, in_own_project):
        response = Api(token, furnished.project)(method, path, body, **headers)
        assert response.status_code == 403, response.content
        unknown = Api(token, "nobody")(method, path, body, **headers)
        assert (unknown.status_code, unknown.content) == (403, response.content)
    own = Api(furnished.member.token, people.alice.user.uuid)(method, path, body, **headers)
    assert own.status_code == 403
    for token in ("", "nonsense"):
        response = Api(token, furnished.project)(method, path, body, **headers)
        assert response.status_code == 401
        assert response["WWW-Authenticate"]
    assert state() == before


@pytest.mark.parametrize("who", ["member", "mate", "unscoped"])
@pytest.mark.parametrize(("method", "path", "headers", "status"), READS + WRITES)
def test_every_route_is_open_to_members(
    furnished: Team, who: str, method: str, path: str, headers: Any, status: int
) -> None:
    body = b"" if "X-Copy-From" in headers else b"x"
    response = getattr(furnished, who)(method, path, body, **headers)
    assert response.status_code == status, response.content


@pytest.mark.parametrize(("method", "path", "headers", "status"), READS + WRITES)
def test_readers_read_only(furnished: Team, method: str, path: str, headers: Any, status: int) -> None:
    before = state()
    body = b"" if "X-Copy-From" in headers else b"x"
    response = furnished.reader(method, path, body, **headers)
    assert response.status_code == (status if method in ("GET", "HEAD") else 403), response.content
    assert state() == before


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "DELETE, GET, HEAD, POST, PUT"), ("c", "DELETE, GET, HEAD, POST, PUT"),
     ("c/o", "COPY, DELETE, GET, HEAD, POST, PUT")],
)  # fmt: skip
def test_other_methods_are_refused(api: Api, path: str, allowed: str) -> None:
    for method in ("PATCH", "MOVE"):
        response = api(method, path)
        assert (response.status_code, response["Allow"]) == (405, allowed)


def test_what_is_in_a_projects_account_is_charged_to_the_project_alone(team: Team, people: People) -> None:
    team.mate.put("c/big", "x" * 100)
    version = Version.objects.get(object__name="big")
    assert version.modified_by == people.bob.user.uuid
    assert version.object.container.project == team.project
    usage = reading.of_user(people.bob.user.uuid, projects=[team.project])[team.project]["pithos.diskspace"]
    assert (usage.usage, usage.project_usage) == (0, 106)
    assert team.member("DELETE", "c/big").status_code == 204
    usage = reading.of_user(people.bob.user.uuid, projects=[team.project])[team.project]["pithos.diskspace"]
    assert usage.project_usage == 6


def test_nothing_is_copied_between_accounts_that_one_token_does_not_both_reach(
    team: Team, people: People, api: Api
) -> None:
    api.put("c/mine", "mine")
    mine = {"X_Copy_From_Account": f"AUTH_{api.account}"}
    assert team.member("PUT", "c/x", X_Copy_From="c/mine", **mine).status_code == 403
    there = {"Destination_Account": f"AUTH_{team.project}"}
    assert api("COPY", "c/mine", Destination="c/x", **there).status_code == 403
    assert team.unscoped("PUT", "c/x", X_Copy_From="c/mine", **mine).status_code == 201
    assert team.mate.read("c/x") == b"mine"
    assert team.unscoped("PUT", "c/x", X_Copy_From="c/mine", X_Copy_From_Account="other").status_code == 403


def test_both_faces_see_the_same_projects_account(team: Team, people: People) -> None:
    headers = {"X-Auth-Token": team.unscoped.token}
    url = f"/pithos/object-store/v1/{team.project}"
    assert Client().get(f"{url}/c/o", headers=headers).getvalue() == b"team's"
    assert Client().get(url, headers=headers).content == b"c\n"
    assert Client().put(f"{url}/d", headers=headers).status_code == 201
    assert team.mate.lines("") == ["c", "d"]
    quota = {key for key in Client().head(url, headers=headers).headers if "Policy-Quota" in key}
    assert len(quota) == 2
    policy = {"X-Container-Policy-Project": people.alice.user.uuid}
    assert Client().post(f"{url}/d?update", headers={**headers, **policy}).status_code == 404


def test_keys_that_sign_are_shown_to_who_may_change_anything(team: Team) -> None:
    key = {"X-Account-Meta-Temp-Url-Key": "k", "X-Account-Meta-Color": "red"}
    assert team.member("POST", "", **key).status_code == 204
    of_container = {"X-Container-Meta-Temp-Url-Key": "k", "X-Container-Meta-Color": "red"}
    assert team.member("POST", "c", **of_container).status_code == 204
    for path, kind in (("", "Account"), ("/c", "Container")):
        for asking, sees in ((team.mate, True), (team.reader, False)):
            own = Client().head(
                f"/pithos/object-store/v1/{team.project}{path}", headers={"X-Auth-Token": asking.token}
            )
            for answer in (asking("HEAD", path.removeprefix("/")), own):
                assert answer[f"X-{kind}-Meta-Color"] == "red"
                assert (f"X-{kind}-Meta-Temp-Url-Key" in answer) is sees


BAD = [
    ("PUT", "c%00", b"", {}, 412),
    ("PUT", "c%ff", b"", {}, 412),
    ("PUT", "c%ed%a0%80", b"", {}, 412),
    ("GET", "c/%ff", b"", {}, 412),
    ("PUT", "c/o%00", b"x", {}, 412),
    ("PUT", "c/o%c3", b"x", {}, 412),
    ("PUT", "n" * 257, b"", {}, 400),
    ("PUT", "c/" + "n" * 1025, b"x", {}, 400),
    ("PUT", "c/o", b"x", {"Content-Length": ""}, 411),
    ("PUT", "c/o", b"x", {"Content-Length": "-1"}, 400),
    ("PUT", "c/o", b"x", {"Content-Length": "x"}, 400),
    ("PUT", "c/o", b"x", {"Content-Length": "2"}, 400),
    ("PUT", "c/o", b"x", {"Content-Length": str(6 * 1024**3)}, 413),
    ("PUT", "c/o", b"x", {"ETag": "0" * 32}, 422),
    ("PUT", "c/o", b"x", {"X-Object-Manifest": "c"}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Manifest": "c/p?q"}, 400),
    ("PUT", "c/o", b"x", {"X-Delete-After": "-1"}, 400),
    ("PUT", "c/o", b"x", {"X-Delete-After": "soon"}, 400),
    ("PUT", "c/o", b"x", {"X-Delete-At": "1"}, 400),
    ("PUT", "c/o", b"x", {"If-None-Match": "other"}, 400),
    ("PUT", "c/o", b"x", {"X-Symlink-Target": "c/there"}, 400),
    ("PUT", "c/o", b"", {"X-Symlink-Target": "c/o"}, 400),
    ("PUT", "c/o", b"", {"X-Symlink-Target": "there"}, 412),
    ("PUT", "c/o", b"", {"X-Symlink-Target": "c/absent", "X-Symlink-Target-Etag": "x"}, 409),
    ("DELETE", "c/there", b"", {"X-If-Delete-At": "soon"}, 400),
    ("DELETE", "c/there", b"", {"X-If-Delete-At": "10"}, 412),
    ("GET", "c/there?version-id=bad", b"", {}, 400),
    ("POST", "c/there", b"", {"X-Symlink-Target": "c/o"}, 400),
    ("PUT", "c/o", b"x", {"Transfer-Encoding": "gzip,chunked"}, 501),
    ("PUT", "c/o?multipart-manifest=put", b"", {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b"{}", {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b'[{"path": "c/absent"}]', {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b'[{"path": "c/o"}]', {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b'[{"path": "c/there", "range": "9-"}]', {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b'[{"data": "eA=="}]', {}, 400),
    ("PUT", "c/o?multipart-manifest=put", b"[" * 100_000, {}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Meta-A": "b" * 257}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Meta-" + "a" * 129: "b"}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Meta-": "b"}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Meta-A": "\xff"}, 400),
    ("PUT", "c/o", b"x", {"X-Object-Meta-A": "\x00"}, 400),
    ("PUT", "c/o", b"x", {f"X-Object-Meta-{number}": "b" for number in range(33)}, 400),
    ("PUT", "c/o", b"x", {f"X-Object-Meta-{number}": "b" * 256 for number in range(16)}, 400),
    ("PUT", "c/o", b"x", {"Content-Disposition": "b" * 2049}, 400),
    ("POST", "c", b"", {"X-Container-Read": ".r:"}, 400),
    ("POST", "c", b"", {"X-Container-Write": ".r:*"}, 400),
    ("POST", "c", b"", {"X-Versions-Location": "d", "X-History-Location": "d"}, 400),
    ("POST", "c", b"", {"X-Versions-Enabled": "perhaps"}, 400),
    ("POST", "c", b"", {"X-Container-Meta-Quota-Bytes": "much"}, 400),
    ("POST", "", b"", {"X-Account-Meta-A": "b" * 257}, 400),
    ("POST", "", b"", {"X-Account-Access-Control": "{"}, 400),
    ("POST", "", b"", {"X-Account-Access-Control": '{"own": []}'}, 400),
    ("POST", "", b"", {"X-Account-Access-Control": '{"admin": "a:b"}'}, 400),
    ("PUT", "c/p", b"x", {"X-Copy-From": "c/there"}, 400),
    ("PUT", "c/p", b"", {"X-Copy-From": "there"}, 412),
    ("PUT", "c/p", b"", {"X-Copy-From": "c/%ff"}, 412),
    ("PUT", "c/p", b"", {"X-Copy-From": "c/absent"}, 404),
    ("PUT", "c/p", b"", {"X-Copy-From": "c/there", "Range": "bytes=9-"}, 416),
    ("COPY", "c/there", b"", {}, 412),
    ("COPY", "c/there", b"", {"Destination": "c"}, 412),
    ("COPY", "c/there", b"", {"Destination": "absent/p"}, 404),
    ("COPY", "c/there", b"", {"Destination": "c/p", "ETag": "0" * 32}, 422),
    ("PUT", "absent/o", b"x", {}, 404),
    ("POST", "absent", b"", {}, 404),
    ("POST", "c/absent", b"", {}, 404),
    ("DELETE", "absent", b"", {}, 404),
    ("DELETE", "c/absent", b"", {}, 404),
    ("DELETE", "c", b"", {}, 409),
    ("GET", "c?limit=10001", b"", {}, 412),
    ("GET", "c?marker=%ff", b"", {}, 400),
    ("GET", "c?prefix=%00", b"", {}, 400),
    ("GET", "?prefix=%00", b"", {}, 400),
    ("PUT", "new", b"", {"X-Storage-Policy": "gold"}, 400),
    ("GET", "c", b"", {"Accept": "image/png"}, 406),
    ("GET", "c/there", b"", {"Range": "bytes=5-"}, 416),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), BAD)
def test_bad_requests_are_refused_in_words_and_change_nothing(
    api: Api, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    api.put("c/there", "there")
    before = state()
    response = api(method, path, body, **headers)
    assert response.status_code == status, response.content
    assert response["Content-Type"].partition(";")[0] in ("text/html", "text/plain")
    assert response.content
    assert state() == before


def test_paths_beside_the_accounts_are_not_found(api: Api) -> None:
    for path in ("", "v1"):
        assert api("GET", f"{TOP.removesuffix('v1/')}{path}").status_code == (412 if path else 404)
    for path in ("AUTH_", f"{api.account}/c", "../nothing"):
        assert api("GET", TOP + path).status_code == 404


def test_the_catalog_names_the_account_of_the_tokens_project(team: Team) -> None:
    def stores(token: str) -> list[str]:
        shown = Client().get("/astakos/identity/v3/auth/catalog", headers={"X-Auth-Token": token}).json()
        found = {entry["name"]: entry["endpoints"] for entry in shown["catalog"]}
        return [endpoint["url"] for endpoint in found.get("swift", [])]

    assert stores(team.member.token) == [f"http://testserver{TOP}AUTH_{team.project}"]
    assert stores(team.unscoped.token) == []
