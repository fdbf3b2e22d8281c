"""Where the paths of a container lie is found by an index: lists of long containers ask for it first."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pithos", "0013_one_current")]

    operations = [
        migrations.AddIndex(
            model_name="object",
            index=models.Index(models.F("container") + 0, "id", name="object_place"),
        )
    ]
