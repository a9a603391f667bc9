"""A table for personal access tokens, which nobody has yet; no existing table is touched."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_audit_digests'),
    ]

    operations = [
        migrations.CreateModel(
            name='PersonalToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('hint', models.CharField(max_length=16)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('tasks', models.JSONField(blank=True, default=list)),
                ('model_names', models.JSONField(blank=True, default=list)),
                ('daily_token_limit', models.PositiveBigIntegerField(blank=True, null=True)),
                ('monthly_token_limit', models.PositiveBigIntegerField(blank=True, null=True)),
                ('daily_cost_limit_usd', models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='daily cost limit (USD)')),
                ('monthly_cost_limit_usd', models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='monthly cost limit (USD)')),
                ('requests_per_minute', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('max_concurrent_calls', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='personal_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'personal access token',
                'db_table': 'personal_tokens',
                'ordering': ['-created_at', '-id'],
            },
        ),
    ]
