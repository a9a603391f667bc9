"""Columns for the one run that prunes the usage log; empty until the next. The table has one row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0024_alert_round")]

    operations = [
        migrations.AddField(
            model_name="rollupstate",
            name="pruner",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="rollupstate", name="pruner_until", field=models.DateTimeField(null=True)
        ),
    ]
