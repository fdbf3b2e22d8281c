"""The operators' commands about accounts, containers, objects and links."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from synnefo.astakos.quotas.models import Holding
from synnefo.audit.models import AuditEvent
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.namespace import accounts, containers, objects, publishing, sharing
from synnefo.pithos.namespace.models import Account, Container, Group, KnownBlock, Object, Share, Version
from synnefo.pithos.namespace.names import Path
from tests.conftest import Person
from tests.manage import listed, manage
from tests.pithos_kit import store as store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]


@pytest.fixture
def ann(new_person: Callable[..., Person]) -> Person:
    return new_person("ann")


@pytest.fixture
def bob(new_person: Callable[..., Person]) -> Person:
    return new_person("bob")


def put(who: Person, container: str, name: str, text: bytes = b"hello you", **meta: str) -> Version:
    containers.put(who.caller, who.user.uuid, container, attributes={}, policy={})
    content = keep(blocks(), [text], django_settings.PITHOS_BACKEND_BLOCK_SIZE)
    path = Path(who.user.uuid, container, name)
    return objects.write(who.caller, path, content, content_type="text/plain", attributes=meta)


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def usage_of(who: Person) -> tuple[int, int]:
    uuid = who.user.uuid
    rows = Holding.objects.filter(resource="pithos.diskspace")
    share = rows.get(holder=f"user:{uuid}", source=f"project:{uuid}")
    return share.usage_max, rows.get(holder=f"project:{uuid}", source="").usage_max


def known_to(who: Person) -> set[bytes]:
    rows = KnownBlock.objects.filter(account__name=who.user.uuid)
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)}


def shown(*arguments: str) -> dict[str, Any]:
    [found] = json.loads(manage(*arguments, "--output-format", "json"))
    return found


def test_accounts_are_listed_and_shown(ann: Person, bob: Person) -> None:
    put(ann, "docs", "a")
    accounts.set_attributes(
        ann.caller, ann.user.uuid, {"Dept": "physics"}, merge=True, wanted={"team": [bob.user.uuid]}
    )
    [row] = listed("account-list")
    assert (row["name"], row["containers"], row["objects"], row["bytes"]) == (ann.user.uuid, "1", "1", "9")
    found = shown("account-show", ann.user.uuid)
    assert (found["objects"], found["bytes"], found["of project"]) == ("1", "9", "False")
    assert found["metadata"] == [{"key": "Dept", "value": "physics"}]
    assert found["groups"] == [{"name": "team", "members": bob.user.uuid}]
    assert [row["name"] for row in found["containers"]] == ["docs"]
    with pytest.raises(CommandError, match="There is no account"):
        manage("account-show", "nobody")


def test_containers_are_listed_shown_and_limited(ann: Person, bob: Person) -> None:
    put(ann, "docs", "a")
    put(bob, "docs", "a")
    assert len(listed("container-list")) == 2
    assert [row["name"] for row in listed("container-list", "--account", ann.user.uuid)] == ["docs"]
    manage("container-modify", ann.user.uuid, "docs", "--quota", "10 KiB", "--versioning", "none")
    found = shown("container-show", ann.user.uuid, "docs")
    assert (found["quota"], found["versioning"], found["charged"]) == ("10240", "none", "9")
    assert AuditEvent.objects.filter(action="container.modify", actor_name="snf-manage").exists()
    with pytest.raises(CommandError, match="nothing to change"):
        manage("container-modify", ann.user.uuid, "docs")


def test_a_container_is_charged_to_another_project(ann: Person, bob: Person) -> None:
    put(ann, "docs", "a")
    with pytest.raises(CommandError):
        manage("container-modify", ann.user.uuid, "docs", "--project", bob.user.uuid)
    assert Container.objects.get().project == ann.user.uuid
    assert usage_of(ann) == (9, 9)


def test_files_are_listed_by_prefix(ann: Person) -> None:
    for name in ("a/1", "a/2", "b"):
        put(ann, "docs", name)
    assert [row["name"] for row in listed("file-list", ann.user.uuid, "docs", "--prefix", "a/")] == [
        "a/1",
        "a/2",
    ]
    assert len(listed("file-list", ann.user.uuid, "docs", "--filter-by", "size_bytes>8")) == 3


def test_a_file_is_shown_by_path_and_by_uuid(ann: Person, bob: Person) -> None:
    first = put(ann, "docs", "a", **{"X-Object-Meta-Colour": "blue"})
    second = put(ann, "docs", "a", b"other words", **{"X-Object-Meta-Colour": "red"})
    path = Path(ann.user.uuid, "docs", "a")
    sharing.replace(ann.caller, path, {bob.user.uuid: True})
    link = publishing.publish(ann.caller, path)
    found = shown("file-show", ann.user.uuid, "docs", "a", "--hashmap")
    assert found == shown("file-show", second.uuid, "--hashmap")
    assert (found["version"], found["bytes"], found["name"]) == (str(second.pk), "11", "a")
    assert found["public"].endswith(f"/pithos/public/{link.url}")
    assert found["metadata"] == [{"key": "X-Object-Meta-Colour", "value": "red"}]
    assert found["permissions"] == [{"who": bob.user.uuid, "right": "write"}]
    assert len(found["hashmap"]) == 3
    old = shown("file-show", ann.user.uuid, "docs", "a", "--obj-version", str(first.pk))
    assert (old["bytes"], old["public"]) == ("9", "")
    assert shown("file-show", second.uuid, "--domain", "plankton")["metadata"] == []
    with pytest.raises(CommandError, match="There is no object"):
        manage("file-show", "nothing")
    with pytest.raises(CommandError, match="ACCOUNT CONTAINER OBJECT"):
        manage("file-show", "a", "b")


def test_a_file_is_removed_when_that_is_meant(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    put(ann, "docs", "a")
    answering(monkeypatch, "no\n")
    with pytest.raises(CommandError, match="nothing was changed"):
        manage("file-remove", ann.user.uuid, "docs", "a")
    assert usage_of(ann) == (9, 9)
    answering(monkeypatch, "y\n")
    manage("file-remove", ann.user.uuid, "docs", "a")
    assert usage_of(ann) == (0, 0)
    assert Version.objects.count() == 2
    manage("file-remove", ann.user.uuid, "docs", "a", "--history", "--force")
    assert Object.objects.count() == 0


def test_public_links_are_listed_and_ended(ann: Person) -> None:
    put(ann, "docs", "a")
    path = Path(ann.user.uuid, "docs", "a")
    link = publishing.publish(ann.caller, path)
    [row] = listed("public-list", "--account", ann.user.uuid)
    assert (row["link"], row["container"], row["object"], row["password"]) == (link.url, "docs", "a", "False")
    manage("public-revoke", f"https://cloud.example.org/pithos/public/{link.url}")
    assert listed("public-list") == []
    with pytest.raises(ItemNotFound):
        publishing.find(link.url)
    with pytest.raises(CommandError, match="no public link"):
        manage("public-revoke", link.url)


def test_an_account_is_deleted_whole_and_only_after_yes(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ann, "docs", "a")
    put(ann, "docs", "a", b"other words")
    put(ann, "more", "b/c")
    put(bob, "docs", "a")
    told = manage("pithos-manage-accounts", "delete", ann.user.uuid, "--dry")
    assert told.splitlines() == [f"{ann.user.uuid}/docs/a", f"{ann.user.uuid}/more/b/c"]
    for answer in ("y\n", "no\n", ""):
        answering(monkeypatch, answer)
        with pytest.raises(CommandError, match="nothing was changed"):
            manage("pithos-manage-accounts", "delete", ann.user.uuid)
    assert (Object.objects.count(), usage_of(ann)) == (3, (20, 20))
    answering(monkeypatch, "yes\n")
    manage("pithos-manage-accounts", "delete", ann.user.uuid)
    assert list(Account.objects.values_list("name", flat=True)) == [bob.user.uuid]
    assert (usage_of(ann), usage_of(bob)) == ((0, 0), (9, 9))


def test_merging_gives_all_to_the_other_account(
    ann: Person, bob: Person, new_person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = new_person("eve")
    old = put(ann, "docs", "only")
    put(ann, "docs", "only", b"other words")
    put(ann, "docs", "both", b"of ann")
    put(ann, "pictures", "p")
    put(bob, "docs", "both", b"of bob")
    put(eve, "docs", "e")
    publishing.publish(ann.caller, Path(ann.user.uuid, "pictures", "p"))
    accounts.set_attributes(ann.caller, ann.user.uuid, {}, merge=True, wanted={"team": [eve.user.uuid]})
    sharing.replace(eve.caller, Path(eve.user.uuid, "docs", "e"), {ann.user.uuid: True, bob.user.uuid: False})
    manage("pithos-manage-accounts", "merge", ann.user.uuid, bob.user.uuid, "--dry")
    assert Container.objects.filter(account__name=bob.user.uuid).count() == 1
    answering(monkeypatch, "yes\n")
    errors = io.StringIO()
    call_command(
        "pithos-manage-accounts", "merge", ann.user.uuid, bob.user.uuid, stdout=io.StringIO(), stderr=errors
    )
    assert f"{ann.user.uuid}/docs/both" in errors.getvalue()
    rows = Object.objects.filter(container__account__name=bob.user.uuid)
    assert set(rows.values_list("container__name", "name")) == {
        ("docs", "both"),
        ("docs", "only"),
        ("pictures", "p"),
    }
    assert objects.get(bob.caller, Path(bob.user.uuid, "docs", "only"), old.pk).size_bytes == 9
    docs = Container.objects.get(account__name=bob.user.uuid, name="docs")
    assert (docs.object_count, docs.size_bytes) == (2, 17)
    assert (usage_of(ann), usage_of(bob)) == ((6, 6), (26, 26))
    assert Group.objects.get().account.name == bob.user.uuid
    assert dict(Share.objects.values_list("who", "write")) == {bob.user.uuid: True}
    assert known_to(ann) <= known_to(bob)


def test_merging_twice_ends_with_the_last_path(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ann, "docs", "both")
    put(bob, "docs", "both")
    for _ in range(2):
        answering(monkeypatch, "yes\n")
        manage("pithos-manage-accounts", "merge", ann.user.uuid, bob.user.uuid)
        objects.delete(bob.caller, Path(bob.user.uuid, "docs", "both"))
        objects.purge(bob.caller, Path(bob.user.uuid, "docs", "both"), Version.objects.latest("pk").modified)
    assert not Account.objects.filter(name=ann.user.uuid).exists()
    assert (usage_of(ann), usage_of(bob)) == ((0, 0), (0, 0))


def test_accounts_that_differ_in_case_are_found() -> None:
    for name in ("Ann@example.org", "ann@example.org", "bob@example.org"):
        Account.objects.create(name=name)
    told = manage("pithos-manage-accounts", "list", "--duplicate", "--no-headers", "--output-format", "csv")
    assert told.split() == ["Ann@example.org", "ann@example.org"]
    assert len(listed("account-list", "--duplicate")) == 2
    assert len(json.loads(manage("pithos-manage-accounts", "list", "--output-format", "json"))) == 3


def test_quota_is_exported_as_ever(ann: Person, tmp_path: File) -> None:
    put(ann, "docs", "a")
    manage("pithos-manage-accounts", "export-quota", "--location", str(tmp_path / "quota"))
    assert (tmp_path / "quota").read_text() == f"{ann.user.uuid} pithos.diskspace {2**50}\n"


def test_containers_of_a_name_are_limited(ann: Person, bob: Person) -> None:
    put(ann, "trash", "a")
    put(bob, "trash", "a")
    told = manage("pithos-manage-accounts", "set-container-quota", "trash", "5", "--dry")
    assert len(told.splitlines()) == 2
    assert set(Container.objects.values_list("quota_bytes", flat=True)) == {0}
    manage("pithos-manage-accounts", "set-container-quota", "trash", "5", "--account", ann.user.uuid)
    assert Container.objects.get(account__name=ann.user.uuid).quota_bytes == 5
    manage("pithos-manage-accounts", "set-container-quota", "trash", "7")
    assert set(Container.objects.values_list("quota_bytes", flat=True)) == {7}
    with pytest.raises(CommandError, match="no number of bytes"):
        manage("pithos-manage-accounts", "set-container-quota", "trash", "much")


def test_services_are_exported(standard: None, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org"
    exported = json.loads(manage("service-export-pithos"))
    assert "https://cloud.example.org/pithos/object-store/v1" in json.dumps(exported)


def test_tables_are_brought_up_to_date_by_the_old_words() -> None:
    head = manage("pithos-migrate", "heads").strip()
    assert manage("pithos-migrate", "current").strip() == f"{head} (head)"
    manage("pithos-migrate", "upgrade", "head")
    manage("pithos-migrate", "stamp", "head")
    with pytest.raises(CommandError, match="no migration"):
        manage("pithos-migrate", "stamp", "3dd56e750a3")
    assert manage("pithos-migrate", "current").strip() == f"{head} (head)"
