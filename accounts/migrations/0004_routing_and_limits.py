"""Rate and cost limits of plans, and the time zone a user's quotas are counted in.

Existing plans have no such limits, and existing users count in UTC as before. The columns are added without
rewriting a row.
"""

import accounts.models.people
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_security'),
    ]

    operations = [
        migrations.AddField(
            model_name='plan',
            name='daily_cost_limit_usd',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='daily cost limit (USD)'),
        ),
        migrations.AddField(
            model_name='plan',
            name='max_concurrent_calls',
            field=models.PositiveIntegerField(blank=True, help_text='Calls of one user that may be under way.', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='plan',
            name='monthly_cost_limit_usd',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='monthly cost limit (USD)'),
        ),
        migrations.AddField(
            model_name='plan',
            name='requests_per_minute',
            field=models.PositiveIntegerField(blank=True, help_text='Calls a user may start.', null=True, validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='user',
            name='time_zone',
            field=models.CharField(default='UTC', help_text='Daily and monthly quotas start anew at midnight there, as in Europe/Berlin.', max_length=64, validators=[accounts.models.people.validate_time_zone]),
        ),
    ]
