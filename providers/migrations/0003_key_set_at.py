"""Adds when each key was set. A key stored before this column existed counts as set when its row was made:
its true age is not known, and too old is the safer guess."""

from django.db import migrations, models
from django.db.models import F
from django.utils import timezone


def date_from_creation(apps, schema_editor):
    apps.get_model("providers", "AIProviderConfig").objects.update(key_set_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("providers", "0002_routing_revision_row")]
    operations = [
        migrations.AddField(
            "aiproviderconfig",
            "key_set_at",
            models.DateTimeField(default=timezone.now, editable=False),
        ),
        migrations.RunPython(date_from_creation, migrations.RunPython.noop),
    ]
