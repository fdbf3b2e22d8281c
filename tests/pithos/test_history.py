"""What old versions cost where history is not free, and what is given back when they are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.pithos.namespace import containers, objects, trees
from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.objects import Path
from tests.pithos.conftest import Api

#: A second that comes after all that tests do.
LATER = str(int(timezone.now().timestamp()) + 86400)


@pytest.fixture
def used(api: Api, settings: Any) -> Callable[..., int]:
    """What Alice is charged with, in her own project or another one."""
    settings.PITHOS_BACKEND_FREE_VERSIONING = False

    def ask(project: str = "") -> int:
        return accounts().quotas(api.account, project or api.account)["pithos.diskspace"].usage

    return ask


def test_free_history_costs_nothing(api: Api, used: Callable[..., int], settings: Any) -> None:
    settings.PITHOS_BACKEND_FREE_VERSIONING = True
    api.put("c/o", "hello")
    api.put("c/o", "hi")
    assert used() == 2
    api("DELETE", "c/o")
    assert used() == 0


def test_what_is_replaced_and_deleted_stays_charged(api: Api, used: Callable[..., int]) -> None:
    api.put("c/o", "hello")
    api.put("c/o", "hi")
    assert used() == 7
    api("POST", "c/o", X_Object_Meta_A="b")
    assert used() == 9
    assert api("HEAD", "c")["X-Container-Bytes-Used"] == "2"
    api("DELETE", "c/o")
    assert used() == 9
    assert api("HEAD", "c")["X-Container-Bytes-Used"] == "0"


def test_purging_gives_it_back(api: Api, used: Callable[..., int]) -> None:
    for name in ("o", "p"):
        api.put(f"c/{name}", "hello")
        api.put(f"c/{name}", "hi")
    api("DELETE", "c/p")
    assert used() == 14
    assert api("DELETE", f"c/o?until={LATER}").status_code == 204
    assert used() == 7
    assert api("HEAD", "c/o").status_code == 404
    api.put("c/q", "abc")
    assert api("DELETE", f"c?until={LATER}").status_code == 204
    assert used() == 3
    assert Version.objects.count() == 1


def test_long_history_is_forgotten_without_reading_it(api: Api, used: Callable[..., int]) -> None:
    """A hundred times the paths and versions take as many statements, but for some more a batch of paths."""
    counts = []
    for many in (10, 1000):
        api.put("c/first", "x")
        container, top = Container.objects.get(), Object.objects.get(name="first")
        made = [Object(container=container, name=f"p{number:04}") for number in range(many)]
        rows = [(path, Version.State.TOMBSTONE) for path in Object.objects.bulk_create(made)]
        rows += [(top, Version.State.HISTORY)] * many
        Version.objects.bulk_create(
            Version(object=path, state=state, modified=timezone.now(), attributes={"": {"a": "x" * 1000}})
            for path, state in rows
        )
        with CaptureQueriesContext(connection) as queries:
            assert api("DELETE", f"c?until={LATER}").status_code == 204
        counts.append(len(queries))
        assert list(Object.objects.values_list("name", flat=True)) == ["first"]
        assert Version.objects.count() == 1
        read = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
        assert not any('"pithos_version"."attributes"' in sql for sql in read)
    small, large = counts
    assert large - small <= 20


def test_a_container_that_goes_gives_its_history_back(api: Api, used: Callable[..., int]) -> None:
    api.put("c/o", "hello")
    assert api("DELETE", "c").status_code == 409
    api("DELETE", "c/o")
    assert used() == 5
    assert api("DELETE", "c").status_code == 204
    assert used() == 0


def test_containers_without_versions_have_nothing_to_charge(api: Api, used: Callable[..., int]) -> None:
    api("PUT", "c", X_Container_Policy_Versioning="none")
    api.put("c/o", "hello")
    api.put("c/o", "hi")
    assert used() == 2
    api("DELETE", "c/o")
    assert used() == 0


def test_another_project_takes_over_history_too(
    api: Api, used: Callable[..., int], people: Any, new_lab: Callable[..., Any]
) -> None:
    lab = new_lab(people.alice)
    api.put("c/o", "hello")
    api.put("c/o", "hi")
    assert api("POST", "c?update", X_Container_Policy_Project=lab.uuid).status_code == 202
    assert (used(), used(lab.uuid)) == (0, 7)


def test_what_is_erased_in_the_console_is_given_back(api: Api, used: Callable[..., int]) -> None:
    api.put("c/dir/o", "hello")
    api.put("c/dir/o", "hi")
    caller = Caller(api.account, api.account, frozenset({api.account}), frozenset({"member"}))
    trees.erase(caller, Path(api.account, "c", "dir/"))
    assert used() == 0
    assert not Version.objects.exists()


def test_a_container_says_what_it_is_charged_with(api: Api, used: Callable[..., int]) -> None:
    from synnefo.pithos.namespace import history

    api.put("c/o", "hello")
    api.put("c/o", "hi")
    caller = Caller(api.account, api.account, frozenset({api.account}), frozenset({"member"}))
    assert history.charged_bytes(containers.get(caller, api.account, "c")) == 7


# --- snapshots: content that is being made ---------------------------------------------------------------


@pytest.mark.parametrize(("state", "status"), [(0, 403), (-1, 400)])
def test_what_is_not_available_is_not_read(api: Api, state: int, status: int) -> None:
    api.put("c/o", "hello")
    Version.objects.update(available=state, is_snapshot=True)
    assert api("HEAD", "c/o")["Available"] == str(state)
    assert api("GET", "c?format=json").json()[0]["available"] == state
    assert api("GET", "c/o").status_code == api("GET", "c/o?hashmap").status_code == status
    assert api("PUT", "c/p", b"", X_Copy_From="/c/o").status_code == 403


def test_snapshots_are_read_only(api: Api) -> None:
    api.put("c/o", "hello")
    api.put("c/p", "other")
    Version.objects.filter(object__name="o").update(is_snapshot=True)
    octets = "application/octet-stream"
    assert api("PUT", "c/o", b"x", "text/plain").status_code == 403
    assert api("POST", "c/o", b"x", octets, Content_Range="bytes */*").status_code == 403
    assert api("PUT", "c/o", b"", X_Copy_From="/c/p").status_code == 403
    assert api.read("c/o") == b"hello"
    assert api("POST", "c/o", X_Object_Meta_A="b").status_code == 202
    assert api("MOVE", "c/o", Destination="/c/q").status_code == 201
    caller = Caller(api.account, api.account, frozenset({api.account}), frozenset({"member"}))
    assert objects.get(caller, Path(api.account, "c", "q")).is_snapshot
    assert api("DELETE", "c/q").status_code == 204


def test_empty_policies_are_the_defaults(api: Api, settings: Any) -> None:
    settings.PITHOS_BACKEND_CONTAINER_QUOTA = 70
    api("POST", "c?update", X_Container_Policy_Quota="7", X_Container_Policy_Versioning="none")
    for value in ("~", ""):
        response = api(
            "POST", "c?update", X_Container_Policy_Quota=value, X_Container_Policy_Versioning=value
        )
        assert response.status_code == 202
        head = api("HEAD", "c")
        assert head["X-Container-Policy-Quota"] == "70"
        assert head["X-Container-Policy-Versioning"] == "auto"
