"""What old clients came across: odd headers, formats, conditions, policies and what each change costs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils.http import http_date

from synnefo.common.accounts import accounts
from synnefo.pithos.namespace.models import Version
from tests.pithos.conftest import Api, names
from tests.pithos_kit import body_of

OCTETS = "application/octet-stream"


def parsed(response: Any) -> ElementTree.Element:
    return ElementTree.fromstring(response.content)  # noqa: S314


# --- headers ---------------------------------------------------------------------------------------------


def test_header_values_are_percent_encoded_but_for_types(api: Api) -> None:
    kept = "a/b=c,d:e@f;g h"
    given = {
        "X-Object-Meta-Plain": kept, "X-Object-Meta-Quoted": quote("γεια+%"),
        "Content-Disposition": quote('attachment; filename="ü.svg"'),
    }  # fmt: skip
    assert api("PUT", "c/o", b"<svg/>", "image/svg+xml", **given).status_code == 201
    head = api("HEAD", "c/o")
    assert head["X-Object-Meta-Plain"] == kept
    assert head["X-Object-Meta-Quoted"] == "%CE%B3%CE%B5%CE%B9%CE%B1%2B%25"
    assert head["Content-Disposition"] == 'attachment; filename="%C3%BC.svg"'
    assert head["Content-Type"] == "image/svg+xml"


def test_names_of_metadata_are_percent_encoded_too(api: Api) -> None:
    environ = {f"HTTP_X_OBJECT_META_{quote('γη')}": "1"}
    response = api.client.generic(
        "PUT", f"/pithos/object-store/v1/{api.account}/c/o", b"x", content_type="text/plain",
        headers={"X-Auth-Token": api.token}, **environ,
    )  # fmt: skip
    assert response.status_code == 201
    assert api("HEAD", "c/o")[f"X-Object-Meta-{quote('Γη')}"] == "1"


@pytest.mark.parametrize("value", ["~", "", " ~ "])
def test_a_lone_tilde_is_nothing(api: Api, value: str) -> None:
    api.put("c/o", "x", X_Object_Meta_A="b", X_Object_Sharing="read=*")
    assert api("POST", "c/o?update", X_Object_Meta_A=value.strip(), X_Object_Sharing=value).status_code == 202
    head = api("HEAD", "c/o")
    assert "X-Object-Meta-A" not in head
    assert "X-Object-Sharing" not in head


def test_the_token_may_be_in_the_address_and_wins_there(api: Api, bob: Api) -> None:
    api.put("c/o", "x")
    assert bob("GET", f"{api.account}").status_code != 200
    url = f"/pithos/object-store/v1/{api.account}/c/o"
    assert bob("GET", f"{url}?X-Auth-Token={api.token}").status_code == 200
    assert bob("GET", f"{url}?X-Auth-Token=").status_code == 403


def test_every_answer_says_that_it_is_not_to_be_kept(api: Api) -> None:
    api.put("c/o", "x")
    for method, path in (("GET", ""), ("HEAD", "c"), ("GET", "c/o"), ("GET", "c/none"), ("PATCH", "c")):
        response = api(method, path)
        assert "no-store" in response["Cache-Control"]
        assert response["Vary"].startswith("X-Auth-Token")


# --- formats ---------------------------------------------------------------------------------------------


def test_the_format_is_chosen_by_parameter_then_suffix_then_accept(api: Api) -> None:
    api("PUT", "data.json")
    api.put("data.json/o", "x")
    assert api("GET", "data.json").json()[0]["name"] == "o"
    assert parsed(api("GET", "data.json?format=xml")).findtext("object/name") == "o"
    assert api("GET", "data.json?format=odd", Accept="application/xml").json()[0]["name"] == "o"
    api.put("c/o", "x")
    accept = "text/html, application/xml;q=0.9, application/json"
    assert parsed(api("GET", "c", Accept=accept)).findtext("object/name") == "o"
    assert api("GET", "c", Accept="*/*").content == b"o\n"
    assert parsed(api("GET", "", Accept="application/xml")).tag == "account"


def test_an_empty_list_has_no_lines_but_an_empty_root(api: Api) -> None:
    assert (api("GET", "c").status_code, api("GET", "c").content) == (204, b"")
    for kind, expected in (("json", b"[]"), ("xml", None)):
        response = api("GET", f"c?format={kind}")
        assert response.status_code == 200
        assert expected is None or response.content == expected
    assert len(parsed(api("GET", "c?format=xml"))) == 0


def test_blocks_are_listed_in_the_format_that_is_asked_for(api: Api) -> None:
    digest = hashlib.sha256(b"abcd").hexdigest()
    assert api("POST", "c?update&format=xml", b"abcd", OCTETS).content.count(digest.encode()) == 1
    assert [item.text for item in parsed(api("POST", "c?update&format=xml", b"abcd", OCTETS))] == [digest]
    assert api("POST", "c?update", b"abcd", OCTETS).json() == [digest]


def test_xml_says_what_json_says(api: Api) -> None:
    api.put("c/<a&b>", "hello", X_Object_Meta_A="b")
    (item,) = api("GET", "c?format=json").json()
    (element,) = parsed(api("GET", "c?format=xml"))
    told = {child.tag: child.text or "" for child in element}
    assert told == {name: "" if value is None else str(value) for name, value in item.items()}
    hashmap = parsed(api("GET", f"c/{quote('<a&b>')}?hashmap&format=xml"))
    assert hashmap.attrib == {"name": "<a&b>", "bytes": "5", "block_size": "4", "block_hash": "sha256"}


# --- conditions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{0}", '"{0}"', 'W/"{0}"', '"other", {0}', "*"])
def test_tags_count_with_quotes_and_without(api: Api, form: str) -> None:
    etag = api.put("c/o", "hello")["ETag"]
    tags = form.format(etag.upper())
    assert api("GET", "c/o", If_Match=tags).status_code == 200
    assert api("GET", "c/o", If_None_Match=tags).status_code == 304
    assert api("POST", "c/o", If_None_Match=tags).status_code == 412
    assert api("POST", "c/o", If_Match=tags, X_Object_Meta_A="b").status_code == 202


@pytest.mark.parametrize("path", ["", "c", "c/o"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_dates_count_in_all_three_forms(api: Api, path: str, method: str) -> None:
    api.put("c/o", "hello")
    past = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994")
    for text in past:
        assert api(method, path, If_Unmodified_Since=text).status_code == 412
        assert api(method, path, If_Modified_Since=text).status_code in (200, 204)
    now = http_date(Version.objects.get().modified.timestamp() + 60)
    assert api(method, path, If_Modified_Since=now).status_code == 304
    for nonsense in ("yesterday", "Thu, 99 Jan 1970 00:00:00 GMT"):
        assert api(method, path, If_Unmodified_Since=nonsense).status_code in (200, 204)


def test_conditions_of_copies_are_about_the_source_and_of_puts_about_the_target(api: Api) -> None:
    etag = api.put("c/o", "hello")["ETag"]
    api.put("c/p", "other")
    assert api("COPY", "c/o", Destination="/c/q", If_Match="other").status_code == 412
    assert api("COPY", "c/o", Destination="/c/q", If_Match=etag).status_code == 201
    assert api("PUT", "c/p", b"", X_Copy_From="/c/o", If_Match=etag).status_code == 412
    assert api("PUT", "c/p", b"", X_Copy_From="/c/o", If_None_Match="*").status_code == 412
    assert api("PUT", "c/r", b"", X_Copy_From="/c/o", If_None_Match="*").status_code == 201


# --- objects ---------------------------------------------------------------------------------------------


def test_zero_bytes_have_one_hash(api: Api) -> None:
    api.put("c/o", "")
    empty = hashlib.sha256(b"").hexdigest()
    assert json.loads(api("GET", "c/o?hashmap").content)["hashes"] == [empty]
    assert api("HEAD", "c/o")["X-Object-Hash"] == empty


def test_what_was_deleted_is_read_by_its_version_alone(api: Api) -> None:
    version = api.put("c/o", "hello")["X-Object-Version"]
    other = api.put("c/p", "other")["X-Object-Version"]
    api("DELETE", "c/o")
    for method in ("HEAD", "GET"):
        assert api(method, "c/o").status_code == 404
        assert api(method, f"c/o?version={version}").status_code == 200
        assert api(method, f"c/o?version={other}").status_code == 404
    api.put("c/o", "new")
    (old, new) = api("GET", "c/o?version=list").json()["versions"]
    assert (str(old[0]), new[0] > old[0]) == (version, True)


def test_a_tree_larger_than_a_list_is_copied_whole(api: Api, settings: Any) -> None:
    settings.PITHOS_API_LIST_LIMIT = 5
    api.put("c/dir", "")
    for number in range(12):
        api.put(f"c/dir/{number:02}", "x")
    api.put("c/dirX", "beside")
    assert api("COPY", "c/dir?delimiter=/", Destination="/c/new", X_Object_Meta_A="b").status_code == 201
    settings.PITHOS_API_LIST_LIMIT = 100
    copied = [name for name in names(api("GET", "c?format=json")) if name.startswith("new")]
    assert copied == ["new", *(f"new/{number:02}" for number in range(12))]
    assert api("HEAD", "c/new")["X-Object-Meta-A"] == "b"
    assert "X-Object-Meta-A" not in api("HEAD", "c/new/00")


def test_a_copy_to_itself_changes_type_and_metadata(api: Api) -> None:
    api.put("c/o", "hello", X_Object_Meta_A="b")
    before = api("HEAD", "c/o")
    assert api("PUT", "c/o", b"", "text/html", X_Copy_From="/c/o", X_Object_Meta_A="").status_code == 201
    after = api("HEAD", "c/o")
    assert (after["Content-Type"], "X-Object-Meta-A" in after) == ("text/html", False)
    assert after["X-Object-UUID"] == before["X-Object-UUID"]
    assert after["X-Object-Version"] != before["X-Object-Version"]
    api("PUT", "c/o?ignore_content_type", b"", "a/b", X_Copy_From="/c/o")
    assert api("HEAD", "c/o")["Content-Type"] == "text/html"


def test_a_form_clears_metadata_and_keeps_the_sharing(api: Api) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    api.put("c/o", "x", X_Object_Meta_A="b", X_Object_Sharing="read=*", X_Object_Public="true")
    url = f"/pithos/object-store/v1/{api.account}/c/o?X-Auth-Token={api.token}"
    file = SimpleUploadedFile("f", b"hello", "image/png")
    answer = Client().post(url, {"X-Object-Data": file}, headers={"X-Object-Meta-C": "d"})
    assert answer.status_code == 201
    head = api("HEAD", "c/o")
    assert not {"X-Object-Meta-A", "X-Object-Meta-C"} & set(head.headers)
    assert head["X-Object-Sharing"] == "read=%2A"
    assert "X-Object-Public" in head


# --- history ---------------------------------------------------------------------------------------------


def test_the_past_is_listed_as_it_was(api: Api) -> None:
    import datetime

    api.put("c/old", "hello")
    api.put("c/gone", "bye")
    moment = Version.objects.latest("id").modified
    Version.objects.update(modified=moment - datetime.timedelta(days=2))
    api("DELETE", "c/gone")
    api.put("c/old", "changed!")
    api.put("c/new", "x")
    until = int(moment.timestamp()) - 24 * 3600
    listed = api("GET", f"c?format=json&until={until}")
    assert [(item["name"], item["bytes"]) for item in listed.json()] == [("gone", 3), ("old", 5)]
    assert "last_modified" not in listed.json()[0]
    assert listed["X-Container-Object-Count"] == "2"
    assert listed["X-Container-Bytes-Used"] == "8"
    assert listed["X-Container-Until-Timestamp"].endswith("%2B00:00")
    for odd in ("x", "-1", "1.5", "9" * 30):
        assert names(api("GET", f"c?format=json&until={odd}")) == ["new", "old"]


# --- what changes cost -----------------------------------------------------------------------------------


@pytest.fixture
def used(api: Api) -> Callable[..., int]:
    def ask(project: str = "") -> int:
        return accounts().quotas(api.account, project or api.account)["pithos.diskspace"].usage

    return ask


def test_changes_are_charged_by_what_they_add(
    api: Api, used: Callable[..., int], people: Any, new_lab: Callable[..., Any]
) -> None:
    lab = new_lab(people.alice)
    api.put("c/o", "hello")
    assert used() == 5
    api("PUT", "c/o", b"", X_Copy_From="/c/o")
    assert used() == 5
    api.put("c/o", "hi")
    assert used() == 2
    api("PUT", "lab", X_Container_Policy_Project=lab.uuid)
    assert api("COPY", "c/o", Destination="/lab/o").status_code == 201
    assert (used(), used(lab.uuid)) == (2, 2)
    assert api("MOVE", "c/o", Destination="/lab/moved").status_code == 201
    assert (used(), used(lab.uuid)) == (0, 4)
    api("DELETE", "lab/o")
    assert used(lab.uuid) == 2
    assert api("PUT", "lab/p", b"x", "text/plain", If_Match="*").status_code == 412
    assert used(lab.uuid) == 2


def test_a_quota_of_a_container_is_lifted_by_nought(api: Api, used: Callable[..., int]) -> None:
    api("POST", "c?update", X_Container_Policy_Quota="4")
    assert api("PUT", "c/o", b"hello", "text/plain").status_code == 413
    assert (used(), Version.objects.count()) == (0, 0)
    api("POST", "c?update", X_Container_Policy_Quota="0")
    assert api("PUT", "c/o", b"hello", "text/plain").status_code == 201


def test_metadata_over_the_limit_leaves_no_version(api: Api) -> None:
    api.put("c/o", "x", **{f"X-Object-Meta-K{number}": "v" for number in range(32)})
    assert api("POST", "c/o?update", X_Object_Meta_One_More="v").status_code == 400
    assert Version.objects.count() == 1
    assert api("POST", "c/o?update", X_Object_Meta_K0="", X_Object_Meta_One_More="v").status_code == 202


def test_content_of_old_versions_comes_back(api: Api) -> None:
    first = api.put("c/o", "0123456789")["X-Object-Version"]
    api.put("c/o", "other and longer")
    back = api(
        "POST", "c/o", kind="text/plain", Content_Range="bytes 0-/*", X_Source_Object="/c/o",
        X_Source_Version=first, X_Object_Bytes="10",
    )  # fmt: skip
    assert back.status_code == 204
    found = api("GET", "c/o")
    assert (body_of(found), found["Content-Type"]) == (b"0123456789", "text/plain")
    assert back["ETag"] == hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()
