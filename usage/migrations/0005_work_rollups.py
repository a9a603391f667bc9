"""Adds the table of what each model did for each task, empty. Usage rows stay as they are, unlocked and unread.

The rollups there are lack the new table, so they are set aside: figures are read from the usage rows, as exact and
slower, until the next run of `roll_up_usage` (or of its task, every five minutes) has made them anew; some minutes for
a million rows. A worker of the version before that is still running would make them without the new table: stop
it first, or run `roll_up_usage --rebuild` afterwards.
"""

from django.db import migrations, models


def set_rollups_aside(apps, schema_editor):
    apps.get_model("usage", "RollupState").objects.update(until=None, as_of=None, last_row=0)


class Migration(migrations.Migration):

    dependencies = [
        ("usage", "0004_arm_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("span", models.CharField(max_length=4)),
                ("start", models.DateTimeField()),
                ("provider_type", models.CharField(max_length=20)),
                ("model_name", models.CharField(max_length=200)),
                ("task_type", models.CharField(max_length=50)),
                ("calls", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("cached_tokens", models.BigIntegerField()),
                ("cache_write_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("cost_picos", models.BigIntegerField(help_text="USD x 10^12.")),
                ("largest_input_tokens", models.BigIntegerField()),
                ("largest_output_tokens", models.BigIntegerField()),
            ],
            options={
                "db_table": "usage_work_rollups",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("span", "start", "provider_type", "model_name", "task_type"),
                        name="usage_work_rollups_one_per_cell",
                    )
                ],
            },
        ),
        migrations.RunPython(set_rollups_aside, migrations.RunPython.noop),
    ]
