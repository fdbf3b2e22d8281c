"""Files in a real browser: known blocks are not sent, what fails goes on, what is thrown away comes back."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path as Local
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect
from pytest_django.live_server_helper import LiveServer

from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import Caller
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.blocks.hashing import block_hash, top_hash
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Path
from tests.browser.conftest import ELSEWHERE, PASSWORD, press
from tests.browser.test_look import KEPT, examine
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

BLOCK = 4 * 1024 * 1024

KEPT.update(("files", "files-uploads", "files-object", "files-trash"))


class Shelf:
    """Alice's files, as the rules see them."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        containers.put(caller, caller.user, "docs", attributes={}, policy={})

    def at(self, name: str, container: str = "docs") -> Path:
        return Path(self.caller.user, container, name)

    def get(self, name: str, container: str = "docs") -> Version:
        return objects.get(self.caller, self.at(name, container))

    def put(self, name: str, data: bytes, kind: str = "text/plain") -> Version:
        content = keep(blocks(), [data], BLOCK)
        return objects.write(self.caller, self.at(name), content, content_type=kind, attributes={})

    def names(self, container: str = "docs") -> list[str]:
        rows = Version.objects.filter(object__container__name=container, state=Version.State.CURRENT)
        return sorted(rows.values_list("object__name", flat=True))


@pytest.fixture
def shelf(transactional_db: None, cloud: People) -> Shelf:
    return Shelf(cloud.alice.caller)


@pytest.fixture
def page(shelf: Shelf, alice_page: Page, live_server: Any) -> Page:
    """Alice's container ``docs``, open."""
    alice_page.goto(f"{live_server.url}/ui/files/folder/?in=docs")
    return alice_page


@pytest.fixture
def posts(page: Page) -> list[Request]:
    """The blocks that are sent, as they are."""
    found: list[Request] = []

    def note(request: Request) -> None:
        if request.method == "POST" and "/object-store/" in request.url:
            found.append(request)

    page.on("request", note)
    return found


def random_file(folder: Local, name: str, size_bytes: int) -> Local:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size_bytes))
    return path


def root_of(data: bytes) -> str:
    return top_hash([block_hash(data[at : at + BLOCK]) for at in range(0, len(data), BLOCK)]).hex()


def upload(page: Page, *files: Local) -> None:
    page.wait_for_load_state()  # the script that hears of chosen files
    page.locator("#files-input").set_input_files([str(file) for file in files])


def state(page: Page, name: str) -> Any:
    return page.locator(".upload", has=page.get_by_text(name, exact=True)).locator(".upload-state")


def row(page: Page, name: str) -> Any:
    return page.locator(f'#live tr[data-name="{name}"]')


def menu(page: Page, name: str) -> None:
    row(page, name).get_by_role("button", name=f"Actions for {name}").click()


def test_known_blocks_are_never_sent_and_what_comes_back_is_what_was_sent(
    page: Page, posts: list[Request], shelf: Shelf, tmp_path: Local
) -> None:
    first = random_file(tmp_path, "first.bin", 2 * BLOCK + 1234)
    upload(page, first)
    expect(state(page, "first.bin")).to_have_text(re.compile("^Done: 8 MB sent$"))
    expect(row(page, "first.bin")).to_contain_text("8 MB")
    assert len(posts) == 3
    assert shelf.get("first.bin").hash == root_of(first.read_bytes())
    second = tmp_path / "second.bin"
    second.write_bytes(first.read_bytes()[: 2 * BLOCK] + b"another end")
    upload(page, second)
    expect(state(page, "second.bin")).to_have_text("Done: 11 bytes sent, 8 MB known already")
    assert len(posts) == 4
    third = tmp_path / "third.bin"
    third.write_bytes(first.read_bytes())
    upload(page, third)
    expect(state(page, "third.bin")).to_have_text("Done: 0 bytes sent, 8 MB known already")
    assert len(posts) == 4
    menu(page, "third.bin")
    with page.expect_download() as download:
        row(page, "third.bin").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "third.bin"
    digest = hashlib.sha256(Local(download.value.path()).read_bytes()).digest()
    assert digest == hashlib.sha256(first.read_bytes()).digest()


def test_an_upload_that_failed_goes_on_with_what_is_missing(
    page: Page, posts: list[Request], shelf: Shelf, tmp_path: Local, troubles: list[str]
) -> None:
    file = random_file(tmp_path, "large.bin", 3 * BLOCK)
    passed: list[str] = []

    def one_alone(route: Route) -> None:
        if route.request.method == "POST" and passed:
            route.fulfill(
                status=400, json={"badRequest": {"code": 400, "message": "The body was cut short."}}
            )
        else:
            passed.extend([route.request.url] if route.request.method == "POST" else [])
            route.continue_()

    page.route("**/object-store/**", one_alone)
    upload(page, file)
    expect(state(page, "large.bin")).to_have_text("The body was cut short.")
    assert shelf.names() == []
    page.unroute("**/object-store/**")
    posts.clear()
    page.get_by_role("button", name="Retry large.bin").click()
    expect(state(page, "large.bin")).to_contain_text("Done: 8 MB sent, 4 MB known already")
    assert len(posts) == 2
    assert shelf.get("large.bin").hash == root_of(file.read_bytes())
    troubles.clear()  # the browser reports the refusals


def test_a_block_that_gets_no_answer_is_sent_again_by_itself(
    page: Page, posts: list[Request], shelf: Shelf, tmp_path: Local, troubles: list[str]
) -> None:
    file, failures = random_file(tmp_path, "x.bin", 100), [502, 0]

    def unlucky(route: Route) -> None:
        if route.request.method == "POST" and failures:
            status = failures.pop()
            route.fulfill(status=status) if status else route.abort()
        else:
            route.continue_()

    page.route("**/object-store/**", unlucky)
    upload(page, file)
    expect(state(page, "x.bin")).to_have_text("Done: 100 bytes sent")
    assert len(posts) == 3
    assert shelf.get("x.bin").hash == root_of(file.read_bytes())
    troubles.clear()


def test_objects_may_be_served_from_another_origin(
    shelf: Shelf, alice_page: Page, live_server: Any, settings: Any, tmp_path: Local
) -> None:
    other = LiveServer("localhost:0")
    try:
        settings.PITHOS_LISTEN = f"127.0.0.1:{other.thread.port}"
        alice_page.goto(f"{live_server.url}/ui/files/folder/?in=docs")
        file = random_file(tmp_path, "x.bin", BLOCK + 1)
        with alice_page.expect_request(f"{other.url}/pithos/object-store/**"):
            upload(alice_page, file)
        expect(state(alice_page, "x.bin")).to_contain_text("Done: 4 MB sent")
        menu(alice_page, "x.bin")
        with alice_page.expect_download() as download:
            row(alice_page, "x.bin").get_by_role("link", name="Download").click()
        assert download.value.url.startswith(other.url)
        assert Local(download.value.path()).read_bytes() == file.read_bytes()
    finally:
        other.stop()


def test_what_is_not_secure_hashes_by_itself(
    shelf: Shelf, live_server: Any, open_page: Callable[..., Page], tmp_path: Local, troubles: list[str]
) -> None:
    page, origin = open_page(), f"http://{ELSEWHERE}:{live_server.thread.port}"
    page.goto(f"{origin}/ui/files/folder/?in=docs")
    page.get_by_label("E-mail").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert not page.evaluate("isSecureContext")
    file = tmp_path / "x.bin"
    file.write_bytes(b"a" * 1000 + bytes(BLOCK - 1000) + b"end" + bytes(17))
    upload(page, file)
    expect(state(page, "x.bin")).to_contain_text("Done")
    assert shelf.get("x.bin").hash == root_of(file.read_bytes())
    troubles.clear()  # the browser tells that the page is not secure


def test_the_script_hashes_as_the_store_does(page: Page) -> None:
    vectors = {
        "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "ab\0\0": "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603",
        "abcd\0\0\0\0": "618795b153067c09dd1253ac1a8a5398447d0c62232303cef1fb2ee0f39906e9",
        "abcdefgh": "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6",
        "abcdefghij": "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1",
        "abcdefghijklmnopqr": "6abcb011c8afa5d85393fb0508b78ff6ef4107e02540fae9ad8a6b3c124bcd88",
        "\0" * 16: "5310a330e8f970388503c73349d80b45cd764db615f1bced2801dcd4524a2ff4",
    }
    script = """async (texts) => {
      const { blockHash, topHash } = await import("/static/synnefo/files-hash.js");
      return Promise.all(texts.map(async (text) => {
        const parts = text.match(/[^]{1,4}/g) ?? [];
        return topHash(await Promise.all(parts.map((part) => blockHash(new TextEncoder().encode(part)))));
      }));
    }"""
    assert page.evaluate(script, list(vectors)) == list(vectors.values())


def test_a_name_that_is_taken_is_asked_about(page: Page, shelf: Shelf, tmp_path: Local) -> None:
    shelf.put("x.txt", b"old")
    shelf.put("x (2).txt", b"other")
    files = [random_file(tmp_path, "x.txt", 10), random_file(tmp_path, "y.txt", 10)]
    dialog = page.get_by_role("dialog")
    upload(page, *files)
    expect(dialog).to_contain_text("This name is taken")
    expect(dialog).to_contain_text("the old one is kept")
    dialog.get_by_role("button", name="Keep both").click()
    expect(state(page, "x (3).txt")).to_contain_text("Done")
    expect(state(page, "y.txt")).to_contain_text("Done")
    assert shelf.names() == ["x (2).txt", "x (3).txt", "x.txt", "y.txt"]
    page.get_by_role("button", name="Close", exact=True).click()
    files[0].write_bytes(b"newer")
    upload(page, files[0])
    dialog.get_by_role("button", name="Overwrite").click()
    expect(state(page, "x.txt")).to_contain_text("Done")
    assert len(objects.versions(shelf.caller, shelf.at("x.txt"))) == 2
    upload(page, files[0])
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".upload")).to_have_count(1)


def test_a_folder_comes_with_its_folders(page: Page, shelf: Shelf, tmp_path: Local) -> None:
    for name in ("trip/day-1/a.jpg", "trip/day-2/ü & b.jpg", "trip/notes.txt"):
        random_file(tmp_path, name, 100)
    (tmp_path / "trip/empty").touch()
    page.locator("#folder-input").set_input_files(str(tmp_path / "trip"))
    expect(page.locator(".upload.done")).to_have_count(4)
    assert shelf.names() == ["trip/day-1/a.jpg", "trip/day-2/ü & b.jpg", "trip/empty", "trip/notes.txt"]
    row(page, "trip").get_by_role("link").click()
    expect(row(page, "day-1")).to_contain_text("Folder")
    menu_names = page.locator("#live tr[data-name]")
    expect(menu_names).to_have_count(4)


def test_files_are_dropped_on_the_page(page: Page, shelf: Shelf) -> None:
    transfer = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "d.txt"));
          return data;
        }"""
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(page.locator("#drop")).to_be_hidden()
    expect(state(page, "d.txt")).to_contain_text("Done")
    assert shelf.get("d.txt").size_bytes == 7


def test_an_upload_is_cancelled_and_the_others_go_on(page: Page, shelf: Shelf, tmp_path: Local) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/object-store/**", hold)
    upload(page, random_file(tmp_path, "a.bin", 100), random_file(tmp_path, "b.bin", 100))
    expect(state(page, "a.bin")).to_contain_text("Sending")
    page.get_by_role("button", name="Cancel a.bin").click()
    expect(state(page, "a.bin")).to_have_text("Cancelled")
    expect(state(page, "b.bin")).to_contain_text("Done")
    assert shelf.names() == ["b.bin"]
    for route in held:
        route.abort()


def test_what_is_more_than_the_quota_says_what_is_left(page: Page, shelf: Shelf, tmp_path: Local) -> None:
    account = projects.get(shelf.caller.user)
    projects.set_limits(SYSTEM, account, {"pithos.diskspace": (1500, 1500)})
    upload(page, random_file(tmp_path, "a.bin", 1000), random_file(tmp_path, "b.bin", 1000))
    expect(state(page, "a.bin")).to_contain_text("Done")
    expect(state(page, "b.bin")).to_contain_text("1000 bytes needed, 500 bytes are left in")
    assert shelf.names() == ["a.bin"]


def test_what_is_thrown_away_comes_back_in_place(page: Page, shelf: Shelf) -> None:
    for name in ("a.txt", "b/1.txt", "b/2.txt"):
        shelf.put(name, b"data")
    page.reload()
    page.evaluate("window.samePage = true")
    page.get_by_label("Tick all on this page").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    page.get_by_role("group", name="For what is ticked").get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("2 items moved to the trash.")
    expect(page.get_by_role("heading", name="This container is empty")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "b")).to_be_visible()
    expect(page.locator("#messages")).to_contain_text("2 items are back.")
    assert page.evaluate("window.samePage")
    assert shelf.names() == ["a.txt", "b/1.txt", "b/2.txt"]


def test_the_trash_gives_back_and_is_emptied(page: Page, shelf: Shelf, live_server: Any) -> None:
    for name in ("a.txt", "b/1.txt"):
        shelf.put(name, b"data")
    page.reload()
    for name in ("a.txt", "b"):
        menu(page, name)
        row(page, name).get_by_role("button", name="Delete").click()
        expect(row(page, name)).to_be_hidden()
    page.get_by_role("link", name="trash").click()
    expect(row(page, "b")).to_contain_text("docs/")
    menu(page, "b")
    row(page, "b").get_by_role("button", name="Put back").click()
    expect(page.locator("#messages")).to_contain_text("b is back as docs/b/")
    assert shelf.names() == ["b/1.txt"]
    page.get_by_role("link", name="Empty trash").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Empty trash")).to_be_disabled()
    dialog.get_by_label("Type").fill("trash")
    dialog.get_by_role("button", name="Empty trash").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert not Version.objects.filter(object__container__name="trash").exists()


def test_an_old_version_is_looked_at_and_restored(page: Page, shelf: Shelf) -> None:
    old, _ = shelf.put("x.txt", b"the first words"), shelf.put("x.txt", b"spoilt")
    page.reload()
    row(page, "x.txt").get_by_role("link", name="x.txt").click()
    expect(page.get_by_label("The beginning of x.txt")).to_have_text("spoilt")
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download version {old.pk}").click()
    assert Local(download.value.path()).read_bytes() == b"the first words"
    page.get_by_role("button", name=f"Restore version {old.pk}").click()
    expect(page.locator("#messages")).to_contain_text("current one again")
    expect(page.get_by_label("The beginning of x.txt")).to_have_text("the first words")
    assert len(objects.versions(shelf.caller, shelf.at("x.txt"))) == 3


def test_a_container_a_folder_and_a_name_by_keyboard_alone(
    page: Page, shelf: Shelf, live_server: Any
) -> None:
    page.goto(f"{live_server.url}/ui/files/")
    press(page, "c")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("papers")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="papers")).to_be_visible()
    page.get_by_role("link", name="New folder").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    page.keyboard.type("2026")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    assert shelf.names("papers") == ["2026"]
    shelf.put("x.txt", b"1")
    page.goto(f"{live_server.url}/ui/files/object/?in=docs&name=x.txt")
    page.get_by_role("button", name="Rename or move").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("y.txt")
    page.get_by_label("Container").select_option("papers")
    page.get_by_label("Folder").fill("2026")
    page.get_by_label("Folder").press("Enter")
    expect(row(page, "y.txt")).to_be_visible()
    assert shelf.names("papers") == ["2026", "2026/y.txt"]


def test_ticked_files_come_as_one_archive(page: Page, shelf: Shelf) -> None:
    shelf.put("a.txt", b"1")
    shelf.put("b/c.txt", b"2")
    page.reload()
    page.get_by_label("Tick all on this page").check()
    with page.expect_download() as download:
        page.get_by_role("group", name="For what is ticked").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "docs.zip"
    assert Local(download.value.path()).read_bytes().startswith(b"PK")


@pytest.fixture
def full_shelf(shelf: Shelf) -> Shelf:
    """Containers as people have them."""
    picture = (Local(__file__).parents[2] / "docs/images/console.png").read_bytes()
    for name in ("backups", "website"):
        containers.put(shelf.caller, shelf.caller.user, name, attributes={}, policy={})
    for name, size, kind in (
        ("annual report 2025.pdf", 3_482_112, "application/pdf"), ("budget.csv", 48_213, "text/csv"),
        ("photos/tinos/harbour.jpg", 2_100_000, "image/jpeg"),
        ("photos/tinos/chapel.jpg", 1_900_000, "image/jpeg"),
        ("contracts/lease.pdf", 210_000, "application/pdf"), ("talk.mp4", 9_000_000, "video/mp4"),
        ("server-inventory-and-maintenance-windows-2026.json", 7_301, "application/json"),
    ):  # fmt: skip
        shelf.put(name, os.urandom(size), kind)
    shelf.put("notes.txt", b"milk\n", "text/plain")
    shelf.put("notes.txt", b"milk, bread\n", "text/plain")
    shelf.put("diagram.png", picture[: 512 * 1024], "image/png")
    shelf.put("diagram.png", picture, "image/png")
    return shelf


def test_pages_of_files_are_sound_in_both_themes_and_on_a_phone(
    full_shelf: Shelf, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
    tmp_path: Local,
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page)
    page.goto(f"{live_server.url}/ui/files/")
    examine(page, "files-containers")
    page.goto(f"{live_server.url}/ui/files/create/")
    examine(page, "files-container-create")
    page.goto(f"{live_server.url}/ui/files/folder/?in=docs")
    examine(page, "files")
    menu(page, "notes.txt")
    examine(page, "files-menu")
    page.keyboard.press("Escape")
    page.get_by_label("Tick notes.txt").check()
    examine(page, "files-ticked")
    upload(page, random_file(tmp_path, "slides.odp", BLOCK + 17), random_file(tmp_path, "cover.png", 12_000))
    expect(page.locator(".upload.done")).to_have_count(2)
    examine(page, "files-uploads")
    upload(page, random_file(tmp_path, "notes.txt", 100))
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "files-taken", whole=False)
    page.keyboard.press("Escape")
    page.goto(f"{live_server.url}/ui/files/folder/?in=docs&under=photos/tinos/")
    examine(page, "files-inside")
    page.goto(f"{live_server.url}/ui/files/folder/?in=docs&q=nothing-like-this")
    examine(page, "files-nothing-found")
    page.goto(f"{live_server.url}/ui/files/folder/?in=website")
    examine(page, "files-empty")
    page.goto(f"{live_server.url}/ui/files/object/?in=docs&name=diagram.png")
    examine(page, "files-object")
    page.goto(f"{live_server.url}/ui/files/object/?in=docs&name=notes.txt")
    examine(page, "files-text")
    page.get_by_role("button", name="Rename or move").click()
    examine(page, "files-move")
    page.goto(f"{live_server.url}/ui/files/trash/")
    examine(page, "files-trash-empty")
    page.goto(f"{live_server.url}/ui/files/folder/?in=docs")
    for name in ("photos", "budget.csv"):
        menu(page, name)
        row(page, name).get_by_role("button", name="Delete").click()
        expect(row(page, name)).to_be_hidden()
    examine(page, "files-undo")
    page.goto(f"{live_server.url}/ui/files/trash/")
    examine(page, "files-trash")
    page.get_by_role("link", name="Empty trash").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "files-erase", whole=False)
