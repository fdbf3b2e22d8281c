"""Large objects, links, signed requests, access lists, bulk requests, versions and ends of objects."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import io
import json
import tarfile
import time
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.upkeep.expiry import delete_expired
from tests.conftest import People
from tests.pithos_kit import body_of
from tests.pithos_swift.conftest import Api

KEY = "secret"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def manifest(api: Api, name: str, *segments: dict[str, Any]) -> Any:
    return api("PUT", f"c/{name}?multipart-manifest=put", json.dumps(segments))


@pytest.fixture
def large(api: Api) -> Api:
    """Segments ``hello `` and ``world``, and ``whole``, their manifest."""
    api.put("c/s1", "hello ")
    api.put("c/s2", "world")
    made = manifest(api, "whole", {"path": "c/s1", "etag": md5("hello ")}, {"path": "/c/s2"})
    assert (made.status_code, made["ETag"]) == (201, f'"{md5(md5("hello ") + md5("world"))}"')
    return api


def test_a_large_object_is_read_as_one(large: Api) -> None:
    head = large("HEAD", "c/whole")
    assert (head["Content-Length"], head["X-Static-Large-Object"]) == ("11", "True")
    assert large.read("c/whole") == b"hello world"
    assert large.read("c/whole", Range="bytes=4-7") == b"o wo"
    assert large.read("c/whole?part-number=2") == b"world"
    assert large("GET", "c/whole", If_None_Match=head["ETag"]).status_code == 304
    told = json.loads(large("GET", "c?format=json&prefix=whole").content)[0]
    assert (told["bytes"], told["slo_etag"]) == (11, head["ETag"])


def test_manifests_hold_manifests_ranges_and_data(large: Api) -> None:
    data = base64.b64encode(b"<>").decode()
    made = manifest(large, "outer", {"data": data}, {"path": "c/whole", "range": "4-7"}, {"path": "c/s1"})
    assert made.status_code == 201
    assert large.read("c/outer") == b"<>o wohello "
    raw = json.loads(large("GET", "c/outer?multipart-manifest=get&format=raw").getvalue())
    assert [entry.get("range") for entry in raw] == [None, "4-7", None]


def test_what_became_of_segments_is_noticed(large: Api) -> None:
    large.put("c/s2", "other")
    assert large("GET", "c/whole").status_code == 409
    assert large("HEAD", "c/whole").status_code == 409
    assert large("DELETE", "c/s2").status_code == 204
    assert large("GET", "c/whole").status_code == 409
    assert len(json.loads(large.read("c/whole?multipart-manifest=get"))) == 2


def test_a_copy_is_whole_unless_the_manifest_is_wanted(large: Api) -> None:
    assert large("COPY", "c/whole", Destination="c/copy").status_code == 201
    assert large("COPY", "c/whole?multipart-manifest=get", Destination="c/same").status_code == 201
    assert large("COPY", "c/whole", Destination="c/part", Range="bytes=0-4").status_code == 201
    assert large("DELETE", "c/s1").status_code == 204
    assert (large.read("c/copy"), large.read("c/part")) == (b"hello world", b"hello")
    assert large("GET", "c/same").status_code == 409


def test_overwriting_a_manifest_through_another_face_leaves_a_plain_object(large: Api) -> None:
    url = f"/pithos/object-store/v1/{large.account}/c/whole"
    made = Client().put(url, "plain", content_type="text/plain", headers={"X-Auth-Token": large.token})
    assert made.status_code == 201
    assert large.read("c/whole") == b"plain"
    assert "X-Static-Large-Object" not in large("HEAD", "c/whole")


def test_segments_go_with_their_manifest(large: Api) -> None:
    response = large("DELETE", "c/whole?multipart-manifest=delete", Accept="application/json")
    report = json.loads(body_of(response))
    assert (report["Number Deleted"], report["Response Status"], report["Errors"]) == (3, "200 OK", [])
    assert large.lines("c") == []


def test_a_dynamic_large_object_is_what_has_the_prefix(large: Api) -> None:
    large.put("c/dynamic", "", X_Object_Manifest="c/s")
    assert large.read("c/dynamic") == b"hello world"
    large.put("c/s3", "!")
    assert large("HEAD", "c/dynamic")["Content-Length"] == "12"
    assert large.read("c/dynamic?multipart-manifest=get") == b""


def test_links_lead_to_what_is_there(api: Api) -> None:
    api.put("c/o", "content", X_Object_Meta_A="1")
    made = api("PUT", "c/link", X_Symlink_Target="c/o")
    assert made.status_code == 201
    response = api("GET", "c/link")
    assert (body_of(response), response["X-Object-Meta-A"]) == (b"content", "1")
    assert response["Content-Location"] == f"/v1/AUTH_{api.account}/c/o"
    assert api("HEAD", "c/link?symlink=get")["X-Symlink-Target"] == "c/o"
    assert api("POST", "c/link", X_Object_Meta_A="2").status_code == 307
    for name, target in (("again", "c/link"), ("more", "c/again")):
        assert api("PUT", f"c/{name}", X_Symlink_Target=target).status_code == 201
    assert (api.read("c/again"), api("GET", "c/more").status_code) == (b"content", 409)
    static = {"X_Symlink_Target": "c/o", "X_Symlink_Target_Etag": md5("content")}
    assert api("PUT", "c/static", **static).status_code == 201
    api.put("c/o", "changed")
    assert (api.read("c/link"), api("GET", "c/static").status_code) == (b"changed", 409)


def signed(
    api: Api, method: str, name: str, *, key: str = KEY, ends_s: int = 60, digest: str = "sha256"
) -> str:
    path, ends = f"/v1/AUTH_{api.account}/{name}", int(time.time()) + ends_s
    found = hmac.new(key.encode(), f"{method}\n{ends}\n{path}".encode(), digest).hexdigest()
    return f"{path}?temp_url_sig={found}&temp_url_expires={ends}"


def test_a_link_that_is_copied_may_be_turned_to_another_account(api: Api, people: People) -> None:
    api.put("c/o", "hers")
    assert api("PUT", "c/link", X_Symlink_Target="c/o").status_code == 201
    bob = Api(people.bob.token, people.bob.user.uuid)
    assert bob("PUT", "c").status_code == 201
    assert api("POST", "c", X_Container_Read=people.bob.user.uuid).status_code == 204
    taken = {"X_Copy_From": "c/link", "X_Copy_From_Account": f"AUTH_{api.account}"}
    assert bob("PUT", "c/link?symlink=get", **taken).status_code == 201
    assert bob("GET", "c/link").status_code == 404
    turned = {**taken, "X_Symlink_Target_Account": f"AUTH_{api.account}"}
    assert bob("PUT", "c/link?symlink=get", **turned).status_code == 201
    assert bob.read("c/link") == b"hers"
    assert bob("HEAD", "c/link?symlink=get")["X-Symlink-Target-Account"] == f"AUTH_{api.account}"


def test_a_signed_link_needs_no_token(api: Api) -> None:
    api.put("c/o", "content")
    assert api("POST", "", X_Account_Meta_Temp_URL_Key=KEY).status_code == 204
    nobody = Api("", api.account)
    for digest in ("sha1", "sha256", "sha512"):
        response = nobody("GET", signed(api, "GET", "c/o", digest=digest))
        assert (response.status_code, body_of(response)) == (200, b"content")
    assert response["Content-Disposition"].startswith('attachment; filename="o"')
    assert nobody("HEAD", signed(api, "GET", "c/o")).status_code == 200
    assert nobody("PUT", signed(api, "PUT", "c/new"), b"new").status_code == 201
    assert api.read("c/new") == b"new"
    assert nobody("PUT", signed(api, "PUT", "c/n"), b"", X_Object_Manifest="c/o").status_code == 400
    for url in (
        signed(api, "GET", "c/o").replace("c/o", "c/new"), signed(api, "PUT", "c/o"),
        signed(api, "GET", "c/o", key="other"), signed(api, "GET", "c/o", ends_s=-1),
        signed(api, "GET", "c/o").replace("temp_url_sig=", "temp_url_sig=0"),
    ):  # fmt: skip
        assert nobody("GET", url).status_code == 401, url


def test_a_containers_key_opens_that_container_alone(api: Api) -> None:
    assert api("PUT", "d").status_code == 201
    api.put("d/o", "other")
    api.put("c/o", "content")
    api.put("c/many", "", X_Object_Manifest="d/o")
    assert api("PUT", "c/link", X_Symlink_Target="d/o").status_code == 201
    assert api("POST", "c", X_Container_Meta_Temp_URL_Key=KEY).status_code == 204
    nobody = Api("", api.account)
    status = {name: nobody("GET", signed(api, "GET", name)).status_code for name in ("c/o", "d/o", "c/many")}
    assert status == {"c/o": 200, "d/o": 401, "c/many": 401}
    assert nobody("GET", signed(api, "GET", "c/link")).status_code == 409


def test_a_signed_form_uploads_what_it_allows(api: Api) -> None:
    assert api("POST", "", X_Account_Meta_Temp_URL_Key=KEY).status_code == 204

    def post(most_bytes: int, key: str = KEY) -> int:
        path, ends = f"/v1/AUTH_{api.account}/c/in-", int(time.time()) + 60
        text = f"{path}\n\n{most_bytes}\n1\n{ends}"
        fields = {
            "redirect": "", "max_file_size": most_bytes, "max_file_count": 1, "expires": ends,
            "signature": hmac.new(key.encode(), text.encode(), "sha1").hexdigest(),
            "file": io.BytesIO(b"content"),
        }  # fmt: skip
        fields["file"].name = "a.txt"
        return int(Client().post(path, fields).status_code)

    assert (post(100), post(3), post(100, "other")) == (201, 413, 401)
    assert api.read("c/in-a.txt") == b"content"


def test_access_lists_let_others_in(api: Api, people: People) -> None:
    api.put("c/o", "content")
    nobody, bob = Api("", api.account), Api(people.bob.token, api.account)
    assert (nobody("GET", "c/o").status_code, bob("GET", "c/o").status_code) == (401, 403)
    assert api("POST", "c", X_Container_Read=".r:*,.rlistings").status_code == 204
    assert (nobody.read("c/o"), nobody.lines("c")) == (b"content", ["o"])
    assert "X-Container-Read" not in nobody("HEAD", "c")
    assert api("HEAD", "c")["X-Container-Read"] == ".r:*,.rlistings"
    assert (
        api("POST", "c", X_Remove_Container_Read="x", X_Container_Write="*:bob@example.org").status_code
        == 204
    )
    assert nobody("GET", "c/o").status_code == 401
    bob.put("c/p", "his")
    assert bob("POST", "c", X_Container_Read=".r:*").status_code == 403


@pytest.mark.parametrize(("level", "reads", "writes"), [("read-only", 200, 403), ("read-write", 200, 201)])
def test_users_on_an_accounts_list_work_in_it(
    api: Api, people: People, level: str, reads: int, writes: int
) -> None:
    api.put("c/o", "content")
    lists = json.dumps({level: [f"*:{people.bob.user.uuid}"]})
    assert api("POST", "", X_Account_Access_Control=lists, X_Account_Meta_Temp_URL_Key=KEY).status_code == 204
    bob = Api(people.bob.token, api.account)
    assert bob("GET", "").status_code == reads
    assert bob("PUT", "c/p", b"x").status_code == writes
    assert "X-Account-Meta-Temp-Url-Key" not in bob("HEAD", "")
    assert bob("POST", "", X_Account_Access_Control="{}").status_code == 403
    bob("POST", "c", X_Container_Read=".r:*")
    assert Api("", api.account)("GET", "c/o").status_code == 401


def test_many_are_deleted_by_one_request(api: Api) -> None:
    for name in ("a", "b c", "d"):
        api.put(f"c/{name}".replace(" ", "%20"), "x")
    body = "/c/a\nc/b%20c\n/c/absent\n/c\n/c/%ff\n"
    report = json.loads(body_of(api("POST", "?bulk-delete", body, Accept="application/json")))
    assert (report["Number Deleted"], report["Number Not Found"]) == (2, 1)
    assert report["Response Status"] == "400 Bad Request"
    assert [status for _, status in report["Errors"]] == ["409 Conflict", "412 Precondition Failed"]
    assert api.lines("c") == ["d"]


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2"])
def test_archives_are_unpacked(api: Api, kind: str) -> None:
    raw = io.BytesIO()
    with tarfile.open(mode=f"w:{kind.partition('.')[2]}", fileobj=raw) as archive:
        for name in ("one", "sub/two"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    url = f"c/in?extract-archive={kind}"
    report = json.loads(body_of(api("PUT", url, raw.getvalue(), Accept="application/json")))
    assert (report["Number Files Created"], report["Response Status"]) == (2, "200 OK")
    assert (api.read("c/in/one"), api.read("c/in/sub/two")) == (b"one", b"sub/two")
    bad = json.loads(body_of(api("PUT", url, b"no archive", Accept="application/json")))
    assert bad["Response Status"] == "400 Bad Request"


def test_what_is_over_is_gone_at_once_and_given_back_later(api: Api) -> None:
    api.put("c/o", "content", X_Delete_After="1000")
    api.put("c/stays", "x")
    assert int(api("HEAD", "c/o")["X-Delete-At"]) > time.time()
    Version.objects.filter(object__name="o").update(expires=timezone.now() - datetime.timedelta(seconds=1))
    assert api("GET", "c/o").status_code == 404
    assert Container.objects.get().object_count == 2
    assert (delete_expired(), delete_expired()) == (1, 0)
    assert (Container.objects.get().object_count, Container.objects.get().size_bytes) == (1, 1)
    assert api("PUT", "c/o", "again", If_None_Match="*", X_Delete_After="1000").status_code == 201
    Version.objects.filter(object__name="o").update(expires=timezone.now() - datetime.timedelta(seconds=1))
    assert (api("DELETE", "c/o").status_code, Container.objects.get().object_count) == (404, 1)


def test_versions_have_ids_where_they_are_wanted(api: Api) -> None:
    api.put("c/o", "before")
    assert api("POST", "c", X_Versions_Enabled="true").status_code == 204
    first = api.put("c/o", "one")["X-Object-Version-Id"]
    second = api.put("c/o", "two")["X-Object-Version-Id"]
    assert api.read(f"c/o?version-id={first}") == b"one"
    assert api.read("c/o?version-id=null") == b"before"
    assert api("POST", "c/o", X_Object_Meta_A="1")["X-Trans-Id"]
    listed = json.loads(api("GET", "c?versions").content)
    assert [(entry["version_id"], entry["is_latest"]) for entry in listed] == [
        (second, True), (first, False), ("null", False)
    ]  # fmt: skip
    mark = api("DELETE", "c/o")["X-Object-Version-Id"]
    assert (api("GET", "c/o").status_code, api("GET", f"c/o?version-id={mark}").status_code) == (404, 404)
    assert api("PUT", f"c/o?version-id={first}").status_code == 201
    assert api.read("c/o") == b"one"
    assert api("DELETE", f"c/o?version-id={first}").status_code == 204
    assert api("GET", f"c/o?version-id={first}").status_code == 404
    assert api("DELETE", "c").status_code == 409


def test_lists_say_which_version_is_there(api: Api) -> None:
    api.put("c/before", "x")
    assert api("POST", "c", X_Versions_Enabled="true").status_code == 204
    version = api.put("c/o", "one")["X-Object-Version-Id"]
    assert api("PUT", "c/turned", X_Symlink_Target="c/o").status_code == 201
    before, link, turned = json.loads(api("GET", "c?format=json").content)
    assert "version_symlink" not in before
    address = f"/v1/AUTH_{api.account}/c/o"
    assert (link["version_symlink"], link["symlink_path"]) == (True, f"{address}?version-id={version}")
    assert turned["symlink_path"] == address


def test_deleting_the_version_without_an_id_leaves_those_that_have_one(api: Api) -> None:
    assert api("POST", "c", X_Versions_Enabled="true").status_code == 204
    first = api.put("c/o", "one")["X-Object-Version-Id"]
    api.put("c/o", "three")
    assert api("DELETE", "c/o?version-id=null").status_code == 204
    assert (api("GET", "c/o").status_code, api.lines("c")) == (404, [])
    listed = json.loads(api("GET", "c?versions").content)
    assert [(entry["bytes"], entry["is_latest"]) for entry in listed] == [(5, False), (3, False)]
    assert api.read(f"c/o?version-id={first}") == b"one"
    assert (Container.objects.get().object_count, Container.objects.get().size_bytes) == (0, 0)
    assert api("DELETE", "c/o?version-id=null").status_code == 404


@pytest.mark.parametrize(("header", "kept"), [("X_Versions_Location", 1), ("X_History_Location", 3)])
def test_old_versions_go_to_another_container(api: Api, header: str, kept: int) -> None:
    assert api("PUT", "old").status_code == 201
    assert api("POST", "c", **{header: "old"}).status_code == 204
    for text in ("one", "two", "three"):
        api.put("c/o", text)
    assert [api.read(f"old/{name}") for name in api.lines("old")] == [b"one", b"two"]
    assert api("DELETE", "c/o").status_code == 204
    assert len(api.lines("old")) == kept + (header == "X_History_Location")
    assert api("GET", "c/o").status_code == (200 if kept == 1 else 404)


def test_a_containers_quota_holds(api: Api) -> None:
    assert (
        api("POST", "c", X_Container_Meta_Quota_Bytes="10", X_Container_Meta_Quota_Count="2").status_code
        == 204
    )
    api.put("c/a", "12345")
    assert api("PUT", "c/b", "123456").status_code == 413
    api.put("c/a", "1234567890")
    api.put("c/b", "")
    assert api("PUT", "c/d", "").status_code == 413
