"""A table for what each person did by the hour, empty until the worker's next run, and longer names for a rollup's
dimension, for which PostgreSQL does not rewrite the table. No row changes. The next run makes every rollup again, now
also by prompt version and person; until then figures are read from the rows."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("usage", "0021_usage_log_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="usagerollup", name="dimension", field=models.CharField(max_length=20)
        ),
        migrations.CreateModel(
            name="PersonRollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start", models.DateTimeField(db_index=True)),
                ("hours", models.JSONField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "usage_person_rollups",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "start"), name="usage_person_rollups_one_per_day"
                    )
                ],
            },
        ),
    ]
