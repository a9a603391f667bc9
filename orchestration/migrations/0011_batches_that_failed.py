from django.db import migrations, models

from accounts.migration_operations import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orchestration", "0010_plurals")]

    operations = [
        AddIndexWithoutLock(
            model_name="batchitem",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["ended_at"], name="batch_items_failed"
            ),
        ),
    ]
