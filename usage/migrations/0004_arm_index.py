"""An index over the rows of experiments, of which there are none yet. Built while rows are being written."""

from django.db import migrations, models
from django.db.models import Q

from accounts.migration_operations import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0003_routing_and_limits")]

    operations = [
        AddIndexWithoutLock(
            model_name="aiproviderusagelog",
            index=models.Index(
                fields=["experiment_arm"], name="usage_arm", condition=Q(experiment_arm__isnull=False)
            ),
        ),
    ]
