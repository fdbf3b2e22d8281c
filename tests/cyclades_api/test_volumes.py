"""Block storage v3: the way of volumes and snapshots through it, in Cinder's shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People
from tests.cyclades_api.conftest import Api

BASE = "volume/v3/{project}"


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)


@pytest.fixture
def base(cloud: People) -> str:
    return BASE.format(project=cloud.alice.caller.project)


@pytest.fixture
def make(alice: Api, base: str, settle: Callable[[], None]) -> Callable[..., str]:
    """A volume of alice's, settled: its id."""

    def made(**wanted: Any) -> str:
        body = {"volume": {"size": 1, **wanted}}
        volume: dict[str, Any] = alice.json("POST", f"{base}/volumes", body, status=202)["volume"]
        settle()
        return str(volume["id"])

    return made


def test_versions_are_told_to_anybody(stranger: Api) -> None:
    [version] = stranger.json("GET", "volume/", status=300)["versions"]
    assert (version["id"], version["version"]) == ("v3.0", "")
    assert stranger.json("GET", "volume/v3")["versions"] == [version]
    assert stranger.json("GET", "volume", status=300)["versions"] == [version]


def test_a_volume_is_shown_as_cinder_shows_it(alice: Api, base: str, make: Callable[..., str]) -> None:
    uuid = make(name="data", description="of mine", metadata={"a": "b"})
    shown = alice.json("GET", f"{base}/volumes/{uuid}")["volume"]
    assert {key: shown[key] for key in ("name", "description", "size", "status", "bootable", "metadata")} == {
        "name": "data", "description": "of mine", "size": 1, "status": "available", "bootable": "false",
        "metadata": {"a": "b"},
    }  # fmt: skip
    assert shown["volume_type"] == "local"
    assert (shown["attachments"], shown["encrypted"], shown["snapshot_id"]) == ([], False, None)
    assert shown["links"][0]["href"].endswith(f"/openstack/{base}/volumes/{uuid}")
    [listed] = alice.json("GET", f"{base}/volumes/detail")["volumes"]
    assert listed == shown
    [brief] = alice.json("GET", f"{base}/volumes")["volumes"]
    assert set(brief) == {"id", "name", "links"}


def test_the_project_in_the_path_is_the_tokens(alice: Api, cloud: People) -> None:
    other = BASE.format(project=cloud.bob.caller.project)
    assert alice("GET", f"{other}/volumes").status_code == 400


def test_lists_are_sorted_cut_and_filtered(alice: Api, base: str, make: Callable[..., str]) -> None:
    ids = [make(name=name, size=size) for name, size in (("b", 2), ("a", 3), ("c", 1))]

    def listed(query: str) -> list[str]:
        found = alice.json("GET", f"{base}/volumes/detail?{query}")["volumes"]
        return [row["name"] for row in found]

    assert listed("") == ["c", "a", "b"]
    assert listed("sort=name:asc") == ["a", "b", "c"]
    assert listed("sort_key=size&sort_dir=desc") == ["a", "b", "c"]
    assert listed("sort=name:asc&limit=1&offset=1") == ["b"]
    assert listed(f"sort=name:asc&marker={ids[0]}") == ["c"]
    assert listed(f"marker={ids[1]}") == ["b"]
    assert listed("name=a") == ["a"]
    assert listed("status=in-use") == []
    assert listed("status=null") == []
    assert listed("bootable=false") == ["c", "a", "b"]
    assert listed("metadata=%7B'x':'y'%7D") == []
    assert listed("limit=0") == []
    for query, status in (("sort_key=x", 400), ("sort_dir=x", 400), ("limit=x", 400), ("metadata=x", 400)):
        assert alice("GET", f"{base}/volumes?{query}").status_code == status
    assert alice("GET", f"{base}/volumes?marker={'0' * 32}").status_code == 404


def test_pages_lead_to_the_next_until_all_was_shown(alice: Api, base: str, make: Callable[..., str]) -> None:
    wanted = {make() for _ in range(4)}
    seen: list[str] = []
    path = f"{base}/volumes?limit=2"
    while path:
        page = alice.json("GET", path)
        seen += [row["id"] for row in page["volumes"]]
        links = page.get("volumes_links", [])
        path = links[0]["href"].partition("/openstack/")[2] if links else ""
    assert sorted(seen) == sorted(wanted)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"size": "#$%"}, 400), ({"size": ""}, 400), ({"size": "0"}, 400), ({"size": -1}, 400),
        ({"size": None}, 400), ({"size": True}, 400), ({"size": 10**12}, 400), ({"size": 1.5}, 400),
        ({"volume_type": "none"}, 404), ({"snapshot_id": "x"}, 404), ({"source_volid": "x"}, 404),
        ({"imageRef": "x"}, 404), ({"imageRef": "x", "snapshot_id": "y"}, 400), ({"multiattach": True}, 400),
        ({"availability_zone": "mars"}, 400), ({"metadata": {"a": 1}}, 400), ({"name": "x" * 256}, 400),
        ({"name": "\x00"}, 400), ({"backup_id": "x"}, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(
    alice: Api, base: str, cloud: People, wanted: dict[str, Any], status: int
) -> None:
    answer = alice("POST", f"{base}/volumes", {"volume": {"size": 1, **wanted}})
    assert answer.status_code == status, answer.content
    assert not Volume.objects.exists()


def test_quota_is_refused_as_cinder_refuses_it(alice: Api, base: str, cloud: People) -> None:
    from synnefo.astakos.quotas.models import Holding

    Holding.objects.filter(resource="cyclades.disk").update(limit=2**30)
    answer = alice("POST", f"{base}/volumes", {"volume": {"size": 2}})
    assert (answer.status_code, list(answer.json())) == (413, ["overLimit"])


def test_a_volume_of_an_image_knows_it(alice: Api, base: str, make: Callable[..., str], image: Any) -> None:
    shown = alice.json("GET", f"{base}/volumes/{make(imageRef=image.uuid)}")["volume"]
    assert shown["bootable"] == "true"
    assert shown["volume_image_metadata"] == {"image_id": image.uuid, "os": "linux"}


def test_a_snapshot_goes_its_way(
    alice: Api, base: str, make: Callable[..., str], settle: Callable[[], None]
) -> None:
    volume = make(size=2)
    body = {"snapshot": {"volume_id": volume, "name": "s", "metadata": {"k": "v"}}}
    made = alice.json("POST", f"{base}/snapshots", body, status=202)["snapshot"]
    assert (made["status"], made["size"], made["volume_id"]) == ("creating", 2, volume)
    settle()
    path = f"{base}/snapshots/{made['id']}"
    shown = alice.json("GET", path)["snapshot"]
    assert (shown["status"], shown["metadata"]) == ("available", {"k": "v"})
    assert shown["os-extended-snapshot-attributes:progress"] == "100%"
    assert alice.json("GET", f"{base}/snapshots/detail?volume_id={volume}")["snapshots"] == [shown]
    assert alice.json("GET", f"{base}/snapshots?status=creating")["snapshots"] == []
    changed = alice.json("PUT", path, {"snapshot": {"name": "t", "description": "d"}})["snapshot"]
    assert (changed["name"], changed["description"]) == ("t", "d")
    restored = make(size=None, snapshot_id=made["id"])
    assert alice.json("GET", f"{base}/volumes/{restored}")["volume"]["snapshot_id"] == made["id"]
    alice.json("DELETE", path, status=202)
    assert alice("GET", path).status_code == 404
    assert alice.json("GET", "image/v2/images?name=t")["images"] == []


def test_snapshots_of_nothing_are_not_found(alice: Api, base: str, cloud: People) -> None:
    for volume in (None, "x", "0" * 32):
        assert alice("POST", f"{base}/snapshots", {"snapshot": {"volume_id": volume}}).status_code == 404


def test_metadata_of_both_are_read_and_written(
    alice: Api, base: str, make: Callable[..., str], settle: Callable[[], None]
) -> None:
    volume = make()
    snapshot = alice.json("POST", f"{base}/snapshots", {"snapshot": {"volume_id": volume}})["snapshot"]["id"]
    settle()
    for path in (f"{base}/volumes/{volume}/metadata", f"{base}/snapshots/{snapshot}/metadata"):
        assert alice.json("POST", path, {"metadata": {"a": "1"}}) == {"metadata": {"a": "1"}}
        assert alice.json("PUT", f"{path}/b", {"meta": {"b": "2"}}) == {"meta": {"b": "2"}}
        assert alice.json("GET", path) == {"metadata": {"a": "1", "b": "2"}}
        assert alice.json("PUT", path, {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
        assert alice.json("GET", f"{path}/c") == {"meta": {"c": "3"}}
        alice.json("DELETE", f"{path}/c", status=200)
        assert alice("DELETE", f"{path}/c").status_code == 404
        assert alice("PUT", f"{path}/x", {"meta": {"y": "2"}}).status_code == 400


def test_actions_change_what_they_say(
    alice: Api, base: str, make: Callable[..., str], settle: Callable[[], None]
) -> None:
    volume = make()

    def act(name: str, said: Any = None, status: int = 202) -> Any:
        return alice.json("POST", f"{base}/volumes/{volume}/action", {name: said}, status=status)

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = alice.json("GET", f"{base}/volumes/{volume}")["volume"]
        return found

    act("os-set_bootable", {"bootable": True}, 200)
    assert shown()["bootable"] == "true"
    act("os-update_readonly_flag", {"readonly": True})
    assert shown()["metadata"] == {"readonly": "True"}
    act("os-extend", {"new_size": 2})
    assert shown()["size"] == 2
    act("os-extend", {"new_size": 1}, 400)
    act("os-reserve")
    assert shown()["status"] == "attaching"
    act("os-reserve", status=400)
    act("os-unreserve")
    act("os-set_image_metadata", {"metadata": {"k": "v"}}, 200)
    assert shown()["volume_image_metadata"] == {"k": "v"}
    act("os-unset_image_metadata", {"key": "k"}, 200)
    act("os-unset_image_metadata", {"key": "k"}, 404)
    act("os-reset_status", {"status": "error"}, 403)
    act("os-force_delete", {}, 403)
    act("os-retype", {"new_type": "none"}, 404)
    act("os-detach", {}, 400)
    act("os-nothing", {}, 400)
    uploaded = act("os-volume_upload_image", {"image_name": "golden", "disk_format": "raw"})
    settle()
    image = uploaded["os-volume_upload_image"]["image_id"]
    assert alice.json("GET", f"image/v2/images/{image}")["status"] == "active"
    act("os-volume_upload_image", {"image_name": "golden", "disk_format": "qcow2"}, 400)


def test_a_volume_is_given_to_whoever_has_the_key(
    alice: Api, bob: Api, cloud: People, base: str, make: Callable[..., str]
) -> None:
    volume = make()
    body = {"transfer": {"volume_id": volume, "name": "gift"}}
    made = alice.json("POST", f"{base}/os-volume-transfer", body, status=202)["transfer"]
    assert alice.json("GET", f"{base}/volumes/{volume}")["volume"]["status"] == "awaiting-transfer"
    other = BASE.format(project=cloud.bob.caller.project)
    path = f"{other}/os-volume-transfer/{made['id']}/accept"
    assert bob("POST", path, {"accept": {"auth_key": "x"}}).status_code == 400
    bob.json("POST", path, {"accept": {"auth_key": made["auth_key"]}}, status=202)
    assert bob.json("GET", f"{other}/volumes/{volume}")["volume"]["status"] == "available"
    assert alice("GET", f"{base}/volumes/{volume}").status_code == 404


def test_types_are_the_administrators(alice: Api, admin: Api, cloud: People, base: str) -> None:
    root = BASE.format(project=cloud.admin.caller.project)
    body = {"volume_type": {"name": "fast", "extra_specs": {"SNF:disk_template": "local", "k": "v"}}}
    made = admin.json("POST", f"{root}/types", body)["volume_type"]
    assert made["extra_specs"] == {"SNF:disk_template": "local", "k": "v"}
    assert [row["name"] for row in alice.json("GET", f"{base}/types")["volume_types"]] == ["fast", "local"]
    assert alice.json("GET", f"{base}/types/default")["volume_type"]["name"] == "local"
    assert alice("POST", f"{base}/types", body).status_code == 403
    path = f"types/{made['id']}"
    admin.json("PUT", f"{root}/{path}", {"volume_type": {"is_public": False}})
    assert alice("GET", f"{base}/{path}").status_code == 404
    access = {"addProjectAccess": {"project": cloud.alice.caller.project}}
    admin.json("POST", f"{root}/{path}/action", access, status=202)
    assert alice.json("GET", f"{base}/{path}")["volume_type"]["extra_specs"] == {}
    admin.json("DELETE", f"{root}/{path}", status=202)
    assert alice("GET", f"{base}/{path}").status_code == 404


def test_limits_and_quota_tell_what_is_used(alice: Api, cloud: People, base: str, make: Any) -> None:
    make(size=3)
    absolute = alice.json("GET", f"{base}/limits")["limits"]["absolute"]
    assert (absolute["totalVolumesUsed"], absolute["totalGigabytesUsed"]) == (1, 3)
    project = cloud.alice.caller.project
    found = alice.json("GET", f"{base}/os-quota-sets/{project}?usage=True")["quota_set"]
    assert (found["gigabytes"]["in_use"], found["gigabytes_local"]["in_use"]) == (3, 3)
    assert alice.json("GET", f"{base}/os-quota-sets/{project}")["quota_set"]["per_volume_gigabytes"] == 200
    assert alice("GET", f"{base}/os-quota-sets/{cloud.bob.caller.project}").status_code == 403


def test_engines_are_shown_to_administrators(alice: Api, admin: Api, cloud: People, base: str) -> None:
    root = BASE.format(project=cloud.admin.caller.project)
    for path in ("os-services", "scheduler-stats/get_pools"):
        assert alice("GET", f"{base}/{path}").status_code == 403
        assert admin.json("GET", f"{root}/{path}")
    [pool] = admin.json("GET", f"{root}/scheduler-stats/get_pools?detail=True")["pools"]
    assert set(pool) == {"name", "capabilities"}
