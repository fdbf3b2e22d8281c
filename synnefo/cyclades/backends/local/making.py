"""The engine's calls that make instances, take them away and change what they are made of.

Owns the order in which things are made and removed, so that a caller who is killed anywhere leaves what
the next one can finish or delete.
"""

from __future__ import annotations

import dataclasses

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    DiskImage,
    Fence,
    GuestSetup,
    InstanceSpec,
    Nic,
)
from synnefo.cyclades.backends.local import agent, cards, disks, journal, layout, saving, tools
from synnefo.cyclades.backends.local.host import IMAGE_WAIT_S, ON, readable
from synnefo.cyclades.backends.local.layout import Home, Rescue
from synnefo.cyclades.backends.local.volumes import VolumeCalls

_CD = "iso"


class MakingCalls(VolumeCalls):
    """The part of ``Backend`` that is about instances, but for their power; see there."""

    def prepare_image(self, image: DiskImage) -> bool:
        return self._images.prepare(image)

    def create(self, spec: InstanceSpec, fence: Fence) -> str:
        layout.check_name(spec.name)
        tools.require()
        with (
            self._slots.one(),
            self._fences.passing(spec.name, fence),
            self._taking(spec.volumes, spec.name, fence),
        ):
            self._check_networks(spec)
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            home = self._home(spec.name)
            known = home.spec()
            if known is None or home.boot() is None or not self._whole(home, known):
                home.write_spec(spec)
                self._make_disks(home, spec)
            self._power_on(home)
        return DONE

    def _check_networks(self, spec: InstanceSpec) -> None:
        if unknown := {nic.network for nic in spec.nics} - set(self.fabric.networks()):
            raise BackendError(f"{spec.name}: there is no network {', '.join(sorted(unknown))}")

    def _make_disks(self, home: Home, spec: InstanceSpec) -> None:
        if spec.volumes:
            self._make_volumes(spec.volumes)
        else:
            self._make_disk(home.disk, spec.image, spec.disk_gib)

    def delete(self, name: str, fence: Fence) -> str:
        layout.check_name(name)
        with self._fences.passing(name, fence):
            home = self._home(name)
            if home.path.exists():
                self._pull_plug(home, "delete")
                for spec in readable(home):
                    for nic in spec.nics:
                        self.fabric.unplug(nic.name)
                layout.discard(home.path)
            self._limits.remove(name)
        return DONE

    # -- another size, another system -----------------------------------------------------------
    def resize(self, name: str, vcpus: int, ram_mib: int, fence: Fence) -> str:
        with self._acting_unsaved(name, fence) as home:
            spec = self._finished(home)
            if (spec.vcpus, spec.ram_mib) == (vcpus, ram_mib):
                return DONE
            if journal.look(home).power in ON:
                raise BackendError(f"{name} is on")
            home.write_spec(dataclasses.replace(spec, vcpus=vcpus, ram_mib=ram_mib))
        return DONE

    def rebuild(self, spec: InstanceSpec, fence: Fence) -> str:
        with (
            self._slots.one(),
            self._acting(spec.name, fence) as home,
            self._taking(spec.volumes, spec.name, fence),
        ):
            self._check_networks(spec)
            if home.rebuilt_by() != fence.operation:
                self._pull_plug(home, "reboot")
                saving.forget(home)
                self._make_root_anew(home, spec)
                home.write_rebuilt(fence.operation)
            self._power_on(home)
        return DONE

    def _make_root_anew(self, home: Home, spec: InstanceSpec) -> None:
        """The new root takes the old one's place at once; what the old system was told goes with it."""
        if not spec.volumes:
            raise BackendError(f"{spec.name}: there is no volume to be made anew")
        root, *others = spec.volumes
        self._make_volumes(others)
        file = self._volume(root.name)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.origin is None:
            draft = disks.draft(file, None, "", root.size_gib * disks.GIB)
        else:
            with self._images.using(root.origin, wait_s=IMAGE_WAIT_S) as image:
                draft = disks.draft(file, image, root.origin.kept_format, root.size_gib * disks.GIB)
        draft.rename(file)
        home.write_spec(spec)
        for told in (home.disk, home.seed, home.config_drive):
            told.unlink(missing_ok=True)
        home.clear_rescue()

    # -- rescue ---------------------------------------------------------------------------------
    def rescue(self, name: str, image: DiskImage, guest: GuestSetup | None, fence: Fence) -> str:
        with self._slots.one(), self._acting_unsaved(name, fence) as home:
            known = home.rescue()
            if known is None or known.image != image:
                self._finished(home)
                on = self._switch_off(home)
                home.clear_rescue()
                home.write_rescue(Rescue(image=image, guest=guest, cd=self._rescue_disk(home, image)))
                if on:
                    self._power_on(home, "reboot")
        return DONE

    def unrescue(self, name: str, fence: Fence) -> str:
        with self._slots.one(), self._acting_unsaved(name, fence) as home:
            if home.rescue() is not None:
                on = self._switch_off(home)
                home.clear_rescue()
                if on:
                    self._power_on(home, "reboot")
        return DONE

    def _switch_off(self, home: Home) -> bool:
        """End the run at once; whether there was one."""
        on = journal.look(home).power in ON
        if on:
            self._pull_plug(home, "reboot")
        return on

    def _rescue_disk(self, home: Home, image: DiskImage) -> str:
        """Make the disk to boot from. Gives the file of a CD, which needs none of its own."""
        with self._images.using(image, wait_s=IMAGE_WAIT_S) as file:
            if image.format == _CD:
                return str(file.resolve())
            size_bytes = disks.image_size_bytes(file, image.kept_format)
            disks.draft(home.rescue_disk, file, image.kept_format, size_bytes).rename(home.rescue_disk)
        return ""

    def set_password(self, name: str, user: str, password: str, fence: Fence) -> str:
        with self._acting(name, fence) as home:
            if journal.look(home).power in ON:
                agent.set_password(home.agent, user, password)
                return DONE
        raise BackendError(f"{name} is not on")

    # -- cards ----------------------------------------------------------------------------------
    def plug(self, name: str, nic: Nic, fence: Fence) -> str:
        with self._acting_unsaved(name, fence) as home:
            if nic.network not in self.fabric.networks():
                raise BackendError(f"{name}: there is no network {nic.network}")
            spec = self._finished(home)
            if journal.look(home).power in ON:
                cards.put_in(home, nic, self.fabric.cable(nic))
            if nic.name not in {card.name for card in spec.nics}:
                home.write_spec(dataclasses.replace(spec, nics=[*spec.nics, nic]))
        return DONE

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        with self._acting_unsaved(name, fence) as home:
            spec = self._finished(home)
            if journal.look(home).power in ON:
                cards.take_out(home, nic_name)
            self.fabric.unplug(nic_name)
            kept = [nic for nic in spec.nics if nic.name != nic_name]
            home.write_spec(dataclasses.replace(spec, nics=kept))
        return DONE
