from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cyclades", "0009_legacy_import"),
    ]

    operations = [
        migrations.AddField(
            model_name="volume",
            name="disk_format",
            field=models.CharField(blank=True, default="", max_length=16),
            preserve_default=False,
        ),
    ]
