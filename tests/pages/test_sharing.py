"""Pages of sharing at their edge: what they say, what they change, who may."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from synnefo.astakos.keys.models import AccessKey
from synnefo.common.caller import Caller
from synnefo.pithos.blocks.base import Blocks, blocks
from synnefo.pithos.blocks.content import EMPTY, keep
from synnefo.pithos.namespace import (
    access,
    accounts,
    containers,
    groups,
    objects,
    options,
    publishing,
    sharing,
)
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path
from tests.conftest import People
from tests.pages.conftest import signed_in
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store

SHARE = "/ui/files/share/"
SHARED = "/ui/files/shared/"


def put(caller: Caller, name: str, data: bytes = b"data", kind: str = "text/plain") -> None:
    path = Path(caller.user, "docs", name)
    content = keep(blocks(), [data], 4) if data else EMPTY
    objects.write(caller, path, content, content_type=kind, attributes={})


@pytest.fixture
def alice(people: People, store: Blocks) -> Client:
    """Signed in; her container ``docs`` has a folder with a file, and a file beside it."""
    caller = people.alice.caller
    containers.put(caller, caller.user, "docs", attributes={}, policy={})
    put(caller, "plans/summer.txt")
    put(caller, "letter.txt", b"dear stranger")
    return signed_in(people.alice)


def shares(people: People, name: str) -> dict[str, bool]:
    container = containers.get(people.alice.caller, people.alice.user.uuid, "docs")
    return dict(access.sharing(container.pk, name).who)


def send(client: Client, name: str, do: str, **more: str) -> str:
    """What the page says afterwards."""
    response = client.post(SHARE, {"in": "docs", "name": name, "do": do, **more}, follow=True)
    return html.unescape(response.content.decode())


def test_a_folder_that_names_imply_is_shared_as_an_object(alice: Client, people: People) -> None:
    bob = people.bob.user.uuid
    said = send(alice, "plans/", "add", kind="user", email="Bob@example.org", right="write")
    assert "bob@example.org can read and write plans." in said
    assert shares(people, "plans/summer.txt") == {bob: True}
    send(alice, "plans/", f"change:{bob}", **{f"right-{bob}": "read"})
    assert shares(people, "plans") == {bob: False}
    assert (
        "Shared through the folder"
        in alice.get(SHARE, {"in": "docs", "name": "plans/summer.txt"}).content.decode()
    )
    assert "not shared with bob@example.org any more" in send(alice, "plans/", f"remove:{bob}")
    assert shares(people, "plans") == {}


def test_groups_and_everybody_are_shared_with(alice: Client, people: People) -> None:
    alice.post("/ui/files/groups/", {"do": "add", "group": "Friends", "email": "bob@example.org"})
    send(alice, "letter.txt", "add", kind="group", group="friends", right="read")
    send(alice, "letter.txt", "add", kind="everybody", right="read")
    assert shares(people, "letter.txt") == {f"{people.alice.user.uuid}:friends": False, "*": False}
    page = alice.get(SHARE, {"in": "docs", "name": "letter.txt"}).content.decode()
    assert "friends" in page
    assert "Everybody who is signed in" in page


@pytest.mark.parametrize(
    ("do", "more", "said"),
    [
        ("add", {"kind": "user", "email": "nobody@example.org"}, "Nobody here has the address nobody@"),
        ("add", {"kind": "user", "email": "ob@example.org"}, "Nobody here has the address"),
        ("add", {"kind": "user"}, "Type an e-mail address."),
        ("remove:x", {}, "There is no such action."),
        ("else", {}, "There is no such action."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_and_changes_nothing(
    alice: Client, people: People, do: str, more: dict[str, str], said: str
) -> None:
    assert said in send(alice, "letter.txt", do, **more)
    assert shares(people, "letter.txt") == {}


def test_only_people_of_the_account_share(alice: Client, people: People) -> None:
    put(people.alice.caller, "plans", b"", "application/directory")
    at = Path(people.alice.user.uuid, "docs", "plans")
    sharing.replace(people.alice.caller, at, {people.bob.user.uuid: True})
    bobs = signed_in(people.bob)
    assert bobs.get(SHARE, {"in": "docs", "name": "plans/"}).status_code == 404
    assert alice.get(SHARE, {"in": "docs", "name": "none"}).status_code == 404


def test_a_link_has_an_end_and_a_password_and_goes(alice: Client, people: People) -> None:
    at = Path(people.alice.user.uuid, "docs", "letter.txt")
    said = send(alice, "letter.txt", "link", ends="week", password="sesame")
    assert "It asks for a password." in said
    link = publishing.link_of(people.alice.caller, at)
    assert link is not None
    assert link.url in said
    assert link.expires is not None
    assert publishing.password_fits(link, "sesame")
    send(alice, "letter.txt", "link", ends="never", open="1")
    link = publishing.link_of(people.alice.caller, at)
    assert link is not None
    assert (link.expires, link.password) == (None, "")
    send(alice, "letter.txt", "unlink")
    assert publishing.link_of(people.alice.caller, at) is None


def test_what_others_share_is_shown_and_nothing_else(alice: Client, people: People) -> None:
    bobs = signed_in(people.bob)
    assert "Nothing is shared with you yet" in bobs.get(SHARED).content.decode()
    send(alice, "plans/", "add", kind="user", email="bob@example.org", right="read")
    page = bobs.get(SHARED).content.decode()
    assert "alice@example.org" in page
    place = {"of": people.alice.user.uuid, "in": "docs"}
    top = bobs.get(f"{SHARED}folder/", place)
    assert top.status_code == 200, top.content
    assert b"plans" in top.content
    assert b"letter.txt" not in top.content
    inside = bobs.get(f"{SHARED}folder/", {**place, "under": "plans/"}).content.decode()
    assert "summer.txt" in inside
    assert "pick-files" not in inside
    got = bobs.get(f"{SHARED}get/", {**place, "name": "plans/summer.txt"})
    path = got["Location"].partition("testserver")[2]
    assert body_of(bobs.get(path)) == b"data"
    assert bobs.get(f"{SHARED}get/", {**place, "name": "letter.txt"}).status_code == 403
    assert bobs.get(f"{SHARED}folder/", {**place, "under": "other/"}).status_code == 403
    assert bobs.get(f"{SHARED}folder/", {**place, "in": "none"}).status_code == 403


def test_a_pass_for_somebody_else_s_folder(alice: Client, people: People) -> None:
    send(alice, "plans/", "add", kind="user", email="bob@example.org", right="write")
    bobs, account = signed_in(people.bob), people.alice.user.uuid
    found = bobs.post("/ui/files/pass/", {"in": "docs", "of": account}).json()
    assert found["account_url"].endswith(f"/v1/{account}")
    assert found["blocks_url"].endswith(f"/v1/{people.bob.user.uuid}/pithos")
    asked = {"in": "docs", "of": account, "names": ["plans/summer.txt", "letter.txt", "plans/x"]}
    answer = bobs.post("/ui/files/taken/", asked, content_type="application/json").json()
    assert answer == {"taken": ["plans/summer.txt"]}
    assert bobs.post("/ui/files/pass/", {"in": "none", "of": account}).status_code == 403


def test_groups_grow_shrink_and_go(alice: Client, people: People) -> None:
    def there() -> dict[str, list[str]]:
        return groups.of(accounts.get(people.alice.caller, people.alice.user.uuid))

    def act(**more: str) -> str:
        return alice.post("/ui/files/groups/", more, follow=True).content.decode()

    bob, root = people.bob.user.uuid, people.admin.user.uuid
    assert "No groups yet" in act(do="x") or there() == {}
    for email in ("bob@example.org", "root@example.org"):
        act(do="add", group="friends", email=email)
    assert there() == {"friends": sorted([bob, root])}
    act(do=f"remove:{bob}", group="friends")
    assert there() == {"friends": [root]}
    assert "Nobody here has the address" in act(do="add", group="friends", email="x@example.org")
    act(do="delete", group="friends")
    assert there() == {}


def test_settings_of_a_container(alice: Client, people: People) -> None:
    account = people.alice.user.uuid
    url, form = "/ui/files/settings/", {"in": "docs", "versioning": "none", "project": account}
    assert alice.get(url, {"in": "docs"}).status_code == 200
    assert alice.post(url, {**form, "quota": "1.5", "public": "yes"}).status_code == 303
    found = containers.get(people.alice.caller, account, "docs")
    assert (found.versioning, found.quota_bytes) == ("none", 3 * 2**29)
    assert found.options["acl"]["read"] == ".r:*,.rlistings"
    assert alice.post(url, {**form, "quota": "-1"}).status_code == 409
    options.put(people.alice.caller, account, "docs", "acl", {"read": "team:*"})
    assert b"team:*" in alice.get(url, {"in": "docs"}).content
    alice.post(url, {**form, "quota": "", "public": "keep"})
    found = containers.get(people.alice.caller, account, "docs")
    assert (found.quota_bytes, found.options["acl"]) == (0, {"read": "team:*"})
    alice.post(url, {**form, "public": "no"})
    assert "acl" not in containers.get(people.alice.caller, account, "docs").options
    assert signed_in(people.bob).get(url, {"in": "docs"}).status_code == 404


def test_keys_for_s3_are_made_shown_once_and_deleted(alice: Client, people: People, settings: object) -> None:
    settings.PITHOS_S3_PUBLIC_URL = "https://s3.example.org"  # type: ignore[attr-defined]
    url = "/ui/files/programs/"
    page = alice.get(url).content.decode()
    assert "/pithos/dav/" in page
    assert "https://s3.example.org" in page
    made = alice.post(url, {"do": "create"})
    assert made["Cache-Control"] == "no-store"
    key = AccessKey.objects.get()
    assert (key.user.uuid, key.project.uuid) == (people.alice.user.uuid, people.alice.user.uuid)
    assert key.access in made.content.decode()
    assert signed_in(people.bob).post(url, {"do": f"delete:{key.access}"}).status_code == 404
    assert alice.post(url, {"do": f"delete:{key.access}"}).status_code == 303
    assert not AccessKey.objects.exists()
    assert Version.objects.exists()


def test_strangers_are_asked_to_sign_in(people: People, client: Client) -> None:
    for url in (
        SHARE,
        SHARED,
        f"{SHARED}folder/",
        "/ui/files/groups/",
        "/ui/files/settings/",
        "/ui/files/programs/",
    ):
        answer = client.get(url)
        assert (answer.status_code, "/ui/login" in answer["Location"]) == (302, True), url
