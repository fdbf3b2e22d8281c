from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("cyclades", "0005_what_was_there"),)
    operations = (
        migrations.RemoveField(model_name="flavor", name="old_type"),
        migrations.AlterField(
            model_name="flavor",
            name="volume_type",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="flavors", to="cyclades.volumetype"
            ),
        ),
    )
