"""What was there before volumes: types of volumes were words, a server's disk was the server's own."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def bring_over(apps: Any, schema_editor: Any) -> None:
    make_types(apps.get_model("cyclades", "Flavor"), apps.get_model("cyclades", "VolumeType"))
    make_root_volumes(apps.get_model("cyclades", "Server"), apps.get_model("cyclades", "Volume"))
    apps.get_model("cyclades", "Network").objects.filter(public=True).update(kind="CUSTOM")


def make_types(flavors: Any, types: Any) -> None:
    for word in flavors.objects.order_by("old_type").values_list("old_type", flat=True).distinct():
        made = types.objects.create(name=word, disk_template=word)
        flavors.objects.filter(old_type=word).update(volume_type=made)


def make_root_volumes(servers: Any, volumes: Any) -> None:
    """Their charge is what the servers were charged for their disks."""
    for server in servers.objects.filter(deleted=False).select_related("flavor").iterator():
        built = server.operstate != "BUILD"
        broken = server.operstate == "ERROR"
        volumes.objects.create(
            name=f"Root of {server.name}"[:255],
            userid=server.userid,
            project=server.project,
            shared_to_project=server.shared_to_project,
            created=server.created,
            size_gib=server.flavor.disk,
            volume_type_id=server.flavor.volume_type_id,
            status="ERROR" if broken else "IN_USE" if built else "CREATING",
            server=server,
            index=0,
            backend_id=server.backend_id,
            materialised=built,
            bootable=True,
            source="image",
            source_uuid=server.image,
        )
        if server.key_name:
            server.key_names = [server.key_name]
            server.save(update_fields=("key_names",))


class Migration(migrations.Migration):
    dependencies = (("cyclades", "0004_whole"),)
    operations = (migrations.RunPython(bring_over, migrations.RunPython.noop),)
