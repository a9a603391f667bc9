"""The usage log loses the indexes whose columns another one begins with: those of the foreign keys to user and provider,
and both of the request id, for which one takes their place. No row changes. On PostgreSQL indexes are built and dropped
while rows are being written; elsewhere the table is made anew. A run that was cut off may leave an invalid index
`usage_request`: `DROP INDEX usage_request`, and migrate again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.migration_operations import AddIndexWithoutLock, DropFieldIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("providers", "__first__"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("usage", "0020_alerts"),
    ]

    operations = [
        AddIndexWithoutLock(
            model_name="aiproviderusagelog",
            index=models.Index(fields=["request_id"], name="usage_request"),
        ),
        DropFieldIndexWithoutLock(
            model_name="aiproviderusagelog", name="request_id", field=models.CharField(max_length=36)
        ),
        DropFieldIndexWithoutLock(
            model_name="aiproviderusagelog",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="usage_logs",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        DropFieldIndexWithoutLock(
            model_name="aiproviderusagelog",
            name="provider_config",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="usage_logs",
                to="providers.aiproviderconfig",
            ),
        ),
    ]
