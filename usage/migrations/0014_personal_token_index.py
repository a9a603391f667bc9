"""An index over the usage rows made with personal access tokens, of which there are none yet. Built while rows are
being written."""

from django.db import migrations, models
from django.db.models import Q

from accounts.migration_operations import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("usage", "0013_personal_tokens")]

    operations = [
        AddIndexWithoutLock(
            model_name="aiproviderusagelog",
            index=models.Index(
                fields=["personal_token", "created_at"],
                name="usage_personal_token",
                condition=Q(personal_token__isnull=False),
            ),
        ),
    ]
