"""A column in two tables, with a constant default, so that no row is rewritten for it. What is under way
without a config goes on as it did: as the environment's while there is no config at all, which is when the
environment's keys are asked; otherwise as of a config that was deleted. What has ended stays as it is."""

from django.db import migrations, models


def mark(apps, schema_editor):
    if apps.get_model("providers", "AIProviderConfig").objects.exists():
        return
    for name, over in (("VendorBatch", "ended"), ("EconomyCall", "")):
        rows = apps.get_model("orchestration", name).objects.filter(provider_config=None)
        rows.exclude(state=over).update(from_environment=True)


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0008_economy'),
    ]

    operations = [
        migrations.AddField(
            model_name='economycall',
            name='from_environment',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='vendorbatch',
            name='from_environment',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
