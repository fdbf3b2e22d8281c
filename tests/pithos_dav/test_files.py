"""Files and folders over WebDAV, as programs that mount them use it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path
from tests.conftest import People
from tests.pithos_dav.conftest import DAV, Dav
from tests.pithos_kit import body_of


def test_a_file_comes_back_as_it_was_put(dav: Dav) -> None:
    made = dav.must(201, "PUT", "c/notes.txt", b"milk and bread", Content_Type="text/plain")
    md5 = hashlib.md5(b"milk and bread", usedforsecurity=False).hexdigest()
    assert made["ETag"] == f'"{md5}"'
    got = dav.must(200, "GET", "c/notes.txt")
    assert (body_of(got), got["Content-Type"], got["ETag"]) == (b"milk and bread", "text/plain", f'"{md5}"')
    head = dav.must(200, "HEAD", "c/notes.txt")
    assert (head["Content-Length"], body_of(head)) == ("14", b"")
    dav.must(204, "PUT", "c/notes.txt", b"eggs")
    assert dav.read("c/notes.txt") == b"eggs"
    dav.must(204, "DELETE", "c/notes.txt")
    dav.must(404, "GET", "c/notes.txt")


def test_the_ending_of_a_name_tells_its_type_where_nobody_does(dav: Dav) -> None:
    dav.put("c/picture.png", b"1")
    assert dav.must(200, "HEAD", "c/picture.png")["Content-Type"] == "image/png"


def test_parts_of_a_file(dav: Dav) -> None:
    dav.put("c/x", b"0123456789")
    assert dav.read("c/x", Range="bytes=2-4") == b"234"
    assert dav.must(206, "GET", "c/x", Range="bytes=-3")["Content-Range"] == "bytes 7-9/10"
    assert dav.must(416, "GET", "c/x", Range="bytes=10-")["Content-Range"] == "bytes */10"
    etag = dav.must(200, "HEAD", "c/x")["ETag"]
    assert dav.read("c/x", Range="bytes=2-4", If_Range=etag) == b"234"
    assert dav.read("c/x", Range="bytes=2-4", If_Range='"other"') == b"0123456789"


def test_conditions_on_the_etag(dav: Dav) -> None:
    etag = dav.put("c/x", b"1")["ETag"]
    assert dav.must(304, "GET", "c/x", If_None_Match=etag)["ETag"] == etag
    dav.must(412, "PUT", "c/x", b"2", If_None_Match="*")
    dav.must(412, "PUT", "c/x", b"2", If_Match='"other"')
    dav.must(204, "PUT", "c/x", b"2", If_Match=etag)
    dav.must(412, "DELETE", "c/x", If_Match=etag)
    assert dav.read("c/x") == b"2"


def test_folders_are_made_listed_and_deleted_with_all_that_is_in_them(dav: Dav) -> None:
    dav.must(201, "MKCOL", "c/photos")
    dav.must(405, "MKCOL", "c/photos")
    dav.must(409, "MKCOL", "c/none/below")
    dav.must(409, "PUT", "c/none/x", b"1")
    dav.must(409, "PUT", "none/x", b"1")
    dav.must(409, "MKCOL", "none/below")
    dav.must(415, "MKCOL", "c/other", b"body")
    assert dav.names("c/") == ["photos/"]
    dav.put("c/photos/a.jpg", b"1")
    dav.must(201, "MKCOL", "c/photos/tinos/")
    dav.put("c/photos/tinos/b.jpg", b"2")
    assert dav.names("c/photos/") == ["a.jpg", "tinos/"]
    dav.must(405, "PUT", "c/photos", b"1")
    dav.must(204, "DELETE", "c/photos")
    assert dav.names("c/") == []
    assert not Version.objects.filter(state=Version.State.CURRENT).exists()


def test_folders_that_names_imply_are_there_and_stay_when_they_are_empty(dav: Dav, people: People) -> None:
    other_face(people, "deep/er/x.txt")
    assert dav.names("c/") == ["deep/"]
    assert dav.names("c/deep") == ["er/"]
    dav.must(204, "DELETE", "c/deep/er/x.txt")
    assert dav.names("c/deep/") == ["er/"]
    assert dav.names("c/deep/er/") == []


def test_a_file_is_hidden_by_a_folder_of_its_name_and_goes_with_it(dav: Dav, people: People) -> None:
    other_face(people, "a")
    other_face(people, "a-b")
    assert dav.names("c/") == ["a", "a-b"]
    other_face(people, "a/x")
    assert dav.names("c/") == ["a/", "a-b"]
    assert dav.find("c/a", depth="0").keys() == {"c/a/"}
    dav.must(204, "DELETE", "c/a")
    assert dav.names("c/") == ["a-b"]


def test_names_that_are_no_names_of_files_are_left_out(dav: Dav, people: People) -> None:
    for name in ("/x", "a//b", "../up", "./here", "good"):
        other_face(people, name)
    assert dav.names("c/") == ["a/", "good"]
    assert dav.names("c/a/") == []
    dav.must(400, "GET", "c/../x")


def test_names_are_unicode_and_escaped(dav: Dav) -> None:
    for name in ("Ελλάς & <x>.txt", "100 %.txt", 'a"b', "a+b", "日本"):
        dav.put(f"c/{name}", name)
        assert dav.read(f"c/{name}").decode() == name
    assert sorted(dav.names("c/")) == sorted(["Ελλάς & <x>.txt", "100 %.txt", 'a"b', "a+b", "日本"])
    found = dav.find("c/Ελλάς & <x>.txt", depth="0")
    assert found["c/Ελλάς & <x>.txt"][f"{DAV}displayname"].text == "Ελλάς & <x>.txt"


def test_containers_are_the_folders_at_the_top(dav: Dav) -> None:
    dav.must(201, "MKCOL", "music")
    dav.must(405, "MKCOL", "music")
    assert dav.names() == ["c/", "music/", "projects/", "shared/"]
    dav.put("music/song", b"1")
    dav.must(204, "DELETE", "music")
    assert dav.names() == ["c/", "projects/", "shared/"]
    for path in ("", "projects", "shared", "music-x"):
        assert dav("DELETE", path).status_code in (403, 404)
    dav.must(405, "PUT", "file-at-the-top", b"1")


def test_files_are_copied_and_moved(dav: Dav) -> None:
    dav.put("c/x", b"1", Content_Type="text/plain")
    dav.must(201, "MKCOL", "d")
    dav.must(201, "COPY", "c/x", Destination="d/y")
    dav.must(412, "COPY", "c/x", Destination="d/y", Overwrite="F")
    dav.must(204, "COPY", "c/x", Destination="d/y", Overwrite="T")
    dav.must(409, "COPY", "c/x", Destination="d/none/y")
    dav.must(201, "MOVE", "c/x", Destination="c/z")
    dav.must(404, "GET", "c/x")
    assert (dav.read("c/z"), dav.read("d/y")) == (b"1", b"1")
    assert dav.must(200, "HEAD", "c/z")["Content-Type"] == "text/plain"
    dav.must(204, "MOVE", "c/z", Destination="d/y")
    assert (dav.names("c/"), dav.names("d/")) == ([], ["y"])


@pytest.mark.parametrize("where", ["/elsewhere/x", "http://other/x", "/pithos/davit/x"])
def test_a_destination_elsewhere_is_refused(dav: Dav, where: str) -> None:
    dav.put("c/x", b"1")
    dav.must(502, "COPY", "c/x", Destination=where)
    dav.must(400, "COPY", "c/x")


def test_folders_are_copied_and_moved_with_all_that_is_in_them(dav: Dav, people: People) -> None:
    for name in ("a/1", "a/b/2", "old/3"):
        other_face(people, name)
    dav.must(201, "COPY", "c/a", Destination="c/copy")
    assert (dav.names("c/copy"), dav.names("c/copy/b/")) == (["1", "b/"], ["2"])
    dav.must(204, "MOVE", "c/a/", Destination="c/old/")
    assert (dav.names("c/"), dav.names("c/old/")) == (["copy/", "old/"], ["1", "b/"])
    dav.must(201, "COPY", "c/old/", Destination="c/bare/", Depth="0")
    assert dav.names("c/bare/") == []
    dav.must(204, "COPY", "c/bare/", Destination="c/old", Depth="0")
    assert dav.names("c/old/") == []
    dav.must(400, "MOVE", "c/copy/", Destination="c/x/", Depth="0")


def test_a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file(dav: Dav, people: People) -> None:
    for name in ("folder/1", "folder/2", "file"):
        other_face(people, name)
    dav.must(204, "COPY", "c/file", Destination="c/folder")
    assert dav.names("c/") == ["file", "folder"]
    other_face(people, "more/1")
    dav.must(204, "MOVE", "c/more", Destination="c/file")
    assert dav.names("c/") == ["file/", "folder"]
    assert dav.names("c/file") == ["1"]
    assert [one.object.name for one in Version.objects.filter(state=0).order_by("object__name")] == [
        "file/1", "folder",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target"), [("c/a", "c/a/b"), ("c/a/b", "c/a"), ("c/a", "c/a"), ("c", "d")]
)
def test_nothing_is_put_into_itself(dav: Dav, people: People, source: str, target: str) -> None:
    other_face(people, "a/b/1")
    dav.must(403, "MOVE", source, Destination=target)
    assert dav.read("c/a/b/1") == b"1"


def test_a_full_account_is_told_by_507(dav: Dav, people: People) -> None:
    account = people.alice.user.uuid
    containers.update(people.alice.caller, account, "c", attributes={}, policy={"quota": "4"}, merge=True)
    dav.must(507, "PUT", "c/x", b"12345")
    dav.must(404, "GET", "c/x")


def test_owncloud_s_clients_keep_the_time_of_files(dav: Dav, people: People) -> None:
    made = dav.must(201, "PUT", "c/x", b"1", X_OC_Mtime="1000000000")
    assert made["X-OC-Mtime"] == "accepted"
    when = "Sun, 09 Sep 2001 01:46:40 GMT"
    assert dav.must(200, "HEAD", "c/x")["Last-Modified"] == when
    assert dav.find("c/")["c/x"][f"{DAV}getlastmodified"].text == when
    dav.must(201, "COPY", "c/x", Destination="c/y")
    assert dav.must(200, "HEAD", "c/y")["Last-Modified"] == when
    other_face(people, "x", b"2")  # other content has another time
    assert dav.must(200, "HEAD", "c/x")["Last-Modified"] != when
    dav.must(422, "PUT", "c/z", b"1", OC_Checksum="MD5:" + 32 * "0")


def other_face(people: People, name: str, data: bytes = b"1") -> None:
    """An object as other faces make them."""
    path = Path(people.alice.user.uuid, "c", name)
    objects.write(
        people.alice.caller, path, keep(blocks(), [data], 4), content_type="text/plain", attributes={}
    )


def test_what_the_face_can_do_is_told_to_everybody(people: People, client: Any) -> None:
    answer = client.generic("OPTIONS", "/pithos/dav/")
    assert (answer.status_code, answer["DAV"], answer["MS-Author-Via"]) == (200, "1, 2", "DAV")
    assert {"PROPFIND", "LOCK", "PUT", "MOVE"} <= set(answer["Allow"].split(", "))


def test_a_large_object_of_swift_is_a_whole_file(dav: Dav, people: People) -> None:
    for name, text in (("one", "12345"), ("two", "6789")):
        dav.put(f"c/parts-{name}", text)
    segments = json.dumps([{"path": "/c/parts-one"}, {"path": "/c/parts-two"}])
    url = f"/pithos/object-store/swift/v1/AUTH_{people.alice.user.uuid}/c/large?multipart-manifest=put"
    assert dav("PUT", url, segments, X_Auth_Token=dav.secret).status_code == 201
    assert dav.read("c/large") == b"123456789"
    assert dav.read("c/large", Range="bytes=3-6") == b"4567"
    told = dav.find("c/large", depth="0")["c/large"]
    assert told[f"{DAV}getcontentlength"].text == dav("HEAD", "c/large")["Content-Length"] == "9"
    assert told[f"{DAV}getetag"].text == dav("HEAD", "c/large")["ETag"]
