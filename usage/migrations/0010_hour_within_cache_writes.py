"""What was written to the cache for an hour is a part of all that was written. Existing rows are read once, on
PostgreSQL while others are being written, and all of them fit: each has 0 of it. A run that was cut off leaves
the constraint unproven: `ALTER TABLE ai_provider_usage_logs DROP CONSTRAINT usage_hour_within_cache_writes`, and
migrate again."""

from django.db import migrations, models
from django.db.models import F, Q

from accounts.migration_operations import AddCheckWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0009_money_as_billed")]

    operations = [
        AddCheckWithoutLock(
            model_name="aiproviderusagelog",
            constraint=models.CheckConstraint(
                condition=Q(cache_write_1h_tokens__gte=0, cache_write_tokens__gte=F("cache_write_1h_tokens")),
                name="usage_hour_within_cache_writes",
            ),
        ),
    ]
