"""Rules of key pairs, images and flavors."""

from __future__ import annotations

import functools
import io
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

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


def test_pairs_are_rsa_where_a_size_is_set(people: People, settings: Any) -> None:
    settings.CYCLADES_KEYPAIR_RSA_BITS = 2048
    row, private = keypairs.create(people.alice.caller, "mine")
    assert private is not None
    assert private.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert row.content.startswith("ssh-rsa ")
    key = load_pem_private_key(private.encode(), None)
    assert key.public_key() == load_ssh_public_key(row.content.encode())


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_every_kind_that_ssh_makes_has_ssh_s_fingerprints(people: People, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key"
    run = functools.partial(subprocess.run, check=True, capture_output=True, text=True)
    run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)])
    row, _ = keypairs.create(people.alice.caller, "k", path.with_suffix(".pub").read_text())
    assert row.sha256 in run(["ssh-keygen", "-l", "-f", f"{path}.pub"]).stdout
    assert row.fingerprint in run(["ssh-keygen", "-l", "-E", "md5", "-f", f"{path}.pub"]).stdout


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


def test_flavors_have_names_ids_specs_and_projects(people: People) -> None:
    private = flavors.create(SYSTEM, cpu=1, ram=64, disk=0, label="big one", ref="1", public=False)
    alice = people.alice.caller
    assert private.name == "big one"
    with pytest.raises(faults.ItemNotFound):
        flavors.get(alice, "1")
    flavors.grant(SYSTEM, private, alice.project)
    assert flavors.get(alice, "1") == private
    assert list(flavors.flavors_for(alice)) == [private]
    with pytest.raises(faults.ItemNotFound):
        flavors.get(people.bob.caller, "1")
    assert flavors.projects_of(alice, private) == [alice.project]
    assert flavors.projects_of(people.bob.caller, private) == []
    with pytest.raises(faults.Conflict):
        flavors.grant(SYSTEM, private, alice.project)
    assert flavors.set_specs(SYSTEM, private, {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    flavors.delete_specs(SYSTEM, private, ["a"])
    with pytest.raises(faults.ItemNotFound):
        flavors.delete_specs(SYSTEM, private, ["b", "a"])
    assert flavors.specs_of(private) == {"b": "2"}
    for change in (flavors.grant, flavors.revoke):
        with pytest.raises(faults.Forbidden):
            change(alice, private, "x")
    flavors.revoke(SYSTEM, private, alice.project)
    with pytest.raises(faults.ItemNotFound):
        flavors.get(alice, "1")


def test_a_flavor_s_name_and_id_are_its_own_while_it_lives(people: People) -> None:
    first = flavors.create(SYSTEM, cpu=1, ram=64, disk=1, label="m1", ref="1")
    for label, ref in (("m1", "2"), ("m2", "1"), ("m3", first.uuid)):
        with pytest.raises(faults.Conflict):
            flavors.create(SYSTEM, cpu=1, ram=64, disk=1, label=label, ref=ref)
    flavors.modify(SYSTEM, first.pk, deleted=True)
    second = flavors.create(SYSTEM, cpu=1, ram=64, disk=1, label="m1", ref="1")
    assert flavors.get(people.alice.caller, "1") == second
    with pytest.raises(faults.Conflict):
        flavors.modify(SYSTEM, first.pk, deleted=False)
