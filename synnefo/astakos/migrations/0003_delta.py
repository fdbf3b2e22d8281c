import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

#: The fields get other names, the columns keep theirs.
_STATE = [
    migrations.RemoveConstraint("holding", "holding_usage_in_order"),
    migrations.RenameField("holding", "usage_min", "folded_min"),
    migrations.RenameField("holding", "usage_max", "folded_max"),
    migrations.AlterField("holding", "folded_min", models.BigIntegerField(db_column="usage_min", default=0)),
    migrations.AlterField("holding", "folded_max", models.BigIntegerField(db_column="usage_max", default=0)),
    migrations.AddConstraint(
        "holding",
        models.CheckConstraint(
            condition=Q(folded_min__gte=0) & Q(folded_min__lte=F("folded_max")),
            name="holding_usage_in_order",
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("astakos", "0002_credential_last_used")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=_STATE),
        migrations.CreateModel(
            name="Delta",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.BigIntegerField()),
                (
                    "holding",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deltas",
                        to="astakos.holding",
                    ),
                ),
            ],
        ),
    ]
