"""Locks: who holds them changes things, others wait; all processes see them."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from synnefo.pithos.faces.webdav.models import DavLock
from tests.pithos_dav.conftest import DAV, LOCK, Dav


def test_what_is_locked_is_changed_by_who_shows_the_token(dav: Dav) -> None:
    dav.put("c/x", b"1")
    token = dav.lock("c/x")
    shown = {"If": f"(<{token}>)"}
    for method, more in (("PUT", {}), ("DELETE", {}), ("PROPPATCH", {}), ("MOVE", {"Destination": "c/y"})):
        body = '<propertyupdate xmlns="DAV:"/>' if method == "PROPPATCH" else b"2"
        dav.must(423, method, "c/x", body, **more)
    assert dav.read("c/x") == b"1"
    dav.must(201, "COPY", "c/x", Destination="c/copy")
    dav.must(204, "PUT", "c/x", b"2", **shown)
    dav.must(412, "PUT", "c/x", b"3", If="(<urn:uuid:00000000-0000-0000-0000-000000000000>)")
    dav.must(204, "UNLOCK", "c/x", Lock_Token=f"<{token}>")
    dav.put("c/x", b"3")


def test_only_who_took_a_lock_uses_and_ends_it(dav: Dav, bobs: Dav) -> None:
    dav.put("c/x", b"1")
    token = dav.lock("c/x")
    DavLock.objects.update(user="somebody-else")
    dav.must(423, "PUT", "c/x", b"2", If=f"(<{token}>)")
    dav.must(403, "UNLOCK", "c/x", Lock_Token=f"<{token}>")
    dav.must(409, "UNLOCK", "c/x", Lock_Token="<urn:uuid:other>")
    dav.must(400, "UNLOCK", "c/x")


def test_locks_are_told_with_what_they_lock(dav: Dav) -> None:
    dav.must(201, "MKCOL", "c/f")
    dav.put("c/f/x", b"1")
    token = dav.lock("c/f", Timeout="Second-100")
    found = dav.find("c/f")
    for path in ("c/f/", "c/f/x"):
        lock = found[path][f"{DAV}lockdiscovery"].find(f"{DAV}activelock")
        assert lock.findtext(f"{DAV}locktoken/{DAV}href") == token
        assert lock.findtext(f"{DAV}lockroot/{DAV}href") == "/pithos/dav/c/f/"
        assert lock.findtext(f"{DAV}owner") == "tests"
        assert 0 < int(lock.findtext(f"{DAV}timeout").removeprefix("Second-")) <= 100
    assert len(found["c/f/x"][f"{DAV}supportedlock"]) == 2


def test_a_folder_s_lock_is_for_all_that_is_in_it(dav: Dav) -> None:
    dav.must(201, "MKCOL", "c/f")
    dav.put("c/f/x", b"1")
    token = dav.lock("c/f")
    dav.must(423, "PUT", "c/f/x", b"2")
    dav.must(423, "PUT", "c/f/new", b"2")
    dav.must(423, "LOCK", "c/f/x", LOCK.format(scope="exclusive"))
    dav.must(204, "PUT", "c/f/x", b"2", If=f"</pithos/dav/c/f/> (<{token}>)")
    dav.must(423, "DELETE", "c/f")
    dav.must(204, "DELETE", "c/f", If=f"(<{token}>)")
    assert not DavLock.objects.exists()


def test_a_shallow_lock_guards_who_is_in_the_folder_not_what_it_holds(dav: Dav) -> None:
    dav.must(201, "MKCOL", "c/f")
    dav.put("c/f/x", b"1")
    dav.lock("c/f", Depth="0")
    dav.must(204, "PUT", "c/f/x", b"2")
    for method, path in (("PUT", "c/f/new"), ("DELETE", "c/f/x"), ("MKCOL", "c/f/more")):
        dav.must(423, method, path, b"")
    dav.must(400, "LOCK", "c/f", LOCK.format(scope="shared"), Depth="1")


def test_many_share_a_lock_and_nobody_takes_it_alone(dav: Dav) -> None:
    dav.put("c/x", b"1")
    tokens = [dav.lock("c/x", scope="shared") for _ in range(2)]
    dav.must(423, "LOCK", "c/x", LOCK.format(scope="exclusive"))
    dav.must(423, "PUT", "c/x", b"2")
    for token in tokens:
        dav.must(204, "PUT", "c/x", b"2", If=f"(<{token}>)")


def test_locks_end_by_themselves_and_are_renewed(dav: Dav) -> None:
    dav.put("c/x", b"1")
    token = dav.lock("c/x", Timeout="Second-10")
    dav.must(200, "LOCK", "c/x", If=f"(<{token}>)", Timeout="Infinite, Second-5")
    assert DavLock.objects.get().expires > timezone.now() + datetime.timedelta(hours=23)
    dav.must(412, "LOCK", "c/x", If="(<urn:uuid:other>)")
    DavLock.objects.update(expires=timezone.now())
    dav.put("c/x", b"2")
    assert dav.lock("c/x") != token
    assert DavLock.objects.count() == 1


def test_a_lock_on_what_is_not_there_makes_it(dav: Dav) -> None:
    response = dav.must(201, "LOCK", "c/new", LOCK.format(scope="exclusive"))
    token = response["Lock-Token"].strip("<>")
    assert dav.read("c/new") == b""
    dav.must(423, "PUT", "c/new", b"1")
    dav.must(204, "PUT", "c/new", b"1", If=f"(<{token}>)")
    dav.must(409, "LOCK", "c/none/new", LOCK.format(scope="exclusive"))
    dav.must(403, "LOCK", "", LOCK.format(scope="exclusive"))
    dav.must(400, "LOCK", "c/y", "<lockinfo xmlns='DAV:'/>")


def test_what_is_moved_is_locked_no_more(dav: Dav) -> None:
    dav.put("c/x", b"1")
    token = dav.lock("c/x")
    dav.must(201, "MOVE", "c/x", Destination="c/y", If=f"(<{token}>)")
    dav.put("c/y", b"2")
    dav.put("c/x", b"2")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("(Not <DAV:no-lock>)", 204), ("(<DAV:no-lock>)", 412), ('(["other"])', 412), ("([{etag}])", 204),
        ("(Not [{etag}])", 412), ('(["other"]) ([{etag}])', 204), ("</pithos/dav/c/y> ([{etag}])", 412),
        ("<http://testserver/pithos/dav/c/x> ([{etag}])", 204), ("</elsewhere> (Not <DAV:no-lock>)", 204),
        ("(", 400), ("()", 400), ("x", 400), ("(Not)", 400), ("(<a> (<b>))", 400), ("<a>", 400),
    ],
)  # fmt: skip
def test_conditions_in_the_if_header(dav: Dav, header: str, status: int) -> None:
    etag = dav.put("c/x", b"1")["ETag"]
    dav.put("c/y", b"2")
    dav.must(status, "PUT", "c/x", b"3", If=header.replace("{etag}", etag))
