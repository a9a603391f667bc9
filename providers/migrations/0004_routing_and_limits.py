"""Rate and cost limits of providers, and when a config was last proven to work.

Existing configs have no such limits and no proof; routing treats them as before. No row is rewritten.
"""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0003_key_set_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='aiproviderconfig',
            name='daily_cost_limit_usd',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='daily cost limit (USD)'),
        ),
        migrations.AddField(
            model_name='aiproviderconfig',
            name='max_concurrent_calls',
            field=models.PositiveIntegerField(blank=True, help_text='How many calls may be under way.', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='aiproviderconfig',
            name='monthly_cost_limit_usd',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='monthly cost limit (USD)'),
        ),
        migrations.AddField(
            model_name='aiproviderconfig',
            name='proven_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='aiproviderconfig',
            name='requests_per_minute',
            field=models.PositiveIntegerField(blank=True, help_text='What the vendor allows.', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
    ]
