"""Rules of key pairs, images and flavors."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from synnefo.common import faults, objects
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.pithos.namespace.models import Version
from tests.conftest import SYSTEM, People

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIWzpAwTNTYgfyZaPZfXoXqYfnvUYNqm0OFMkmvSGZEe me@home"


def test_a_generated_pair_fits_together_and_its_private_half_is_not_kept(people: People) -> None:
    row, private = keypairs.create(people.alice.caller, "mine")
    assert private is not None
    key = load_ssh_private_key(private.encode(), None)
    assert key.public_key() == load_ssh_public_key(row.content.encode())
    assert "PRIVATE" not in str(vars(row))


def test_a_given_key_has_openssh_s_fingerprint(people: People, tmp_path: Path) -> None:
    row, _ = keypairs.create(people.alice.caller, "k", ED25519)
    (tmp_path / "k.pub").write_text(ED25519)
    printed = subprocess.run(
        ["ssh-keygen", "-l", "-E", "md5", "-f", str(tmp_path / "k.pub")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert row.fingerprint in printed.stdout


@pytest.mark.parametrize(
    "key",
    ["", "x", "ssh-ed25519", "ssh-ed25519 ???", "ssh-rsa AAAAC3NzaC1lZDI1NTE5", ED25519 + "\n" + ED25519],
)
def test_what_is_no_key_is_refused(people: People, key: str) -> None:
    with pytest.raises(faults.BadRequest):
        keypairs.create(people.alice.caller, "k", key)
    assert not keypairs.keypairs_for(people.alice.caller).exists()


def test_names_are_taken_once_a_user(people: People) -> None:
    keypairs.create(people.alice.caller, "k", ED25519)
    keypairs.create(people.bob.caller, "k", ED25519)
    with pytest.raises(faults.Conflict):
        keypairs.create(people.alice.caller, "k", ED25519)
    with pytest.raises(faults.ItemNotFound):
        keypairs.delete(people.admin.caller, "k")


def qcow2(path: Path, *options: str) -> bytes:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), "64M"], check=True)
    return path.read_bytes()


def test_an_image_is_kept_with_its_format_and_size(people: People, tmp_path: Path) -> None:
    content = qcow2(tmp_path / "a.qcow2")
    image = images.register(people.alice.caller, io.BytesIO(content), name="mine")
    assert (image.disk_format, image.virtual_size_bytes) == ("qcow2", 64 * 2**20)
    assert b"".join(objects.read(image.hold)) == content
    assert list(images.images_for(people.bob.caller)) == []
    with pytest.raises(faults.ItemNotFound):
        images.get(people.bob.caller, image.uuid)
    with pytest.raises(faults.Forbidden):
        images.register(people.alice.caller, io.BytesIO(content), name="all's", is_public=True)


def test_an_image_that_refers_to_another_file_is_refused(people: People, tmp_path: Path) -> None:
    (tmp_path / "base.raw").write_bytes(bytes(64 * 2**20))
    backed = qcow2(tmp_path / "backed.qcow2", "-b", str(tmp_path / "base.raw"), "-F", "raw")
    outside = qcow2(tmp_path / "out.qcow2", "-o", f"data_file={tmp_path / 'data.raw'}")
    for content in (backed, outside):
        with pytest.raises(faults.BadRequest, match="refers to another file"):
            images.register(people.alice.caller, io.BytesIO(content), name="bad")
    assert not Image.objects.exists()
    assert not Version.objects.exists(), "nothing was stored"


def test_a_removed_image_is_unknown(people: People) -> None:
    image = images.register(people.alice.caller, io.BytesIO(bytes(512)), name="x")
    images.unregister(people.alice.caller, image.uuid)
    with pytest.raises(faults.ItemNotFound):
        images.get(people.alice.caller, image.uuid)


def test_a_retired_flavor_is_not_listed_and_comes_back(people: People) -> None:
    flavor = flavors.create(SYSTEM, cpu=2, ram=512, disk=2)
    assert flavor.name == "C2R512D2local"
    with pytest.raises(faults.Conflict):
        flavors.create(SYSTEM, cpu=2, ram=512, disk=2)
    flavors.modify(SYSTEM, flavor.pk, deleted=True)
    assert not flavors.flavors_for(people.alice.caller).exists()
    assert flavors.create(SYSTEM, cpu=2, ram=512, disk=2).pk == flavor.pk
    with pytest.raises(faults.Forbidden):
        flavors.create(people.alice.caller, cpu=4, ram=512, disk=2)
