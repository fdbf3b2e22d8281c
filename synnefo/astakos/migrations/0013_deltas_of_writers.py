"""What is appended to usage is one row for each connection and holding, to which it adds."""

from django.db import migrations, models
from django.db.models import F


def keep_apart(apps, schema_editor):
    """What was appended before belongs to connections that never are: numbers of theirs are positive."""
    apps.get_model("astakos", "Delta").objects.update(writer=-F("pk"))


class Migration(migrations.Migration):
    dependencies = [("astakos", "0012_changes_of_what_tokens_say")]

    operations = [
        migrations.AddField("delta", "writer", models.BigIntegerField(default=0), preserve_default=False),
        migrations.RunPython(keep_apart, migrations.RunPython.noop),
        # Before the constraint: PostgreSQL would lose its index with that of the column.
        migrations.AlterField(
            "delta",
            "holding",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=models.deletion.DO_NOTHING,
                related_name="deltas",
                to="astakos.holding",
            ),
        ),
        migrations.AddConstraint(
            "delta", models.UniqueConstraint(fields=("holding", "writer"), name="one_delta")
        ),
    ]
