from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("astakos", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="applicationcredential",
            name="last_used",
            field=models.DateTimeField(null=True),
        ),
    ]
