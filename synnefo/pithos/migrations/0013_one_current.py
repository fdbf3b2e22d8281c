"""The rule that a path has one current version is in the database, where PostgreSQL had lost it.

Making the foreign key one without an index of its own (0004) dropped every index of that column there, the
unique one of the constraint among them. Of several versions that are current meanwhile, the youngest stays.
"""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Count, F, Max

_CURRENT, _HISTORY = 0, 1
_NAME = "version_one_current"


def restore(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    version = apps.get_model("pithos", "Version")
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, version._meta.db_table)
    if _NAME not in there:
        _retire_older(apps, version)
        (constraint,) = (one for one in version._meta.constraints if one.name == _NAME)
        schema_editor.add_constraint(version, constraint)


def _retire_older(apps: Apps, version: Any) -> None:
    """Their container does not count them any more; what they are charged for, reconcile-resources-pithos tells."""
    containers = apps.get_model("pithos", "Container").objects
    current = version.objects.filter(state=_CURRENT)
    several = current.order_by().values("object").annotate(count=Count("pk"), last=Max("pk"))
    for path in several.filter(count__gt=1):
        older = current.filter(object=path["object"], pk__lt=path["last"])
        for number, container, size in older.values_list("pk", "object__container", "size_bytes"):
            version.objects.filter(pk=number).update(state=_HISTORY)
            counted = containers.filter(pk=container)
            counted.update(object_count=F("object_count") - 1, size_bytes=F("size_bytes") - size)


class Migration(migrations.Migration):
    dependencies = [("pithos", "0012_account_options")]

    operations = [migrations.RunPython(restore, migrations.RunPython.noop)]
