"""What access lists of containers may say, and what they give to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from synnefo.common.caller import Caller, Scope, anonymous_caller
from synnefo.common.faults import BadRequest
from synnefo.pithos.namespace import acl
from synnefo.pithos.namespace.acl import Access

OWNER = "owner-uuid"
READS = Access.READ | Access.LIST
BOB = Caller(
    user="bob-uuid", project="team-uuid", projects=frozenset({"team-uuid", "bob-uuid"}),
    roles=frozenset({"auditor"}), scope=Scope.PROJECT, name="Bob@example.org",
)  # fmt: skip


def names(uuids: Iterable[str]) -> Mapping[str, str]:
    return {uuid: uuid.replace("-uuid", ".example.org") for uuid in uuids}


@pytest.mark.parametrize(
    ("messy", "clean"),
    [
        ("bob , sue,,", "bob,sue"),
        (".referrer : *", ".r:*"),
        (".ref:*.example.com", ".r:.example.com"),
        (".r: - *.example.com , .rlistings", ".r:-.example.com,.rlistings"),
        ("project : user", "project : user"),
        ("", ""),
    ],
)
def test_lists_are_cleaned(messy: str, clean: str) -> None:
    assert acl.cleaned(messy) == clean
    assert acl.cleaned(clean) == clean


@pytest.mark.parametrize(
    ("text", "write"), [(".r:", False), (".r:-", False), (".r:*.", False), (".x:a", False), (".r:*", True)]
)
def test_what_means_nothing_is_refused(text: str, write: bool) -> None:
    with pytest.raises(BadRequest):
        acl.cleaned(text, write=write)


@pytest.mark.parametrize(
    ("text", "referrer", "access"),
    [
        (".r:*", "", Access.READ),
        (".r:*,.rlistings", "", READS),
        (".rlistings", "http://a.example.com/", Access.NONE),
        (".r:.example.com", "http://a.example.com/x", Access.READ),
        (".r:.example.com", "http://badexample.com/x", Access.NONE),
        (".r:a.example.com", "http://user@A.example.com:80/x", Access.READ),
        (".r:*,.r:-.example.com", "http://a.example.com/", Access.NONE),
        (".r:-.example.com,.r:*", "http://a.example.com/", Access.READ),
        (".r:.example.com", "http://[", Access.NONE),
        ("*:*", "", Access.NONE),
    ],
)
def test_strangers_are_let_in_by_where_they_come_from(text: str, referrer: str, access: Access) -> None:
    assert acl.given({"read": text}, anonymous_caller(referrer=referrer), OWNER, names) == access


@pytest.mark.parametrize(
    ("entry", "matches"),
    [
        ("team-uuid:bob-uuid", True),
        ("team.example.org:bob@EXAMPLE.org", True),
        ("team.example.org:*", True),
        ("*:bob-uuid", True),
        ("*:*", True),
        ("team-uuid", True),
        ("team.example.org", True),
        ("team-uuid:sue-uuid", False),
        ("bob-uuid:bob-uuid", False),  # he works in the other project
        ("auditor", False),  # in the owner's project he is nothing
        ("team-uuid:", False),
        ("bob-uuid", False),
    ],
)
def test_who_is_signed_in_is_known_by_project_and_user(entry: str, matches: bool) -> None:
    lists = {"read": f"nobody:nothing,{entry}", "write": entry}
    whole = READS | Access.WRITE if matches else Access.NONE
    assert acl.given(lists, BOB, OWNER, names) == whole


def test_roles_count_in_the_project_whose_account_it_is() -> None:
    assert acl.given({"write": "auditor"}, BOB, "team-uuid", names) == Access.WRITE
    assert acl.given({"write": "member"}, BOB, "team-uuid", names) == Access.NONE


def test_names_are_not_asked_for_where_uuids_decide() -> None:
    def none(uuids: Iterable[str]) -> Mapping[str, str]:
        raise AssertionError("asked")

    assert acl.given({"read": ".r:*,team-uuid:bob-uuid"}, BOB, OWNER, none) == READS
    assert acl.given({"read": "sue.example.org:sue"}, BOB, OWNER, none) == Access.NONE
