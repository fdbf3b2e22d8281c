"""The list of images, one made of a stored file, what is said of it, its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings as django_settings
from django.test import Client

from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import Caller
from synnefo.cyclades.images import members, rules
from synnefo.cyclades.images.models import Image
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.objects import Path
from tests.conftest import People, Person
from tests.cyclades_synnefo.test_kamaki import Kamaki, installed, kamaki
from tests.pages.conftest import limit, signed_in, texts_of
from tests.pages.test_same_request import commands

__all__ = ["installed", "kamaki"]

LIST, FORM = "/ui/images/", "/ui/images/register/"
DISK = b"\xeb\x63\x90" + bytes(4093)


def names_in(answer: Any) -> list[str]:
    return re.findall(r'<tr[^>]*data-name="([^"]+)"', answer.content.decode())


def of(image: Image) -> str:
    return f"{LIST}{image.uuid}/"


@pytest.fixture
def stored(cloud: People) -> Callable[..., str]:
    """Stores a file of Alice's; returns its location."""

    def put(name: str, data: bytes = DISK, caller: Caller = cloud.alice.caller) -> str:
        containers.put(caller, caller.user, "disks", attributes={}, policy={})
        content = keep(blocks(), [data], django_settings.PITHOS_BACKEND_BLOCK_SIZE)
        objects.write(caller, Path(caller.user, "disks", name), content, content_type="", attributes={})
        return f"pithos://{caller.user}/disks/{quote(name)}"

    return put


@pytest.fixture
def mine(cloud: People, stored: Callable[..., str]) -> Image:
    words = {"os": "debian", "root_partition": "1", "description": "for all of us"}
    return rules.register_location(cloud.alice.caller, stored("a disk.raw"), name="debian", properties=words)


def joined(cloud: People, bob: Client) -> None:
    """Bob works in Alice's project."""
    project = Project.objects.get(uuid=cloud.alice.user.uuid)
    Membership.objects.create(
        project=project, person=cloud.bob.user, state=Membership.State.ACCEPTED, initialized=True
    )
    bob.post("/ui/project/", {"project": project.uuid})


def test_a_row_says_what_one_looks_for(alice: Client, mine: Image) -> None:
    page = texts_of(alice.get(LIST))
    assert "debian for all of us Available raw 4 KB 4 KB You alone just now" in page
    assert "tiny Available raw 1 MB 1 MB Everybody" in page
    assert f'href="/ui/servers/create/?image={mine.uuid}"' in alice.get(LIST).content.decode()


def test_without_images_the_page_says_what_they_are(alice: Client, cloud: People) -> None:
    Image.objects.all().delete()
    page = texts_of(alice.get(LIST))
    assert "No images yet" in page
    assert "openstack image create" in page


def test_images_are_found_and_sorted(alice: Client, mine: Image) -> None:
    assert names_in(alice.get(LIST + "?sort=name")) == ["debian", "tiny"]
    assert names_in(alice.get(LIST + "?sort=-size")) == ["tiny", "debian"]
    assert names_in(alice.get(LIST + "?q=DEB")) == ["debian"]
    assert names_in(alice.get(LIST + f"?q={mine.uuid}")) == ["debian"]
    assert names_in(alice.get(LIST + "?q=linux")) == ["tiny"]
    assert names_in(alice.get(LIST + "?state=private")) == ["debian"]
    assert names_in(alice.get(LIST + "?state=public")) == ["tiny"]
    assert "No image matches “nothing”" in texts_of(alice.get(LIST + "?q=nothing"))


def test_a_list_costs_the_same_number_of_queries_and_has_fifty_rows_at_most(
    alice: Client, cloud: People, mine: Image, django_assert_max_num_queries: Any
) -> None:
    members.add(cloud.alice.caller, mine.uuid, cloud.bob.user.uuid)
    owned = {"userid": mine.userid, "project": mine.project, "disk_format": "raw"}
    Image.objects.bulk_create(Image(name=f"image-{number}", **owned) for number in range(58))
    with django_assert_max_num_queries(23):
        assert len(names_in(alice.get(LIST))) == 50
    page = alice.get(LIST + "?page=2&sort=created")
    assert len(names_in(page)) == 10
    assert "of 60" in texts_of(page)


def test_the_living_part_is_sent_again_only_when_it_changed(
    alice: Client, cloud: People, mine: Image
) -> None:
    Image.objects.update(created="2020-01-01T00:00:00Z")
    first = alice.get(LIST + "rows/")
    assert alice.get(LIST + "rows/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    rules.modify(cloud.alice.caller, mine.uuid, name="other")
    assert alice.get(LIST + "rows/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_files_page_leads_to_a_form_that_knows_the_file(alice: Client, stored: Callable[..., str]) -> None:
    location = stored("debian 12.5.raw")
    file = alice.get("/ui/files/object/?" + urlencode({"in": "disks", "name": "debian 12.5.raw"}))
    link = re.search(r'href="(/ui/images/register/[^"]+)"', file.content.decode())
    assert link is not None
    form = alice.get(link.group(1))
    assert "File name debian 12.5.raw Size 4 KB Format raw Disk 4 KB" in texts_of(form)
    assert 'name="name" value="debian 12.5"' in form.content.decode()
    assert f'name="location" value="{location}"' in form.content.decode()


def test_what_is_smaller_than_a_sector_is_no_disk(alice: Client, stored: Callable[..., str]) -> None:
    stored("notes", b"x" * 511)
    file = alice.get("/ui/files/object/?in=disks&name=notes")
    assert file.status_code == 200
    assert "/ui/images/" not in file.content.decode().partition("<main")[2]


def test_an_image_is_made_of_a_file(alice: Client, cloud: People, stored: Callable[..., str]) -> None:
    wanted = {
        "location": stored("a disk.raw"), "name": "Debian 12", "description": "fresh", "os": "debian",
        "osfamily": "linux", "users": "root debian",
    }  # fmt: skip
    answer = alice.post(FORM, wanted, follow=True)
    assert answer.redirect_chain == [(LIST, 303)]
    assert "Image Debian 12 is there." in texts_of(answer)
    made = Image.objects.get(name="Debian 12")
    assert made.properties == {
        "description": "fresh", "os": "debian", "osfamily": "linux", "users": "root debian",
    }  # fmt: skip
    assert (made.userid, made.is_public, b"".join(rules.read(made))) == (cloud.alice.user.uuid, False, DISK)
    again = alice.get(FORM + "?" + urlencode({"location": wanted["location"]}))
    assert "There is an image of this file already: Debian 12" in texts_of(again)
    for name in wanted:
        assert f'name="{name}" value="{wanted[name]}"' in again.content.decode()


@pytest.mark.parametrize(
    ("file", "data", "complaint"),
    [
        ("x.vhdx", b"vhdxfile" + bytes(1000), "Images are raw, qcow2, vmdk or iso, this is vhdx."),
        ("empty", b"", "The image is empty."),
        ("missing", None, "There is no such file."),
    ],
)
def test_what_is_no_disk_is_told_before_and_after(
    alice: Client, stored: Callable[..., str], file: str, data: bytes | None, complaint: str
) -> None:
    location = stored(file, data) if data is not None else stored("other").replace("other", file)
    shown = texts_of(alice.get(FORM + "?" + urlencode({"location": location})))
    assert f"No image can be made of this file. {complaint}" in shown
    answer = alice.post(FORM, {"location": location, "name": "typed name"})
    assert answer.status_code == 422
    assert texts_of(answer).count(complaint) == 2
    assert 'value="typed name"' in answer.content.decode()
    assert not Image.objects.filter(name="typed name").exists()


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"name": "x"}, "Say which file."),
        ({"name": "x", "location": "rubbish"}, "This cloud has no store for 'rubbish'."),
        ({"name": "x", "location": "pithos://x"}, "A location is pithos://<account>/<container>/<object>."),
        ({"location": "pithos://a/b/c"}, "Give the image a name."),
        ({"name": "x\0", "location": "pithos://a/b/c"}, "Null characters are not allowed."),
        ({"name": "x", "location": "pithos://a/b/c", "os": "o" * 257}, "at most 256 characters"),
    ],
)
def test_mistakes_are_told_at_the_field(
    alice: Client, cloud: People, form: dict[str, str], complaint: str
) -> None:
    answer = alice.post(FORM, form)
    assert answer.status_code == 422
    assert texts_of(answer).count(complaint) == 2
    assert Image.objects.count() == 1


def test_a_file_of_somebody_elses_makes_no_image(
    alice: Client, cloud: People, stored: Callable[..., str]
) -> None:
    location = stored("hers", caller=cloud.bob.caller)
    assert "KB" not in texts_of(alice.get(FORM + "?" + urlencode({"location": location})))
    assert alice.post(FORM, {"location": location, "name": "x"}).status_code == 422
    assert Image.objects.count() == 1


def test_administrators_alone_publish(cloud: People, alice: Client, stored: Callable[..., str]) -> None:
    root, location = signed_in(cloud.admin), stored("roots", caller=cloud.admin.caller)
    assert 'name="is_public"' in root.get(FORM).content.decode()
    root.post(FORM, {"location": location, "name": "for all", "is_public": "on"})
    assert "for all" in names_in(alice.get(LIST))
    assert 'name="is_public"' not in alice.get(FORM).content.decode()
    alice.post(FORM, {"location": stored("a"), "name": "hers", "is_public": "on"})
    assert not Image.objects.get(name="hers").is_public


def test_what_is_said_of_an_image_is_changed_and_the_rest_stays(alice: Client, mine: Image) -> None:
    form = alice.get(of(mine) + "edit/").content.decode()
    for name, value in (("name", "debian"), ("description", "for all of us"), ("os", "debian")):
        assert f'name="{name}" value="{value}"' in form
    answer = alice.post(of(mine) + "edit/", {"name": "Debian", "os": "debian", "users": "root"}, follow=True)
    assert "Image Debian is changed." in texts_of(answer)
    mine.refresh_from_db()
    assert mine.properties == {"root_partition": "1", "os": "debian", "users": "root"}
    refused = alice.post(of(mine) + "edit/", {"name": "", "users": "kept"})
    assert refused.status_code == 422
    assert 'value="kept"' in refused.content.decode()


def test_its_owner_changes_a_public_image_and_it_stays_public(alice: Client, mine: Image) -> None:
    Image.objects.filter(pk=mine.pk).update(is_public=True)
    alice.post(of(mine) + "edit/", {"name": "Debian"})
    mine.refresh_from_db()
    assert (mine.name, mine.is_public) == ("Debian", True)


def test_an_image_is_removed_and_its_file_stays(alice: Client, cloud: People, mine: Image) -> None:
    back = LIST + "?sort=name"
    asked = alice.get(of(mine) + "remove/?" + urlencode({"next": back}))
    assert "The file that it was made of stays" in texts_of(asked)
    answer = alice.post(of(mine) + "remove/", {"next": back}, follow=True)
    assert answer.redirect_chain == [(back, 303)]
    assert "Image debian is removed." in texts_of(answer)
    assert names_in(answer) == ["tiny"]
    path = Path(cloud.alice.user.uuid, "disks", "a disk.raw")
    assert objects.get(cloud.alice.caller, path).size_bytes == len(DISK)


def test_the_form_for_a_server_begins_with_the_image(alice: Client, mine: Image) -> None:
    chosen = rf'name="image" value="{mine.uuid}" checked'
    assert re.search(chosen, alice.get(f"/ui/servers/create/?image={mine.uuid}").content.decode())
    assert alice.get("/ui/servers/create/?image=nonsense").content.decode().count("checked") >= 1


def test_a_member_sees_an_image_of_the_project_and_does_not_change_it(
    cloud: People, alice: Client, bob: Client, mine: Image
) -> None:
    joined(cloud, bob)
    assert names_in(bob.get(LIST)) == ["tiny"]
    Image.objects.filter(pk=mine.pk).update(shared_to_project=True)
    page = bob.get(LIST)
    assert "debian for all of us Available raw 4 KB 4 KB The project" in texts_of(page)
    assert "edit/" not in page.content.decode()
    for path in ("edit/", "remove/"):
        assert bob.post(of(mine) + path, {"name": "taken"}).status_code == 403
    mine.refresh_from_db()
    assert (mine.name, mine.deleted) == ("debian", False)


def test_whom_an_image_is_shared_with_sees_it(cloud: People, alice: Client, bob: Client, mine: Image) -> None:
    members.add(cloud.alice.caller, mine.uuid, cloud.bob.user.uuid)
    members.add(cloud.alice.caller, mine.uuid, cloud.admin.user.uuid)
    assert "You and 2 more" in texts_of(alice.get(LIST))
    assert "Shared with you" in texts_of(bob.get(LIST))
    assert bob.post(of(mine) + "remove/").status_code == 403


PATHS = [("get", "edit/"), ("post", "edit/"), ("get", "remove/"), ("post", "remove/")]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("who", ["bob", "admin", "nobody"])
def test_other_peoples_images_are_not_there(
    client: Client, cloud: People, mine: Image, who: str, method: str, path: str
) -> None:
    browser = client if who == "nobody" else signed_in(getattr(cloud, who))
    answer = getattr(browser, method)(of(mine) + path, {"name": "taken"})
    assert answer.status_code == (302 if who == "nobody" else 404)
    mine.refresh_from_db()
    assert (mine.name, mine.deleted) == ("debian", False)
    if who != "nobody":
        assert names_in(browser.get(LIST)) == ["tiny"]


def test_nothing_of_it_works_without_signing_in(client: Client, cloud: People) -> None:
    for path in (LIST, LIST + "rows/", FORM):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/ui/login/")


def test_public_images_are_changed_by_administrators_alone(
    alice: Client, cloud: People, image: Image, new_person: Callable[..., Person]
) -> None:
    assert alice.post(of(image) + "edit/", {"name": "mine"}).status_code == 403
    other_root = signed_in(new_person("root2", admin=True))
    other_root.post(of(image) + "edit/", {"name": "better", "is_public": "on"})
    image.refresh_from_db()
    assert (image.name, image.is_public) == ("better", True)


def test_an_image_is_made_without_quota_of_its_own(
    alice: Client, cloud: People, stored: Callable[..., str]
) -> None:
    location = stored("disk.raw")
    limit(cloud, vm=0)
    assert alice.post(FORM, {"location": location, "name": "x"}).status_code == 303


def test_the_same_request_follows_what_is_typed(alice: Client, stored: Callable[..., str]) -> None:
    typed = {"location": stored("my disk.raw"), "name": "my image", "os": "debian", "users": "a b"}
    said = texts_of(alice.post(FORM + "same/", typed)).replace("\\ ", "")
    assert "openstack image create --file 'my disk.raw' --disk-format raw --property os=debian" in said
    assert "--private 'my image'" in said
    assert 'disk_format      = "raw"' in alice.post(FORM + "same/", typed).content.decode().replace(
        "&quot;", '"'
    )
    assert 'properties = { os = "debian", users = "a b" }' in said
    assert "--disk-format FORMAT" in texts_of(alice.post(FORM + "same/", {"name": "x"}))


@pytest.mark.django_db(transaction=True)
def test_kamaki_makes_the_image_as_shown(kamaki: Kamaki, alice: Client, stored: Callable[..., str]) -> None:
    typed = {
        "location": stored("my disk.raw"), "name": "it's mine", "os": "debian", "description": "100%25 new",
    }  # fmt: skip
    (words,) = commands(alice, FORM + "same/", typed)
    kamaki(*words)
    made = Image.objects.get(name="it's mine")
    assert made.properties == {"os": "debian", "description": "100%25 new"}
    assert made.location == typed["location"]
