from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("cyclades", "0008_glance")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="LegacyImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=32, unique=True)),
                ("source", models.CharField(max_length=64)),
                ("last_key", models.BigIntegerField(default=0)),
                ("rows", models.BigIntegerField(default=0)),
                ("finished", models.DateTimeField(null=True)),
            ],
            options={"abstract": False},
        ),
    ]
