"""PROPFIND and PROPPATCH."""

from __future__ import annotations

import pytest

from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.names import MAX_KEPT_VALUE, Path
from tests.conftest import People
from tests.pithos_dav.conftest import DAV, Dav, properties
from tests.pithos_kit import body_of


def asked(*names: str) -> str:
    return f'<propfind xmlns="DAV:" xmlns:x="urn:x"><prop>{"".join(names)}</prop></propfind>'


def update(*actions: str) -> str:
    return f'<propertyupdate xmlns="DAV:" xmlns:x="urn:x">{"".join(actions)}</propertyupdate>'


def set_to(*properties: str) -> str:
    return f"<set><prop>{''.join(properties)}</prop></set>"


def test_files_and_folders_tell_what_they_are(dav: Dav) -> None:
    etag = dav.put("c/x.txt", b"12345", Content_Type="text/plain")["ETag"]
    found = dav.find("c/")
    file, folder = found["c/x.txt"], found["c/"]
    assert file[f"{DAV}getcontentlength"].text == "5"
    assert file[f"{DAV}getcontenttype"].text == "text/plain"
    assert file[f"{DAV}getetag"].text == etag
    assert not list(file[f"{DAV}resourcetype"])
    assert [one.tag for one in folder[f"{DAV}resourcetype"]] == [f"{DAV}collection"]
    assert f"{DAV}getcontentlength" not in folder
    assert folder[f"{DAV}creationdate"].text.endswith("Z")
    assert file[f"{DAV}getlastmodified"].text == dav.must(200, "HEAD", "c/x.txt")["Last-Modified"]


def test_what_is_asked_for_is_told_and_what_is_not_there_is_404(dav: Dav) -> None:
    dav.put("c/x", b"1")
    body = asked("<getcontentlength/>", "<x:color/>", '<checksums xmlns="http://owncloud.org/ns"/>')
    text = body_of(dav.must(207, "PROPFIND", "c/x", body, Depth="0"))
    found, missing = properties(text)["c/x"], properties(text, "404")["c/x"]
    assert found.keys() == {f"{DAV}getcontentlength", "{http://owncloud.org/ns}checksums"}
    (checksum,) = found["{http://owncloud.org/ns}checksums"]
    assert checksum.text == "MD5:c4ca4238a0b923820dcc509a6f75849b"
    assert missing.keys() == {"{urn:x}color"}


def test_properties_of_clients_are_kept_with_the_file(dav: Dav, people: People) -> None:
    dav.put("c/x", b"1")
    value = '<x:deep y="1">a<x:b/>c</x:deep>'
    answer = dav.must(207, "PROPPATCH", "c/x", update(set_to("<x:color>red &amp; blue</x:color>", value)))
    assert properties(body_of(answer))["c/x"].keys() == {"{urn:x}color", "{urn:x}deep"}
    dav.must(201, "COPY", "c/x", Destination="c/y")
    dav.put("c/y", b"2")
    found = dav.find("c/y", depth="0")["c/y"]
    assert found["{urn:x}color"].text == "red & blue"
    deep = found["{urn:x}deep"]
    assert (deep.attrib, deep.text, deep[0].tag, deep[0].tail) == ({"y": "1"}, "a", "{urn:x}b", "c")
    dav.must(207, "PROPPATCH", "c/y", update("<remove><prop><x:color/></prop></remove>"))
    assert "{urn:x}color" not in dav.find("c/y", depth="0")["c/y"]
    version = objects.get(people.alice.caller, Path(people.alice.user.uuid, "c", "x"))
    assert version.own_attributes == {}
    names = dav.find("c/x", '<propfind xmlns="DAV:"><propname/></propfind>', "0")["c/x"]
    assert {"{urn:x}color", f"{DAV}getetag"} <= names.keys()
    assert names["{urn:x}color"].text is None


def test_nothing_is_changed_if_something_cannot_be(dav: Dav) -> None:
    dav.put("c/x", b"1")
    answer = dav.must(
        207, "PROPPATCH", "c/x", update(set_to("<x:color>red</x:color>", "<getetag>1</getetag>"))
    )
    text = body_of(answer)
    assert properties(text, "403")["c/x"].keys() == {f"{DAV}getetag"}
    assert properties(text, "424")["c/x"].keys() == {"{urn:x}color"}
    assert "{urn:x}color" not in dav.find("c/x", depth="0")["c/x"]


def test_what_is_too_long_or_too_much_is_507(dav: Dav) -> None:
    dav.put("c/x", b"1")
    for body in (
        set_to(f"<x:a>{'a' * (MAX_KEPT_VALUE + 1)}</x:a>"),
        set_to(*(f"<x:a{one}>1</x:a{one}>" for one in range(40))),
    ):
        text = body_of(dav.must(207, "PROPPATCH", "c/x", update(body)))
        assert properties(text, "507")["c/x"]
    text = body_of(dav.must(207, "PROPPATCH", "c/", update(set_to("<x:a>1</x:a>"))))
    assert properties(text, "403")["c/"].keys() == {"{urn:x}a"}  # containers keep none


@pytest.mark.parametrize(
    "body",
    [
        "<", "<propfind/>", '<propfind xmlns="DAV:"/>', '<propfind xmlns="DAV:"><bad:prop/></propfind>',
        '<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><allprop/></propfind>', "\0",
    ],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused(dav: Dav, body: str) -> None:
    dav.must(400, "PROPFIND", "c/", body, Depth="0")
    dav.must(400, "PROPPATCH", "c/", body)


def test_whole_trees_are_not_listed_at_once(dav: Dav) -> None:
    for headers in ({}, {"Depth": "infinity"}, {"Depth": "2"}):
        refused = dav.must(403, "PROPFIND", "c/", **headers)
        assert b"propfind-finite-depth" in refused.content
