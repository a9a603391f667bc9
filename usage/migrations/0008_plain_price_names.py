"""Prices under the names that calls look them up by: "models/gemini-2.5-pro" and "Gemini-2.5-Pro" become
"gemini-2.5-pro". Of two rows that are one then, the one that was in force stays: the one that had the plain name
already, else the one that was changed last."""

from django.db import migrations

import providers.model_names
from providers.model_names import plain_name


def use_plain_names(apps, schema_editor):
    prices = apps.get_model("usage", "ModelPrice").objects
    kept = set()
    for row in sorted(
        prices.order_by("-updated_at", "-id"), key=lambda row: row.model_name != plain_name(row.model_name)
    ):
        key = row.provider_type, plain_name(row.model_name)
        if key in kept:
            row.delete()
        elif row.model_name != key[1]:
            prices.filter(pk=row.pk).update(model_name=key[1])
        kept.add(key)


class Migration(migrations.Migration):
    dependencies = [("providers", "0005_model_capabilities"), ("usage", "0007_failed_index")]

    operations = [
        migrations.RunPython(use_plain_names, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="modelprice",
            name="model_name",
            field=providers.model_names.PlainNameField(
                help_text="As configured, or as the vendor reports it; without a date it is for all of its dates.",
                max_length=200,
            ),
        ),
    ]
