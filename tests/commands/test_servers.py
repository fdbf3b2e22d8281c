"""Commands about servers, engines and rescue images: each does what its help says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError

from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.memory import MemoryBackend
from synnefo.cyclades.backends.models import Backend, ProjectBackend
from synnefo.cyclades.servers.models import RescueImage, Server
from tests.conftest import People, work_off
from tests.manage import manage


def listed(*arguments: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(manage(*arguments, "--output-format", "json"))
    return found


def made(people: People, image: Any, flavor: Any, *more: str) -> Server:
    """A server of alice's, by the command, built."""
    told = manage(
        "server-create", "--name", "web", "--user", "alice@example.org", "--flavor", str(flavor.pk),
        "--image", image.uuid, *more,
    )  # fmt: skip
    work_off()
    return Server.objects.get(pk=int(told.split()[0]))


def test_a_server_is_made_for_its_user_and_charged_to_him(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor, "--tags", "blue,red", "--volume", f"size=1,image={image.uuid}",
                  "--volume", "size=2")  # fmt: skip
    assert (server.userid, server.operstate) == (cloud.alice.user.uuid, Server.Oper.STARTED)
    assert sorted(server.tags.values_list("tag", flat=True)) == ["blue", "red"]
    assert list(server.volumes.order_by("index").values_list("size_gib", flat=True)) == [1, 2]
    assert not server.ports.exists()


def test_a_password_is_printed_unless_it_was_given(cloud: People, image: Any, flavor: Any) -> None:
    arguments = ("server-create", "--name", "w", "--user", cloud.alice.user.uuid, "--flavor", str(flavor.pk),
                 "--image", image.uuid)  # fmt: skip
    assert len(manage(*arguments).splitlines()) == 2
    assert len(manage(*arguments, "--password", "Correct-Horse-1").splitlines()) == 1


def test_cards_are_new_ones_or_those_that_are_there(
    cloud: People, image: Any, flavor: Any, public_network: Any
) -> None:
    from synnefo.cyclades.networks import rules as networks
    from synnefo.cyclades.networks.models import IPAddress

    caller = cloud.alice.caller
    network = networks.create(caller, name="mine")
    networks.create_subnet(caller, network.uuid, cidr="10.0.0.0/24")
    server = made(cloud, image, flavor, "--port", f"network:{network.pk},address=10.0.0.9")
    assert list(IPAddress.objects.filter(port__server=server).values_list("address", flat=True)) == [
        "10.0.0.9"
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--port", "network"), ("--port", "network:1,adress=x"), ("--port", "id:999"),
        ("--volume", "size=x"), ("--volume", "id=999"), ("--volume", "size=1,image=a,snapshot=b"),
        ("--user", "nobody@example.org"), ("--backend-id", "none"), ("--flavor", "999"),
        ("--project", "00000000-0000-0000-0000-000000000000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_made(
    cloud: People, image: Any, flavor: Any, wrong: tuple[str, str]
) -> None:
    with pytest.raises(CommandError):
        made(cloud, image, flavor, *wrong)
    assert not Server.objects.exists()


def test_an_operator_chooses_the_engine_whatever_placement_says(
    cloud: People, image: Any, flavor: Any
) -> None:
    other = Backend.objects.create(name="other", kind="ganeti", drained=True)
    registry.put(other, MemoryBackend())
    assert made(cloud, image, flavor, "--backend-id", "other").backend == other


def test_servers_are_listed_by_owner_engine_and_state(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor)
    [row] = listed("server-list", "--user", "alice@example.org", "--display-mails", "--image-name",
                   "-o", "id,user,image,state")  # fmt: skip
    assert row == {"id": str(server.pk), "user": "alice@example.org", "image": "tiny", "state": "STARTED"}
    assert listed("server-list", "--user", "bob@example.org") == []
    assert len(listed("server-list", "--backend-id", "memory")) == 1
    assert listed("server-list", "--suspended") == listed("server-list", "--build") == []


def test_inspecting_shows_what_the_engine_says(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor)
    [found] = listed("server-inspect", f"snf-{server.pk}", "--jobs", "--display-mails")
    assert (found["the engine says"], found["user"]) == ("on", "alice@example.org")
    assert found["disks"][0]["index"] == "0"
    assert found["operations"][0]["kind"] == "server.create"
    Backend.objects.update(offline=True)
    assert "offline" in manage("server-inspect", str(server.pk))


def test_a_server_is_renamed_suspended_and_given_to_another(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor)
    manage("server-modify", str(server.pk), "--name", "new", "--suspended", "yes")
    server.refresh_from_db()
    assert (server.name, server.suspended) == ("new", True)
    manage("server-modify", str(server.pk), "--suspended", "no", "--user", "bob@example.org")
    server.refresh_from_db()
    assert (server.userid, server.suspended) == (cloud.bob.user.uuid, False)


def test_a_server_is_stopped_resized_and_started(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor)
    manage("flavor-create", "2", "512", str(flavor.disk))
    number = str(server.pk)
    for arguments, state in (
        (("--action", "stop"), Server.Oper.STOPPED),
        (("--flavor", listed("flavor-list", "--filter-by", "cpu=2")[0]["id"]), Server.Oper.STOPPED),
        (("--action", "start"), Server.Oper.STARTED),
        (("--action", "reboot_hard"), Server.Oper.STARTED),
    ):
        manage("server-modify", number, *arguments, "--wait", "no")
        work_off()
        server.refresh_from_db()
        assert (server.operstate, server.task) == (state, "")
    assert server.flavor.cpu == 2
    with pytest.raises(CommandError, match="START"):
        manage("server-modify", number, "--action", "start", "--wait", "no")


def test_owners_tags_and_operators_tags_are_apart(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor, "--tags", "a")
    number = str(server.pk)
    manage("server-modify", number, "--tag-add", "b", "--tag-add", "c", "--tag-delete", "a")
    manage("server-modify", number, "--tag-add", "watched", "--tag-namespace", "system")
    assert manage("server-tag-exists", number, "b").strip() == "ACTIVE"
    assert manage("server-tag-exists", number, "system:watched").strip() == "ACTIVE"
    for gone in ("a", "watched", "system:b"):
        with pytest.raises(CommandError):
            manage("server-tag-exists", number, gone)
    manage("server-modify", number, "--tag-replace-all", "x,y")
    assert set(server.tags.values_list("namespace", "tag")) == {
        ("user", "x"), ("user", "y"), ("system", "watched")}  # fmt: skip
    manage("server-modify", number, "--tag-delete-all", "--tag-namespace", "system")
    assert not server.tags.filter(namespace="system").exists()


def test_servers_are_removed_also_suspended_ones(cloud: People, image: Any, flavor: Any) -> None:
    first, second = made(cloud, image, flavor), made(cloud, image, flavor)
    manage("server-modify", str(second.pk), "--suspended", "yes")
    manage("server-remove", str(first.pk), str(second.pk), "-f", "--wait", "no")
    work_off()
    assert not Server.objects.filter(deleted=False).exists()
    with pytest.raises(CommandError):
        manage("server-remove", "999", "-f")


def test_a_cluster_comes_drained_and_is_changed(db: None) -> None:
    manage("backend-add", "--clustername", "g.example.org", "--port", "5081", "--user", "u", "--pass", "p",
           "--hypervisor", "xen-pvm", "--public", "no", "--no-check")  # fmt: skip
    row = Backend.objects.get()
    assert (row.name, row.drained, row.public) == ("g.example.org", True, False)
    assert row.options["url"] == "https://g.example.org:5081"
    [shown] = listed("backend-list", "-o", "clustername,port,username,hypervisor,public,drained")
    assert list(shown.values()) == ["g.example.org", "5081", "u", "xen-pvm", "False", "True"]
    manage("backend-modify", str(row.pk), "--drained", "no", "--public", "yes")
    row.refresh_from_db()
    assert (row.drained, row.public) == (False, True)
    with pytest.raises(CommandError, match=r"g\.example\.org"):
        manage("backend-modify", str(row.pk), "--password", "q")
    row.refresh_from_db()
    assert row.options["password"] == "p", "what does not answer is not kept"


def test_engines_are_asked_what_they_have(engine_room: Any, backend_row: Backend) -> None:
    told = manage("backend-update-status")
    assert told.startswith("memory: ")
    backend_row.refresh_from_db()
    assert backend_row.ram_total_mib
    manage("backend-modify", "memory", "--offline", "yes")
    assert manage("backend-update-status") == ""


def test_an_engine_with_servers_is_not_removed(cloud: People, image: Any, flavor: Any) -> None:
    server = made(cloud, image, flavor)
    with pytest.raises(CommandError, match="servers"):
        manage("backend-remove", "memory")
    manage("server-remove", str(server.pk), "-f", "--wait", "no")
    work_off()
    Backend.objects.filter(name="memory").update(kind="ganeti")
    manage("backend-remove", "memory")
    assert not Backend.objects.exists()
    assert Server.objects.get().backend is None


def test_projects_get_engines_of_their_own(cloud: People, image: Any, flavor: Any) -> None:
    own = Backend.objects.create(name="own", kind="ganeti", public=False, options={"volume_types": ["local"]})
    registry.put(own, MemoryBackend())
    project = cloud.alice.caller.project
    assert made(cloud, image, flavor).backend.name == "memory"
    manage("project-backend-add", "--project", project, "--backend", "own")
    assert made(cloud, image, flavor).backend == own
    assert [row["backend"] for row in listed("project-backend-list", "-p", project)] == ["own"]
    with pytest.raises(CommandError, match="already"):
        manage("project-backend-add", "--project", project, "--backend", "own")
    manage("project-backend-remove", "--project", project)
    assert not ProjectBackend.objects.exists()
    assert made(cloud, image, flavor).backend.name == "memory"
    with pytest.raises(CommandError):
        manage("project-backend-remove")


def test_a_user_may_have_an_engine_of_his_own(cloud: People, image: Any, flavor: Any, settings: Any) -> None:
    other = Backend.objects.create(name="other", kind="ganeti", drained=True)
    registry.put(other, MemoryBackend())
    settings.BACKEND_PER_USER = {cloud.alice.user.uuid: "other"}
    assert made(cloud, image, flavor).backend == other


def test_rescue_images_have_one_default_and_stay_while_they_are_used(
    cloud: People, image: Any, flavor: Any
) -> None:
    manage("rescue-image-create", "--location", "/srv/a.iso", "--os", "debian", "--os-family", "linux",
           "--default")  # fmt: skip
    manage(
        "rescue-image-create", "--location", "b.iso", "--name", "b", "--target-os-family", "bsd", "--default"
    )
    rows = listed("rescue-image-list")
    assert [(row["name"], row["location_type"], row["is_default"]) for row in rows] == [
        ("a.iso", "file", "False"), ("b", "file", "True")]  # fmt: skip
    first = RescueImage.objects.get(name="a.iso")
    manage("rescue-image-modify", str(first.pk), "--default", "--target-os", "debian")
    first.refresh_from_db()
    assert (first.is_default, first.target_os, first.os) == (True, "debian", "debian")
    server = made(cloud, image, flavor)
    Server.objects.filter(pk=server.pk).update(rescue=True, rescue_image=first)
    for refused in (("rescue-image-remove", str(first.pk), "-f"),
                    ("rescue-image-modify", str(first.pk), "--location", "c.iso")):  # fmt: skip
        with pytest.raises(CommandError, match="in use"):
            manage(*refused)
    Server.objects.update(rescue_image=None)
    manage("rescue-image-remove", str(first.pk), "-f", "-n")
    assert len(listed("rescue-image-list")) == 2
    manage("rescue-image-remove", str(first.pk), "-f")
    assert [row["name"] for row in listed("rescue-image-list")] == ["b"]
    with pytest.raises(CommandError):
        manage("rescue-image-create", "--location", "ftp://example.org/x")
