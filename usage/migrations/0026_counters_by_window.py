"""Finds the counters of now among those of all days. No row changes. On PostgreSQL the index is built while rows are being
written. A run that was cut off may leave an invalid index `quota_counters_window`: `DROP INDEX quota_counters_window`, and
migrate again."""

from django.db import migrations, models

from accounts.migration_operations import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0025_pruner")]

    operations = [
        AddIndexWithoutLock(
            model_name="quotacounter",
            index=models.Index(fields=["window"], name="quota_counters_window"),
        )
    ]
