from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("cyclades", "0006_types_are_rows"),)
    operations = (
        migrations.AddField(
            model_name="ipaddress",
            name="nat_address",
            field=models.CharField(
                blank=True,
                default="",
                help_text="which address of nat_port it leads to; its first, if empty",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="securitygroup",
            name="revision",
            field=models.PositiveBigIntegerField(default=1),
        ),
    )
