"""The address of a provider is held to what is ever called when it is saved. Existing rows stay as they are."""

import providers.addresses
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0006_refused_parameters'),
    ]

    operations = [
        migrations.AlterField(
            model_name='aiproviderconfig',
            name='base_url',
            field=models.CharField(blank=True, help_text="Empty uses the vendor's own address. Required for OpenAI-compatible servers.", max_length=500, validators=[providers.addresses.validate_base_url]),
        ),
    ]
