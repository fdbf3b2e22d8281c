import django.utils.timezone
from django.db import migrations, models


def say_who_is_shared(apps, schema_editor):
    """Images that have members are shared."""
    apps.get_model("cyclades", "Image").objects.filter(members__isnull=False).update(visibility="shared")


class Migration(migrations.Migration):
    dependencies = [
        ("cyclades", "0007_where_nat_leads"),
    ]

    operations = [
        migrations.CreateModel(
            name="Vocabulary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("namespace", models.CharField(max_length=80, unique=True)),
                ("owner", models.CharField(max_length=36)),
                ("display_name", models.CharField(blank=True, max_length=80)),
                ("description", models.CharField(blank=True, max_length=500)),
                ("is_public", models.BooleanField(default=False)),
                ("protected", models.BooleanField(default=False)),
                ("resource_types", models.JSONField(default=dict)),
                ("properties", models.JSONField(default=dict)),
                ("objects_by_name", models.JSONField(default=dict)),
                ("tags", models.JSONField(default=list)),
                ("created", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AddField(
            model_name="image",
            name="container_format",
            field=models.CharField(blank=True, default="bare", max_length=16),
        ),
        migrations.AddField(
            model_name="image",
            name="sha512",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name="image",
            name="visibility",
            field=models.CharField(
                choices=[("private", "Private"), ("shared", "Shared"), ("community", "Community")],
                default="private",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="imagemember",
            name="status",
            field=models.CharField(
                choices=[("pending", "Pending"), ("accepted", "Accepted"), ("rejected", "Rejected")],
                default="accepted",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="imagemember",
            name="updated",
            field=models.DateTimeField(auto_now=True),
        ),
        migrations.AlterField(
            model_name="image",
            name="disk_format",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AlterField(
            model_name="image",
            name="status",
            field=models.CharField(
                choices=[
                    ("QUEUED", "Queued"),
                    ("SAVING", "Saving"),
                    ("UPLOADING", "Uploading"),
                    ("IMPORTING", "Importing"),
                    ("AVAILABLE", "Available"),
                    ("DEACTIVATED", "Deactivated"),
                    ("ERROR", "Error"),
                ],
                default="AVAILABLE",
                max_length=16,
            ),
        ),
        migrations.RunPython(say_who_is_shared, migrations.RunPython.noop),
    ]
