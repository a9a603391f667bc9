"""Finds the counters of now among those of all days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0025_pruner")]

    operations = [
        migrations.AddIndex(
            model_name="quotacounter",
            index=models.Index(fields=["window"], name="quota_counters_window"),
        )
    ]
