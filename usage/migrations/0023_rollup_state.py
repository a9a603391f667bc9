"""Columns for the day up to which the retention rule forgets for whom calls were made, and for what holds pruning
up; empty until either runs. Both are of a table of one row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0022_person_rollups")]

    operations = [
        migrations.AddField(
            model_name="rollupstate", name="nobody_before", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="rollupstate",
            name="pruning_held_up_by",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
    ]
