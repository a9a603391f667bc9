"""Adds the single revision row, so that the first change updates it instead of racing to create it."""

from django.db import migrations


def add_row(apps, schema_editor):
    apps.get_model("providers", "RoutingRevision").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]
    operations = [migrations.RunPython(add_row, migrations.RunPython.noop)]
