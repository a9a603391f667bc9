"""An index over the usage rows of failed and refused calls, for alerts and the log's filter by kind of error. Existing
rows are read once and stay as they are; on PostgreSQL it is built while rows are being written, elsewhere in one go.
A run that was cut off leaves an invalid index: `DROP INDEX usage_failed`, and migrate again."""

from django.db import migrations, models
from django.db.models import Q

from accounts.migration_operations import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0006_quota_rules")]

    operations = [
        AddIndexWithoutLock(
            model_name="aiproviderusagelog",
            index=models.Index(
                fields=["error_kind", "created_at"], name="usage_failed", condition=~Q(error_kind="")
            ),
        ),
    ]
