"""Sharing at the HTTP edge: the header, what it gives, inheritance, groups, what others are told."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction

from synnefo.pithos.namespace.models import GroupMember, Share, Version
from tests.conftest import Person
from tests.pithos.cast import Cast
from tests.pithos.cast import cast as cast
from tests.pithos.conftest import Api


@contextmanager
def undone() -> Iterator[None]:
    """What is changed meanwhile is as before in the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# --- the header ------------------------------------------------------------------------------------------


def test_the_header_is_read_and_shown_in_one_form(cast: Cast) -> None:
    cast.put("o")
    for given, shown in {
        "read=A": "read=a",
        "read=b,a": "read=a,b",
        "read=a,b;write=b": "read=a; write=b",
        " read = a ; write = c ": "read=a; write=c",
        "read=a,*": "read=%2A",
        "write=*": "write=%2A",
        "read=*;write=a": "read=%2A; write=a",
        "read=a;write=a": "write=a",
        "read=x:team": "read=x:team",
        "read=a,,b": "read=a,b",
        "~read=a~": "read=a",
        quote("read=a,b:ομάδα"): quote("read=a,b:ομάδα", safe="=,:"),
        "read%3Da%3Bwrite%3Db": "read=a; write=b",
    }.items():
        cast.share("o", given)
        assert cast.alice("HEAD", "c/o")["X-Object-Sharing"] == shown


def test_what_is_no_sharing_is_refused_before_anything_is_stored(cast: Cast) -> None:
    cast.put("o")
    for text in (
        "a",
        "read",
        "read=",
        "read=,",
        "write=;read=a",
        "delete=a",
        "read=a;;",
        "read=" + "x" * 252,
    ):
        assert cast.alice("PUT", "c/new", b"x", "text/plain", X_Object_Sharing=text).status_code == 400
        assert cast.alice("POST", "c/o?update", X_Object_Sharing=text).status_code == 400
    assert cast.alice("HEAD", "c/new").status_code == 404
    assert not Share.objects.exists()


def test_a_set_replaces_the_whole_set_and_an_empty_one_ends_the_sharing(cast: Cast) -> None:
    cast.put("o", X_Object_Sharing="read=x;write=y")
    before = Version.objects.count()
    cast.share("o", "read=z")
    assert cast.alice("HEAD", "c/o")["X-Object-Sharing"] == "read=z"
    for nothing in ("", "~"):
        cast.share("o", "read=z")
        cast.share("o", nothing)
        assert "X-Object-Sharing" not in cast.alice("HEAD", "c/o")
    assert Version.objects.count() == before


def test_shares_stay_when_the_path_is_overwritten_and_go_when_it_is_deleted_or_moved(cast: Cast) -> None:
    cast.put("o", X_Object_Sharing="read=x")
    cast.put("o")
    assert cast.alice("HEAD", "c/o")["X-Object-Sharing"] == "read=x"
    assert cast.alice("COPY", "c/o", Destination="/c/copy").status_code == 201
    assert cast.alice("COPY", "c/o", Destination="/c/o").status_code == 201
    assert "X-Object-Sharing" not in cast.alice("HEAD", "c/copy")
    assert cast.alice("HEAD", "c/o")["X-Object-Sharing"] == "read=x"
    assert cast.alice("MOVE", "c/o", Destination="/c/moved").status_code == 201
    assert "X-Object-Sharing" not in cast.alice("HEAD", "c/moved")
    assert not Share.objects.exists()
    cast.put("o")
    assert "X-Object-Sharing" not in cast.alice("HEAD", "c/o")
    cast.share("o", "read=x")
    assert cast.alice("DELETE", "c/o").status_code == 204
    assert not Share.objects.exists()


def test_copies_and_moves_are_shared_as_their_request_says(cast: Cast) -> None:
    cast.put("o")
    assert cast.alice("COPY", "c/o", Destination="/c/a", X_Object_Sharing="read=x").status_code == 201
    copied = cast.alice("PUT", "c/b", b"", X_Copy_From="/c/o", X_Object_Sharing="write=x")
    assert copied.status_code == 201
    assert cast.alice("HEAD", "c/a")["X-Object-Sharing"] == "read=x"
    assert cast.alice("HEAD", "c/b")["X-Object-Sharing"] == "write=x"
    assert "X-Object-Sharing" not in cast.alice("HEAD", "c/o")


def test_old_versions_tell_nothing_of_sharing_but_are_read_by_those_who_read_the_path(cast: Cast) -> None:
    cast.put("o")
    old = cast.alice("HEAD", "c/o")["X-Object-Version"]
    cast.put("o", X_Object_Sharing=f"read={cast.bob.account}")
    response = cast.at("bob")("GET", f"c/o?version={old}")
    assert response.status_code == 200
    assert "X-Object-Sharing" not in response
    assert len(cast.at("bob")("GET", "c/o?version=list").json()["versions"]) == 2
    assert cast.at("carol")("GET", f"c/o?version={old}").status_code == 403


# --- who may do what -------------------------------------------------------------------------------------

#: Method, path below Alice's account, headers; then whether a reader, and whether a writer may.
ROUTES: list[tuple[str, str, dict[str, str], bool, bool]] = [
    ("HEAD", "c/o", {}, True, True),
    ("GET", "c/o", {}, True, True),
    ("GET", "c/o?hashmap", {}, True, True),
    ("GET", "c/o?version=list", {}, True, True),
    ("PUT", "c/o", {"Content-Type": "text/plain"}, False, True),
    ("PUT", "c/o?hashmap", {"Content-Type": "text/plain"}, False, True),
    ("PUT", "c/o", {"X-Object-Sharing": "read=*"}, False, False),
    ("PUT", "c/new", {"Content-Type": "text/plain"}, False, False),
    ("POST", "c/o?update", {"X-Object-Meta-A": "1"}, False, True),
    ("POST", "c/o", {"Content-Range": "bytes */*", "Content-Type": "application/octet-stream"}, False, True),
    ("POST", "c/o?update", {"X-Object-Public": "true"}, False, True),
    ("POST", "c/o?update", {"X-Object-Sharing": "read=*"}, False, False),
    ("POST", "c/o?update", {"X-Object-Sharing": ""}, False, False),
    ("DELETE", "c/o", {}, False, False),
    ("DELETE", "c/o?until=1", {}, False, False),
    ("DELETE", "c/o?delimiter=/", {}, False, False),
    ("COPY", "c/o", {"Destination": "/c/p", "Destination-Account": "own"}, True, True),
    ("COPY", "c/o", {"Destination": "/c/p", "Destination-Account": "alice"}, False, False),
    ("COPY", "c/o", {"Destination": "/c/o", "Destination-Account": "alice"}, False, True),
    ("MOVE", "c/o", {"Destination": "/c/p", "Destination-Account": "own"}, False, False),
    ("MOVE", "c/o", {"Destination": "/c/o", "Destination-Account": "alice"}, False, False),
    ("GET", "", {}, True, True),
    ("HEAD", "", {}, True, True),
    ("GET", "?until=1", {}, False, False),
    ("HEAD", "?until=1", {}, False, False),
    ("GET", "?public", {}, False, False),
    ("GET", "?public&shared", {}, False, False),
    ("POST", "?update", {"X-Account-Meta-A": "1"}, False, False),
    ("GET", "c", {}, True, True),
    ("HEAD", "c", {}, True, True),
    ("GET", "c?until=1", {}, False, False),
    ("HEAD", "c?until=1", {}, False, False),
    ("GET", "c?public", {}, False, False),
    ("GET", "c?public&shared", {}, False, False),
    ("GET", "c?shared", {}, True, True),
    ("GET", "c?prefix=o", {}, True, True),
    ("GET", "c?prefix=x", {}, False, False),
    ("PUT", "c", {}, False, False),
    ("PUT", "new", {}, False, False),
    ("POST", "c?update", {"X-Container-Meta-A": "1"}, False, False),
    ("POST", "c?update", {}, False, False),
    ("POST", "c?update", {"Content-Type": "application/octet-stream"}, False, False),
    ("DELETE", "c", {}, False, False),
    ("DELETE", "c?delimiter=/", {}, False, False),
    ("DELETE", "c?until=1", {}, False, False),
    ("GET", "other", {}, False, False),
    ("GET", "none", {}, False, False),
    ("GET", "c/other", {}, False, False),
    ("GET", "c/none", {}, False, False),
]


def _asked(cast: Cast, who: str, method: str, path: str, headers: dict[str, str]) -> int:
    """The status of a request on Alice's account."""
    accounts = {"own": getattr(cast, who).account, "alice": cast.alice.account}
    given = {key: accounts.get(value, value) for key, value in headers.items() if key != "Content-Type"}
    data = b'{"hashes": [], "bytes": 0}' if "hashmap" in path else b"data"
    kind = headers.get("Content-Type", "")
    status: int = cast.at(who)(method, path, data if kind else b"", kind, **given).status_code
    return status


def test_every_route_gives_what_is_shared_and_no_more(cast: Cast) -> None:
    cast.put("o", "other")
    assert cast.alice("PUT", "other").status_code == 201
    bob = cast.bob.account
    assert cast.alice("POST", "?update", X_Account_Group_Team=bob).status_code == 202
    wrong = []
    for who, kind in itertools.product((bob, f"{cast.alice.account}:team"), ("read", "write")):
        cast.share("o", f"{kind}={who}")
        for method, path, headers, reader, writer in ROUTES:
            with undone():
                given = _asked(cast, "bob", method, path, headers) != 403
                refused = _asked(cast, "carol", method, path, headers) == 403
            if given is not (reader if kind == "read" else writer) or not refused:
                wrong.append((who, kind, method, path, headers))
    assert not wrong


def test_what_is_shared_with_all_is_for_those_who_sign_in(cast: Cast) -> None:
    cast.put("o")
    cast.share("o", "write=*")
    for method, path, headers, *_ in ROUTES:
        for token in ("", "nonsense"):
            assert Api(token, cast.alice.account)(method, path, b"", **headers).status_code == 401
    assert cast.statuses("bob", "o") == (200, 202)


def test_the_owner_may_do_all_of_it(cast: Cast) -> None:
    cast.put("o", "other")
    for method, path, headers, *_ in ROUTES:
        with undone():
            assert _asked(cast, "alice", method, path, headers) not in (401, 403)


def test_people_of_a_project_share_its_objects_by_their_roles(
    cast: Cast, new_lab: Callable[..., Any], people_of: Callable[[Api], Person]
) -> None:
    lab = new_lab(people_of(cast.alice))
    at_lab = Api(cast.alice.token, lab.uuid)
    assert at_lab("PUT", "c").status_code == 201
    at_lab.put("c/o", "data", X_Object_Sharing=f"read={cast.bob.account}")
    assert Api(cast.bob.token, lab.uuid).read("c/o") == b"data"
    assert Api(cast.carol.token, lab.uuid)("GET", "c/o").status_code == 403


def test_what_is_shared_with_a_project_is_for_its_members(
    cast: Cast, new_lab: Callable[..., Any], people_of: Callable[[Api], Person]
) -> None:
    lab = new_lab(people_of(cast.bob))
    cast.put("o", X_Object_Sharing=f"write={lab.uuid}")
    assert cast.statuses("bob", "o") == (200, 202)
    assert cast.statuses("carol", "o") == (403, 403)


@pytest.fixture
def people_of(cast: Cast) -> Callable[[Api], Person]:
    """The person whose client it is."""
    from synnefo.astakos.accounts.models import User

    def find(api: Api) -> Any:
        return dataclasses.make_dataclass("Found", ["user"])(User.objects.get(uuid=api.account))

    return find


# --- inheritance -----------------------------------------------------------------------------------------


def test_a_shared_folder_reaches_what_is_below_it_and_nothing_beside(cast: Cast) -> None:
    cast.put("dir/x", "dir/sub/x", "dirx", "other")
    cast.folder("dir", f"read={cast.bob.account}")
    seen = {name: cast.statuses("bob", name)[0] for name in ("dir", "dir/x", "dir/sub/x", "dirx", "other")}
    assert seen == {"dir": 200, "dir/x": 200, "dir/sub/x": 200, "dirx": 403, "other": 403}
    response = cast.at("bob")("HEAD", "c/dir/sub/x")
    assert response["X-Object-Sharing"] == f"read={cast.bob.account}"
    assert response["X-Object-Shared-By"] == f"{cast.alice.account}/c/dir"
    assert response["X-Object-Allowed-To"] == "read"
    assert "X-Object-Shared-By" not in cast.at("bob")("HEAD", "c/dir")
    own = cast.alice("HEAD", "c/dir/x")
    assert own["X-Object-Shared-By"] == f"{cast.alice.account}/c/dir"
    assert "X-Object-Allowed-To" not in own


def test_folders_are_known_by_their_type_as_it_is_now(cast: Cast) -> None:
    cast.put("dir/x")
    cast.folder("dir", f"read={cast.bob.account}", kind="text/plain")
    for kind in ("application/folder", "application/directory; charset=utf-8"):
        assert cast.statuses("bob", "dir/x")[0] == 403
        cast.folder("dir", kind=kind)
        assert cast.statuses("bob", "dir/x")[0] == 200
        cast.folder("dir", kind="text/plain")


def test_a_folder_may_be_marked_with_a_slash_at_its_end(cast: Cast) -> None:
    cast.put("dir/x")
    cast.folder("dir/", f"read={cast.bob.account}")
    assert cast.statuses("bob", "dir/x")[0] == 200


def test_the_nearest_folder_that_is_shared_counts_alone(cast: Cast) -> None:
    cast.put("dir/x", "dir/sub/x", "dir/sub/mine")
    cast.folder("dir", f"write={cast.bob.account}")
    cast.folder("dir/sub", "read=*")
    assert cast.statuses("bob", "dir/x") == (200, 202)
    assert cast.statuses("bob", "dir/sub/x") == (200, 403)
    assert cast.statuses("carol", "dir/sub/x") == (200, 403)
    cast.share("dir/sub/mine", f"write={cast.carol.account}")
    assert cast.statuses("bob", "dir/sub/mine") == (403, 403)
    assert cast.statuses("carol", "dir/sub/mine") == (200, 202)


def test_who_may_write_a_folder_makes_things_in_it_that_are_the_owners(cast: Cast) -> None:
    cast.folder("dir", f"write={cast.bob.account}")
    bob = cast.at("bob")
    bob.put("c/dir/new", "hello", X_Object_Meta_A="1")
    assert cast.alice.read("c/dir/new") == b"hello"
    assert cast.alice("HEAD", "c/dir/new")["X-Object-Modified-By"] == cast.bob.account
    assert cast.alice("HEAD")["X-Account-Bytes-Used"] == "5"
    assert cast.bob("HEAD")["X-Account-Bytes-Used"] == "0"
    assert bob("PUT", "c/dirx", b"x", "text/plain").status_code == 403
    assert bob("DELETE", "c/dir/new").status_code == 403
    assert (
        bob("MOVE", "c/dir/new", Destination="/c/dir/n", Destination_Account=bob.account).status_code == 403
    )
    copied = bob("COPY", "c/dir/new", Destination="/c/dir/n", Destination_Account=bob.account)
    assert copied.status_code == 201


# --- groups ----------------------------------------------------------------------------------------------


def group(cast: Cast, **headers: str) -> int:
    status: int = cast.alice("POST", "?update", **headers).status_code
    return status


def test_a_shared_group_follows_its_members(cast: Cast) -> None:
    cast.put("o", X_Object_Sharing=f"write={cast.alice.account}:team")
    assert cast.statuses("bob", "o") == (403, 403)
    assert group(cast, X_Account_Group_Team=f"{cast.bob.account},{cast.carol.account}") == 202
    assert cast.statuses("bob", "o") == cast.statuses("carol", "o") == (200, 202)
    assert group(cast, X_Account_Group_Team=cast.carol.account) == 202
    assert cast.statuses("bob", "o") == (403, 403)
    assert cast.statuses("carol", "o") == (200, 202)


def test_groups_of_others_may_be_named(cast: Cast) -> None:
    assert cast.bob("POST", "?update", X_Account_Group_Friends=cast.carol.account).status_code == 202
    cast.put("o", X_Object_Sharing=f"read={cast.bob.account}:friends")
    assert cast.statuses("carol", "o")[0] == 200
    assert cast.statuses("bob", "o")[0] == 403


def test_groups_are_shown_replaced_merged_and_removed(cast: Cast) -> None:
    bob, carol = cast.bob.account, cast.carol.account
    assert group(cast, X_Account_Group_Pithosdev=f"{bob}, {carol}", X_Account_Group_Ops=bob) == 202
    response = cast.alice("HEAD")
    assert set(response["X-Account-Group-Pithosdev"].split(",")) == {bob, carol}
    assert response["X-Account-Group-Ops"] == bob
    assert group(cast, X_Account_Group_OPS="") == 202
    assert "X-Account-Group-Ops" not in cast.alice("HEAD")
    assert cast.alice("POST", "", X_Account_Meta_A="1").status_code == 202
    assert "X-Account-Group-Pithosdev" in cast.alice("HEAD")
    assert cast.alice("POST", "", X_Account_Group_New=bob).status_code == 202
    response = cast.alice("GET")
    assert "X-Account-Group-Pithosdev" not in response
    assert "X-Account-Meta-A" not in response
    assert response["X-Account-Group-New"] == bob


def test_groups_have_names_and_members_that_there_are(cast: Cast, settings: Any) -> None:
    bob = cast.bob.account
    settings.PITHOS_ACC_MAX_GROUPS = settings.PITHOS_ACC_MAX_GROUP_MEMBERS = 1
    assert group(cast, X_Account_Group_A_B=bob) == 400
    assert group(cast, X_Account_Group_Team="nobody") == 400
    assert group(cast, X_Account_Group_Team=f"{bob},{cast.carol.account}") == 400
    assert group(cast, X_Account_Group_Team=bob) == 202
    assert group(cast, X_Account_Group_Other=bob) == 400
    assert group(cast, X_Account_Group_Team=f"{bob},{bob}") == 202
    assert cast.at("bob")("POST", "?update", X_Account_Group_Team=bob).status_code == 403
    assert GroupMember.objects.count() == 1


def test_names_of_groups_come_percent_encoded_as_clients_quote_them(cast: Cast) -> None:
    name = f"X-Account-Group-{quote('ομάδα')}"
    assert group(cast, **{name: quote(cast.bob.account)}) == 202
    assert cast.alice("HEAD")[f"X-Account-Group-{quote('Ομάδα')}"] == cast.bob.account
    cast.put("o", X_Object_Sharing=quote(f"read={cast.alice.account}:ομάδα"))
    assert cast.statuses("bob", "o")[0] == 200


# --- folders as a whole ----------------------------------------------------------------------------------


def test_of_a_folder_one_copies_what_one_may_read(cast: Cast) -> None:
    cast.put("dir/x", "dir/closed/x", "dir/closed/mine")
    cast.folder("dir", f"read={cast.bob.account}")
    cast.folder("dir/closed", f"read={cast.carol.account}")
    cast.share("dir/closed/mine", f"read={cast.bob.account}")
    source = {"X_Copy_From": "/c/dir", "X_Source_Account": cast.alice.account}
    assert cast.bob("PUT", "c/got?delimiter=/", b"", **source).status_code == 201
    listed = cast.bob("GET", "c").content.decode().split()
    assert listed == ["got", "got/closed/mine", "got/x"]


def test_nothing_is_copied_over_what_one_may_not_write(cast: Cast) -> None:
    cast.put("dir/closed/x")
    cast.folder("dir", f"write={cast.bob.account}")
    cast.folder("dir/closed", f"read={cast.bob.account}")
    for name in ("new/a", "new/closed/x"):
        cast.bob.put(f"c/{name}", "mine")
    cast.bob.put("c/new", "")
    copied = {"Destination": "/c/dir", "Destination_Account": cast.alice.account}
    assert cast.bob("COPY", "c/new?delimiter=/", b"", **copied).status_code == 403
    assert cast.bob("MOVE", "c/new?delimiter=/", b"", **copied).status_code == 403
    assert cast.alice.read("c/dir/closed/x") == b"data"
    assert cast.bob("DELETE", "c/new/closed/x").status_code == 204
    assert cast.bob("COPY", "c/new?delimiter=/", b"", **copied).status_code == 201
    assert cast.alice.read("c/dir/a") == b"mine"
