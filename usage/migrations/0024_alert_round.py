"""A column for when a round of judging and sending last came to its end; empty until the next, within a minute. The
table has one row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0023_rollup_state")]

    operations = [
        migrations.AddField(
            model_name="alertrun", name="round_at", field=models.DateTimeField(null=True)
        ),
    ]
