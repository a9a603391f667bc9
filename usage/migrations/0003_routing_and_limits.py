"""The arm of an experiment that a call belongs to. Existing rows belong to none (null); nothing is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("providers", "0004_routing_and_limits"), ("usage", "0002_rollups")]

    operations = [
        migrations.AddField(
            model_name="aiproviderusagelog",
            name="experiment_arm",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
    ]
