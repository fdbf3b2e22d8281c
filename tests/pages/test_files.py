"""Containers, folders and files in the console, at its edge: what pages say, what they change, who may."""

from __future__ import annotations

import dataclasses
import datetime
import html
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import Caller
from synnefo.pithos.blocks.base import Blocks, blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Path
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of
from tests.pithos_kit import body_of
from tests.pithos_kit import store as store

FILES = "/ui/files/"
FOLDER = "/ui/files/folder/"


@dataclasses.dataclass
class Shelf:
    """A person's files: made through the rules, looked at through the pages."""

    caller: Caller
    account: str

    def put(
        self, name: str, data: bytes = b"data", kind: str = "text/plain", container: str = "docs"
    ) -> Version:
        content = keep(blocks(), [data], 4)
        path = Path(self.account, container, name)
        return objects.write(self.caller, path, content, content_type=kind, attributes={})

    def names(self, container: str = "docs") -> list[str]:
        rows = Version.objects.filter(
            object__container__account__name=self.account, state=Version.State.CURRENT
        )
        return sorted(rows.filter(object__container__name=container).values_list("object__name", flat=True))


@pytest.fixture
def shelf(people: People, store: Blocks) -> Shelf:
    """Alice's, with an empty container ``docs``."""
    caller = people.alice.caller
    containers.put(caller, caller.user, "docs", attributes={}, policy={})
    return Shelf(caller, caller.user)


@pytest.fixture
def alice(people: People) -> Client:
    return signed_in(people.alice)


@pytest.fixture
def bob(people: People) -> Client:
    return signed_in(people.bob)


def rows_in(answer: Any) -> list[str]:
    return [
        html.unescape(name) for name in re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())
    ]


def browse(client: Client, query: str = "in=docs") -> Any:
    answer = client.get(f"{FOLDER}?{query}")
    assert answer.status_code == 200, texts_of(answer)
    return answer


def act(client: Client, do: str, *items: str, container: str = "docs", **more: str) -> Any:
    given = {"do": do, "in": container, "item": list(items), "next": f"{FOLDER}?in={container}", **more}
    return client.post(f"{FILES}act/", given, follow=True)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_without_containers_the_page_says_what_they_are_and_how_to_get_one(
    alice: Client, store: Blocks
) -> None:
    page = texts_of(alice.get(FILES))
    assert "No files yet" in page
    assert "kamaki container create" in page


def test_a_container_is_made_listed_and_deleted(alice: Client, shelf: Shelf) -> None:
    made = alice.post(f"{FILES}create/", {"name": "photos & more", "versioning": "none"}, follow=True)
    assert "This container is empty" in texts_of(made)
    assert "old versions are not kept" in texts_of(made)
    assert rows_in(alice.get(FILES)) == ["docs", "photos & more"]
    assert rows_in(alice.get(f"{FILES}?sort=-name&q=o")) == ["photos & more", "docs"]
    shelf.put("x", container="docs")
    refused = alice.post(f"{FILES}delete/", {"do": "delete:docs"}, follow=True)
    assert "docs is not empty" in told(refused)
    gone = alice.post(f"{FILES}delete/", {"do": "delete:photos & more"}, follow=True)
    assert "is deleted" in told(gone)
    assert rows_in(gone) == ["docs"]
    alice.post(f"{FILES}create/", {"name": "empty", "versioning": "auto"})
    several = alice.post(f"{FILES}delete/", {"do": "delete", "item": ["docs", "empty"]}, follow=True)
    assert rows_in(several) == ["docs"]


@pytest.mark.parametrize(
    ("name", "why"), [("docs", "already"), ("a/b", "no slash"), ("", "empty"), ("x" * 257, "large")]
)
def test_a_container_that_cannot_be_made_says_why_and_loses_nothing(
    alice: Client, shelf: Shelf, name: str, why: str
) -> None:
    answer = alice.post(f"{FILES}create/", {"name": name, "versioning": "none"})
    assert answer.status_code == 409
    assert why in texts_of(answer)
    assert f'value="{name}"' in answer.content.decode()


def test_a_folder_shows_what_is_in_it_and_the_way_back(alice: Client, shelf: Shelf) -> None:
    for name in ("a/b/one.txt", "a/two.png", "<b>three", "a"):
        shelf.put(name)
    assert rows_in(browse(alice)) == ["<b>three", "a", "a"]
    page = browse(alice, "in=docs&under=a/b/")
    assert rows_in(page) == ["one.txt"]
    text = page.content.decode()
    assert "/ui/files/folder/?in=docs&amp;under=a/" in text
    assert "/ui/files/object/?in=docs&amp;name=a/b/one.txt" in text
    assert "<b>three" not in browse(alice).content.decode()
    assert "4 files, 16 bytes; old versions are kept" in texts_of(browse(alice))
    assert alice.get(f"{FOLDER}?in=docs&under=nothing/").status_code == 404
    assert alice.get(f"{FOLDER}?in=nothing").status_code == 404


@pytest.mark.parametrize("name", ["../x", "a//b", "a/./b", "ü ß/%2F?&#", "a\\b", "-rf", "x\x01y"])
def test_names_of_any_kind_lead_to_their_file(alice: Client, shelf: Shelf, name: str) -> None:
    shelf.put(name, b"12345")
    address, page = f"{FOLDER}?in=docs", browse(alice)
    while "/object/" not in address:
        found = re.search(r'class="file-name" href="([^"]+)"', page.content.decode())
        assert found is not None
        address = html.unescape(found.group(1))
        page = alice.get(address)
    assert page.status_code == 200
    moved = alice.get(f"{FILES}get/?{urlsplit(address).query}")
    assert body_of(alice.get(moved.url)) == b"12345"


def test_pages_of_fifty_lead_forward_and_back_in_every_order(alice: Client, shelf: Shelf) -> None:
    wanted = [f"f-{number:03}" for number in range(120)]
    for number, name in enumerate(wanted):
        shelf.put(name, b"x" * (120 - number))
    for sort, order in (("name", wanted), ("-name", wanted[::-1]), ("-size", wanted), ("size", wanted[::-1])):
        page = browse(alice, f"in=docs&sort={sort}")
        pages, seen = [], []
        while True:
            seen += rows_in(page)
            pages.append(rows_in(page))
            link = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
            if link is None:
                break
            page = alice.get(html.unescape(link.group(1)))
        assert seen == order
        assert [len(one) for one in pages] == [50, 50, 20]
        back = re.search(r'href="([^"]+)" rel="prev"', page.content.decode())
        assert back is not None
        assert rows_in(alice.get(html.unescape(back.group(1)))) == pages[1]
    found = browse(alice, "in=docs&q=F-11")
    assert len(rows_in(found)) == 10


@pytest.mark.parametrize(
    "nonsense", ["sort=drop", "page=0", "page=x", "after=%00x", "q=%00", "before=%ED%A0%80"]
)
def test_an_address_that_means_nothing_is_no_crash(alice: Client, shelf: Shelf, nonsense: str) -> None:
    shelf.put("x")
    assert alice.get(f"{FOLDER}?in=docs&{nonsense}").status_code in (200, 400)


def test_lists_cost_the_same_number_of_queries_whatever_they_show(
    alice: Client, shelf: Shelf, django_assert_max_num_queries: Any
) -> None:
    for folder in range(10):
        for number in range(10):
            shelf.put(f"{folder}/{number}")
    for path in (
        f"{FOLDER}?in=docs",
        f"{FOLDER}?in=docs&sort=-size",
        f"{FOLDER}?in=docs&q=1",
        FILES,
        f"{FILES}trash/",
    ):
        with django_assert_max_num_queries(29):
            assert alice.get(path).status_code == 200


def test_the_living_part_is_sent_again_only_when_it_changed(alice: Client, shelf: Shelf) -> None:
    shelf.put("x")
    Version.objects.update(modified="2020-01-01T00:00:00Z")
    path = f"{FOLDER}rows/?in=docs"
    first = alice.get(path)
    assert alice.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    shelf.put("y")
    assert alice.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_what_is_deleted_is_in_the_trash_and_comes_back_by_undo(alice: Client, shelf: Shelf) -> None:
    for name in ("a/1", "a/2", "b", "c"):
        shelf.put(name)
    answer = act(alice, "delete", "a/", "b")
    assert "2 items moved to the" in told(answer)
    assert rows_in(answer) == ["c"]
    trash = alice.get(f"{FILES}trash/")
    assert sorted(rows_in(trash)) == ["a", "b"]
    assert "docs/" in texts_of(trash)
    assert "in 2 files" in texts_of(trash)
    back = act(alice, "undo")
    assert "2 items are back" in told(back)
    assert shelf.names() == ["a/1", "a/2", "b", "c"]
    assert act(alice, "undo").status_code == 400


def test_the_trash_gives_back_or_deletes_for_good(alice: Client, shelf: Shelf) -> None:
    for name in ("a/1", "b", "c"):
        shelf.put(name)
        act(alice, "delete", name if name != "a/1" else "a/")
    restored = alice.post(f"{FILES}trash/restore/", {"do": "restore:a/"}, follow=True)
    assert "a is back as docs/a/" in told(restored)
    assert shelf.names() == ["a/1"]
    asked = alice.get(f"{FILES}trash/erase/?item=b")
    assert "file b" in texts_of(asked)
    assert "to confirm" not in texts_of(asked)
    gone = alice.post(f"{FILES}trash/erase/", {"item": "b"}, follow=True)
    assert "b deleted for good" in told(gone)
    assert shelf.names("trash") == ["c"]
    refused = alice.post(f"{FILES}trash/erase/", {"typed": "wrong"})
    assert "Nothing was deleted" in texts_of(refused)
    emptied = alice.post(f"{FILES}trash/erase/", {"typed": "trash"}, follow=True)
    assert "The trash is empty" in texts_of(emptied)
    assert not Version.objects.filter(object__container__name="trash").exists()


def test_a_folder_is_deleted_for_good_only_by_its_name(alice: Client, shelf: Shelf) -> None:
    shelf.put("a/1")
    act(alice, "delete", "a/")
    assert "Nothing was deleted" in texts_of(alice.post(f"{FILES}trash/erase/", {"item": "a/"}))
    alice.post(f"{FILES}trash/erase/", {"item": "a/", "typed": "a"})
    assert shelf.names("trash") == []


def test_files_are_renamed_moved_and_copied(alice: Client, shelf: Shelf) -> None:
    containers.put(shelf.caller, shelf.account, "other", attributes={}, policy={})
    shelf.put("a/1")
    shelf.put("b")
    asked = act(alice, "move", "a/1")
    assert 'name="name" value="1"' in asked.content.decode()
    move = {"in": "docs", "do": "move", "to": "other"}
    done = alice.post(
        f"{FILES}move/", {**move, "item": ["a/1"], "to_folder": "/x/y/", "name": "one"}, follow=True
    )
    assert "1 moved to other/x/y/" in told(done)
    assert (shelf.names(), shelf.names("other")) == (["b"], ["x/y/one"])
    alice.post(f"{FILES}move/", {**move, "item": ["b"], "to_folder": "", "name": "b", "do": "copy"})
    assert (shelf.names(), shelf.names("other")) == (["b"], ["b", "x/y/one"])
    taken = alice.post(f"{FILES}move/", {**move, "item": ["b"], "to_folder": "", "name": "b"})
    assert taken.status_code == 409
    assert "There is a b in other already" in texts_of(taken)
    alice.post(f"{FILES}move/", {**move, "item": ["b"], "to_folder": "", "name": "b", "overwrite": "1"})
    assert (shelf.names(), shelf.names("other")) == ([], ["b", "x/y/one"])


def test_a_new_folder_is_there_while_it_is_empty(alice: Client, shelf: Shelf) -> None:
    made = alice.post(f"{FOLDER}create/", {"in": "docs", "under": "", "name": "new"}, follow=True)
    assert "This folder is empty" in texts_of(made)
    assert rows_in(browse(alice)) == ["new"]
    again = alice.post(f"{FOLDER}create/", {"in": "docs", "under": "", "name": "new"})
    assert (again.status_code, "already" in texts_of(again)) == (409, True)


def test_a_file_says_what_it_is(alice: Client, shelf: Shelf) -> None:
    made = shelf.put("a/notes.txt", b"hello <script>alert(1)</script>")
    page = alice.get(f"{FILES}object/?in=docs&name=a/notes.txt")
    text = texts_of(page)
    for words in (
        "notes.txt",
        "31 bytes",
        "text/plain",
        "alice@example.org",
        made.hash,
        made.uuid,
        "current",
    ):
        assert words in text
    assert "<script>alert" not in page.content.decode()
    assert "kamaki file download /docs/a/notes.txt" in text


def test_only_images_without_scripts_are_shown(alice: Client, shelf: Shelf) -> None:
    for name, kind, shown in (
        ("a", "image/png", True),
        ("b", "image/svg+xml", False),
        ("c", "text/html", False),
    ):
        shelf.put(name, b"<svg onload=alert(1)>", kind)
        page = alice.get(f"{FILES}object/?in=docs&name={name}").content.decode()
        assert (f'src="data:{kind}' in page) is shown
        assert "<svg onload" not in page


def test_metadata_is_written_changed_and_removed(alice: Client, shelf: Shelf) -> None:
    shelf.put("x")
    where = {"in": "docs", "name": "x"}
    alice.post(
        f"{FILES}object/metadata/",
        {**where, "key": ["my_project", "Year", ""], "value": ["moon", "2026", ""]},
    )
    page = alice.get(f"{FILES}object/?in=docs&name=x").content.decode()
    assert 'value="My-Project" readonly' in page
    alice.post(f"{FILES}object/metadata/", {**where, "key": ["My-Project", "Year"], "value": ["mars", ""]})
    found = objects.get(shelf.caller, Path(shelf.account, "docs", "x"))
    assert found.own_attributes == {"X-Object-Meta-My-Project": "mars"}
    many = [f"key-{number}" for number in range(40)]
    refused = alice.post(f"{FILES}object/metadata/", {**where, "key": many, "value": many}, follow=True)
    assert "was not saved. At most 32" in told(refused)


def test_old_versions_are_listed_read_and_restored(alice: Client, shelf: Shelf) -> None:
    old, new = shelf.put("x", b"old content").pk, shelf.put("x", b"new").pk
    page = texts_of(alice.get(f"{FILES}object/?in=docs&name=x"))
    assert str(old) in page
    assert str(new) in page
    link = alice.get(f"{FILES}get/?in=docs&name=x&version={old}")
    assert body_of(alice.get(link.url)) == b"old content"
    done = alice.post(f"{FILES}object/restore/", {"in": "docs", "name": "x", "version": old}, follow=True)
    assert "current one again" in told(done)
    assert body_of(alice.get(alice.get(f"{FILES}get/?in=docs&name=x").url)) == b"old content"
    assert len(objects.versions(shelf.caller, Path(shelf.account, "docs", "x"))) == 3


def test_a_download_is_an_attachment_in_a_sandbox_and_goes_on_where_it_stopped(
    alice: Client, shelf: Shelf
) -> None:
    shelf.put("a/page ü.html", b"<script>1</script>", "text/html")
    link = alice.get(f"{FILES}get/?in=docs&name=a/page ü.html").url
    whole = Client().get(link)
    assert body_of(whole) == b"<script>1</script>"
    assert whole["Content-Disposition"] == "attachment; filename*=utf-8''page%20%C3%BC.html"
    assert whole["Content-Security-Policy"].startswith("sandbox")
    assert whole["X-Content-Type-Options"] == "nosniff"
    part = Client().get(link, headers={"Range": "bytes=8-", "If-Range": whole["ETag"]})
    assert (part.status_code, body_of(part)) == (206, b"1</script>")
    assert (
        body_of(Client().get(link, headers={"Range": "bytes=8-", "If-Range": '"other"'}))
        == b"<script>1</script>"
    )
    assert Client().get(link, headers={"Range": "bytes=99-"}).status_code == 416
    assert Client().post(link).status_code == 405


def test_ticked_files_and_folders_come_as_one_archive(alice: Client, shelf: Shelf) -> None:
    for name in ("w/a/1", "w/a/b/2", "w/c", "w/../../etc/passwd", "w/d"):
        shelf.put(name, name.encode())
    answer = alice.post(f"{FILES}act/", {"do": "download", "in": "docs", "item": ["w/a/", "w/c", "w/../"]})
    archive = Client().get(answer.url)
    assert archive["Content-Disposition"] == 'attachment; filename="w.zip"'
    with zipfile.ZipFile(io.BytesIO(body_of(archive))) as found:
        assert found.testzip() is None
        assert found.namelist() == ["a/1", "a/b/2", "c", "_/_/etc/passwd"]
        assert found.read("a/b/2") == b"w/a/b/2"
    names = [f"w/{number}{'n' * 1000}" for number in range(99)]
    many = alice.post(f"{FILES}act/", {"do": "download", "in": "docs", "item": names})
    assert many.status_code in (302, 303, 400)


def test_a_link_ends_with_its_time_and_with_the_right_to_it(
    alice: Client, shelf: Shelf, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("x")
    link = alice.get(f"{FILES}get/?in=docs&name=x").url
    assert Client().get(link).status_code == 200
    assert Client().get(link[:-2]).status_code == 403
    objects.delete(shelf.caller, Path(shelf.account, "docs", "x"))
    assert Client().get(link).status_code == 200  # it names a version, which is kept
    later = signing.time.time() + 601
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    late = Client().get(link)
    assert (late.status_code, late["Content-Type"]) == (403, "text/plain")


def test_a_link_ends_with_its_user(alice: Client, shelf: Shelf, people: People) -> None:
    from synnefo.astakos.accounts import rules

    shelf.put("x")
    link = alice.get(f"{FILES}get/?in=docs&name=x").url
    rules.deactivate(SYSTEM, people.alice.user)
    assert Client().get(link).status_code == 401


def test_the_script_gets_a_short_token_and_what_it_must_know(
    alice: Client, shelf: Shelf, people: People
) -> None:
    projects.set_limits(SYSTEM, projects.get(shelf.account), {"pithos.diskspace": (100, 100)})
    shelf.put("x", b"12345")
    given = alice.post(f"{FILES}pass/", {"in": "docs"})
    assert given["Cache-Control"] == "no-store"
    found = given.json()
    assert (found["block_size"], found["block_hash"], found["left_bytes"]) == (4, "sha256", 95)
    path = urlsplit(found["account_url"]).path
    answer = Client().get(f"{path}/docs/x", headers={"X-Auth-Token": found["token"]})
    assert body_of(answer) == b"12345"
    assert alice.get(f"{FILES}pass/").status_code == 405


def test_the_script_hears_which_names_are_taken(alice: Client, shelf: Shelf) -> None:
    shelf.put("a/x")

    def ask(body: object) -> Any:
        return alice.post(f"{FILES}taken/", body, content_type="application/json")

    assert ask({"in": "docs", "names": ["a/x", "a/y", "a"]}).json() == {"taken": ["a/x"]}
    for nonsense in (
        {},
        {"in": "docs", "names": "a"},
        {"in": 1, "names": []},
        {"in": "docs", "names": ["a"] * 501},
        [],
    ):
        assert ask(nonsense).status_code == 400


def test_changes_need_the_forms_token(people: People, shelf: Shelf) -> None:
    shelf.put("x")
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.alice.user)
    for path in ("pass/", "taken/", "act/", "move/", "create/", "delete/", "trash/erase/", "trash/restore/",
                 "object/metadata/", "object/restore/", "folder/create/"):  # fmt: skip
        assert client.post(FILES + path, {"in": "docs"}).status_code == 403
    assert shelf.names() == ["x"]


PAGES = (
    "",
    "create/",
    "folder/?in=docs",
    "folder/rows/?in=docs",
    "object/?in=docs&name=x",
    "get/?in=docs&name=x",
    "trash/",
)


def test_strangers_are_sent_to_sign_in(shelf: Shelf) -> None:
    shelf.put("x")
    for path in PAGES:
        answer = Client().get(FILES + path)
        assert answer.status_code == 302
        assert "/ui/login/" in answer.url


@pytest.mark.parametrize("who", ["bob", "admin"])
def test_others_see_nothing_and_change_nothing(people: People, shelf: Shelf, who: str) -> None:
    shelf.put("x")
    other = signed_in(getattr(people, who))
    for path in PAGES[2:6]:
        assert other.get(FILES + path).status_code == 404
    assert "docs" not in texts_of(other.get(FILES))
    act(other, "delete", "x")
    assert shelf.names() == ["x"]
    for path in ("pass/", "object/restore/", "delete/"):
        other.post(FILES + path, {"in": "docs", "name": "x", "do": "delete:docs"})
    move = {"in": "docs", "do": "move", "item": ["x"], "to": "docs", "name": "y"}
    assert other.post(f"{FILES}move/", move).status_code == 409
    assert shelf.names() == ["x"]


@pytest.fixture
def shared(people: People, shelf: Shelf) -> Callable[[str], Client]:
    """A project of Alice and Bob; signs one of them in, working in it."""
    project = make_project(people)

    def sign_in(name: str) -> Client:
        client = signed_in(getattr(people, name))
        client.post("/ui/project/", {"project": project})
        return client

    return sign_in


def make_project(people: People) -> str:
    project = Project.objects.create(
        realname="lab.example.org", owner=people.alice.user, state=Project.State.NORMAL,
        end_date=timezone.now() + datetime.timedelta(days=9),
    )  # fmt: skip
    for person in (people.alice, people.bob):
        accepted = Membership.State.ACCEPTED
        Membership.objects.create(project=project, person=person.user, state=accepted, initialized=True)
    projects.fill_limits([project], Resource.objects.all())
    projects.sync([project])
    return str(project.uuid)


def test_members_share_the_files_of_their_project_and_no_others(
    shared: Callable[[str], Client], shelf: Shelf
) -> None:
    shelf.put("private")
    alice, bob = shared("alice"), shared("bob")
    assert rows_in(alice.get(FILES)) == []
    alice.post(f"{FILES}create/", {"name": "lab", "versioning": "auto"})
    assert rows_in(bob.get(FILES)) == ["lab"]
    bob.post(f"{FOLDER}create/", {"in": "lab", "under": "", "name": "from-bob"})
    assert rows_in(browse(alice, "in=lab")) == ["from-bob"]
    act(alice, "delete", "from-bob/", container="lab")
    assert rows_in(bob.get(f"{FILES}trash/")) == ["from-bob"]
    found = bob.post(f"{FILES}pass/", {"in": "lab"}).json()
    assert parse_qs(urlsplit(found["account_url"]).query) == {}
    assert Client().get(
        f"{found['account_url']}/lab", headers={"X-Auth-Token": found["token"]}
    ).status_code in (200, 204)
