"""What each model can do, as rows; without one, the rules in code hold as before."""

import django.core.validators
import providers.registry
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0004_routing_and_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='ModelCapability',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_type', models.CharField(choices=providers.registry.provider_choices, max_length=20)),
                ('model_name', models.CharField(help_text='As the vendor writes it.', max_length=200)),
                ('vision', models.BooleanField(blank=True, null=True)),
                ('structured_output', models.BooleanField(blank=True, null=True)),
                ('streaming', models.BooleanField(blank=True, null=True)),
                ('context_window', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('max_output_tokens', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('note', models.CharField(blank=True, help_text="Why the vendor's word is overruled.", max_length=200)),
                ('vendor_vision', models.BooleanField(editable=False, null=True)),
                ('vendor_structured_output', models.BooleanField(editable=False, null=True)),
                ('vendor_streaming', models.BooleanField(editable=False, null=True)),
                ('vendor_context_window', models.PositiveIntegerField(editable=False, null=True)),
                ('vendor_max_output_tokens', models.PositiveIntegerField(editable=False, null=True)),
                ('seen_at', models.DateTimeField(editable=False, null=True)),
                ('retired_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name_plural': 'model capabilities',
                'db_table': 'model_capabilities',
                'ordering': ['provider_type', 'model_name'],
                'constraints': [models.UniqueConstraint(fields=('provider_type', 'model_name'), name='model_capabilities_one_per_model')],
            },
        ),
    ]
