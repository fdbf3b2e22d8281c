"""What lists show of what is shared: objects, containers, accounts; to owners and to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.pithos.namespace.models import Container, Object, Share, Version
from tests.conftest import Person
from tests.pithos.cast import Cast
from tests.pithos.cast import cast as cast
from tests.pithos.conftest import Api, names

TOP = "/pithos/object-store/v1/"


def listed(api: Api, path: str) -> list[str]:
    response = api("GET", f"{path}{'&' if '?' in path else '?'}format=json")
    assert response.status_code == 200, response.content
    return names(response)


# --- objects ---------------------------------------------------------------------------------------------


def test_others_see_what_is_shared_with_them_and_below_it(cast: Cast) -> None:
    cast.put("a", "dir/x", "dir/sub/x", "dir/sub/y", "dirx", "z")
    cast.folder("dir", f"read={cast.bob.account}")
    cast.folder("dir/sub", f"read={cast.carol.account}")
    cast.share("dir/sub/y", f"write={cast.bob.account}")
    cast.share("z", "write=*")
    assert listed(cast.at("bob"), "c") == ["dir", "dir/sub/y", "dir/x", "z"]
    assert listed(cast.at("carol"), "c") == ["dir/sub", "dir/sub/x", "z"]
    assert cast.at("bob")("GET", "c").content == b"dir\ndir/sub/y\ndir/x\nz\n"
    items = {item["name"]: item for item in cast.at("bob")("GET", "c?format=json").json()}
    allowed = {name: item["x_object_allowed_to"] for name, item in items.items()}
    assert allowed == {"dir": "read", "dir/sub/y": "write", "dir/x": "read", "z": "write"}
    sharing = {name: item.get("x_object_sharing") for name, item in items.items()}
    bob = cast.bob.account
    assert sharing == {"dir": f"read={bob}", "dir/sub/y": f"write={bob}", "dir/x": None, "z": "write=*"}
    root = ElementTree.fromstring(cast.at("bob")("GET", "c?format=xml").content)  # noqa: S314
    assert [one.findtext("x_object_allowed_to") for one in root] == ["read", "write", "read", "write"]


def test_lists_of_what_is_shared_take_all_parameters(cast: Cast) -> None:
    cast.put("f1", "f1/a", "g", "other", X_Object_Meta_Quality="aaa")
    cast.put("f1/b", "h")
    for name in ("f1", "f1/a", "f1/b", "g", "h"):
        cast.share(name, f"read={cast.bob.account}")
    for api, shared in ((cast.at("bob"), ""), (cast.alice, "shared&")):
        assert listed(api, f"c?{shared}delimiter=/") == ["f1", "f1/", "g", "h"]
        assert listed(api, f"c?{shared}prefix=f1/") == ["f1/a", "f1/b"]
        assert listed(api, f"c?{shared}marker=f1/a") == ["f1/b", "g", "h"]
        assert listed(api, f"c?{shared}limit=2") == ["f1", "f1/a"]
        assert listed(api, f"c?{shared}marker=f1&limit=2") == ["f1/a", "f1/b"]
        assert listed(api, f"c?{shared}meta=Quality") == ["f1", "f1/a", "g"]
        assert listed(api, f"c?{shared}meta=!Quality") == ["f1/b", "h"]
        assert listed(api, f"c?{shared}path=f1") == ["f1/a", "f1/b"]


def test_where_nothing_is_shared_others_are_refused(cast: Cast) -> None:
    cast.put("a/x", "b")
    cast.folder("dir", f"read={cast.bob.account}")
    bob = cast.at("bob")
    assert listed(bob, "c?prefix=dir/") == []
    assert listed(bob, "c?prefix=di") == ["dir"]
    for path in ("c?prefix=a", "c?prefix=a&delimiter=/", "c?path=a", "c?prefix=dirx"):
        assert bob("GET", path).status_code == 403
    assert cast.at("carol")("GET", "c").status_code == 403
    assert cast.at("carol")("HEAD", "c").status_code == 403


def test_owners_list_what_is_shared_and_what_is_public(cast: Cast) -> None:
    cast.put("a", "dir/x", "pub", "both", "z")
    assert listed(cast.alice, "c?shared") == []
    cast.folder("dir", f"read={cast.bob.account}")
    for name in ("pub", "both"):
        assert cast.alice("POST", f"c/{name}?update", X_Object_Public="true").status_code == 202
    cast.share("both", "read=*")
    assert listed(cast.alice, "c?shared") == ["both", "dir", "dir/x"]
    assert listed(cast.alice, "c?public") == ["both", "pub"]
    assert listed(cast.alice, "c?shared&public") == ["both", "dir", "dir/x", "pub"]
    assert listed(cast.alice, "c?public&prefix=p") == ["pub"]
    assert listed(cast.alice, "c?public&marker=both") == ["pub"]
    (item,) = cast.alice("GET", "c?public&marker=both&format=json").json()
    assert item["x_object_public"] == cast.alice("HEAD", "c/pub")["X-Object-Public"]
    assert "x_object_public" not in cast.at("bob")("GET", "c?format=json").json()[0]
    assert cast.at("bob")("GET", "c?public&shared").status_code == 403
    looking_back = cast.alice("GET", "c?until=4000000000&format=json").json()
    assert not any({"x_object_sharing", "x_object_public"} & item.keys() for item in looking_back)


def test_others_learn_the_metadata_keys_of_what_they_see_alone(cast: Cast) -> None:
    cast.put("mine", X_Object_Meta_Secret="1")
    cast.put("theirs", X_Object_Meta_Known="1")
    cast.share("theirs", f"read={cast.bob.account}")
    assert cast.alice("HEAD", "c")["X-Container-Object-Meta"] == "Known,Secret"
    response = cast.at("bob")("HEAD", "c")
    assert response["X-Container-Object-Meta"] == "Known"
    assert response["X-Container-Block-Hash"] == "sha256"
    told = {name for name in response.headers if name.startswith("X-Container-")}
    assert told == {"X-Container-Object-Meta", "X-Container-Block-Hash", "X-Container-Block-Size"}


def test_metadata_keys_are_those_of_as_many_objects_as_a_list_shows(cast: Cast, settings: Any) -> None:
    settings.PITHOS_API_LIST_LIMIT = 2
    cast.put("a", X_Object_Meta_First="1")
    cast.put("b", X_Object_Meta_Second="1")
    cast.put("c", X_Object_Meta_Third="1")
    assert cast.alice("HEAD", "c")["X-Container-Object-Meta"] == "First,Second"


# --- containers and accounts -----------------------------------------------------------------------------


def test_others_see_the_containers_in_which_something_is_shared_with_them(cast: Cast) -> None:
    for name in ("a", "b", "d"):
        assert cast.alice("PUT", name).status_code == 201
    cast.put("o")
    for path, sharing in (("a/o", f"read={cast.bob.account}"), ("d/o", "read=*"), ("b/o", "read=nobody")):
        assert cast.alice("PUT", path, b"x", "text/plain", X_Object_Sharing=sharing).status_code == 201
    bob = cast.at("bob")
    assert listed(bob, "") == ["a", "d"]
    assert listed(bob, "?marker=a") == ["d"]
    assert listed(bob, "?limit=1") == ["a"]
    assert listed(bob, "?shared") == ["a", "d"]
    assert bob("GET").content == b"a\nd\n"
    response = bob("GET", "?format=json")
    assert [item.keys() for item in response.json()] == [{"name", "last_modified"}] * 2
    assert not [name for name in response.headers if name.startswith("X-Account-")]
    assert "Last-Modified" in response
    assert listed(cast.at("carol"), "") == ["d"]
    assert listed(cast.alice, "?shared") == ["a", "b", "d"]
    assert listed(cast.alice, "") == ["a", "b", "c", "d"]


def test_owners_list_containers_with_something_shared_or_public(cast: Cast) -> None:
    for name in ("a", "b"):
        assert cast.alice("PUT", name).status_code == 201
    cast.put("o")
    cast.alice.put("a/o", "x", X_Object_Sharing="read=*")
    cast.alice.put("b/o", "x", X_Object_Public="true")
    assert listed(cast.alice, "?shared") == ["a"]
    assert listed(cast.alice, "?public") == ["b"]
    assert listed(cast.alice, "?public&shared") == ["a", "b"]


def test_one_is_told_who_shares_with_one(cast: Cast) -> None:
    cast.put("o")
    cast.bob.put("c/o", "x", X_Object_Sharing=f"read={cast.carol.account}")
    cast.share("o", f"read={cast.alice.account}:team")
    assert cast.alice("POST", "?update", X_Account_Group_Team=cast.carol.account).status_code == 202
    both = sorted([cast.alice.account, cast.bob.account])
    response = cast.carol("GET", f"{TOP}?format=json")
    assert [item["name"] for item in response.json()] == both
    assert all(item.keys() == {"name", "last_modified"} for item in response.json())
    assert cast.carol("GET", TOP).content.decode().split() == both
    root = ElementTree.fromstring(cast.carol("GET", f"{TOP}?format=xml").content)  # noqa: S314
    assert [one.findtext("name") for one in root] == both
    assert cast.carol("GET", f"{TOP}?limit=1").content.decode().split() == both[:1]
    assert cast.carol("GET", f"{TOP}?marker={both[0]}").content.decode().split() == both[1:]
    assert cast.carol("GET", f"{TOP}?marker={both[1]}").status_code == 204
    assert cast.bob("GET", TOP).status_code == 204
    cast.share("o", "read=*")
    assert cast.bob("GET", TOP).content.decode().split() == [cast.alice.account]
    assert cast.alice("GET", TOP).status_code == 204


# --- how much it costs -----------------------------------------------------------------------------------


def queries(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert call().status_code in (200, 204)
    return len(captured)


def fill(cast: Cast, count: int, *, folder: bool = False) -> None:
    """Objects that are shared with Bob, each on its own or all by their folder."""
    container = Container.objects.get(account__name=cast.alice.account, name="c")
    prefix = "dir/" if folder else "f"
    made = Object.objects.bulk_create(
        (Object(container=container, name=f"{prefix}{number:05d}") for number in range(count)),
        batch_size=1000,
    )
    Version.objects.bulk_create(
        (Version(object=one, modified_by=cast.alice.account, modified=timezone.now()) for one in made),
        batch_size=1000,
    )
    if not folder:
        shares = (Share(object=one, who=cast.bob.account) for one in made)
        Share.objects.bulk_create(shares, batch_size=1000)
    Container.objects.filter(pk=container.pk).update(object_count=count + 1)  # "dir" is there, too


@pytest.mark.parametrize("folder", [True, False])
def test_long_lists_cost_as_many_queries_as_short_ones(cast: Cast, folder: bool) -> None:
    cast.folder("dir", f"read={cast.bob.account}")
    fill(cast, 3, folder=folder)
    bob = cast.at("bob")
    few = queries(lambda: bob("GET", "c?format=json"))
    Object.objects.exclude(name="dir").delete()
    fill(cast, 9_999, folder=folder)
    assert queries(lambda: bob("GET", "c?format=json")) == few
    assert len(listed(bob, "c")) == 10_000


def test_lists_of_containers_and_accounts_cost_the_same_for_any_length(
    cast: Cast, new_person: Callable[..., Person]
) -> None:
    cast.put("o")
    cast.share("o", f"read={cast.bob.account}")
    asked: list[Callable[[], Any]] = [
        lambda: cast.at("bob")("GET", "?format=json"),
        lambda: cast.alice("GET", "?format=json&until=4000000000"),
        lambda: cast.alice("GET", "?format=json&shared&public"),
        lambda: cast.bob("GET", f"{TOP}?format=json"),
    ]
    few = [queries(call) for call in asked]
    for number in range(5):
        assert cast.alice("PUT", f"d{number}").status_code == 201
        cast.alice.put(f"d{number}/o", "x", X_Object_Sharing=f"read={cast.bob.account}")
    cast.carol.put("c/o", "x", X_Object_Sharing="read=*")
    assert [queries(call) for call in asked] == few


def test_what_is_ones_own_costs_no_look_at_shares_but_to_show_them(cast: Cast) -> None:
    cast.put("o")
    cast.share("o", "read=*")

    def asked(call: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert call().status_code < 300
        return [one["sql"] for one in captured if "pithos_share" in one["sql"]]

    assert not asked(lambda: cast.alice("PUT", "c/o", b"new", "text/plain"))
    assert not asked(lambda: cast.alice("GET", "c/o?version=list"))
    assert len(asked(lambda: cast.alice("GET", "c/o"))) == 1
    swift = f"/pithos/object-store/swift/v1/AUTH_{cast.alice.account}/c/o"
    assert not asked(lambda: cast.alice("GET", swift))
