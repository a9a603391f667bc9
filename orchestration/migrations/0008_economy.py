"""Two new tables, and three new columns. Batches that are there are no economy ones; their items have no
request_id and saved nothing. The columns have constant defaults, so that no row is rewritten."""

import accounts.models.sealed
import django.db.models.deletion
import providers.registry
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0007_policy_manner'),
        ('providers', '0007_base_url'),
    ]

    operations = [
        migrations.AddField(
            model_name='batch',
            name='economy',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='batchitem',
            name='request_id',
            field=models.CharField(blank=True, max_length=36),
        ),
        migrations.AddField(
            model_name='batchitem',
            name='saved_usd',
            field=models.DecimalField(decimal_places=12, max_digits=20, null=True),
        ),
        migrations.CreateModel(
            name='VendorBatch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('provider_type', models.CharField(choices=providers.registry.provider_choices, max_length=20)),
                ('model_name', models.CharField(max_length=200)),
                ('state', models.CharField(choices=[('new', 'To be sent'), ('sending', 'Being sent'), ('sent', 'At the vendor'), ('ended', 'Ended')], default='new', max_length=10)),
                ('vendor_id', models.CharField(blank=True, max_length=200)),
                ('is_unwanted', models.BooleanField(default=False)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('claim', models.CharField(blank=True, max_length=32)),
                ('held_until', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('begun_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='vendor_batches', to='orchestration.batch')),
                ('provider_config', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='providers.aiproviderconfig')),
            ],
            options={
                'db_table': 'vendor_batches',
                'ordering': ['created_at', 'id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='EconomyCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_type', models.CharField(choices=providers.registry.provider_choices, max_length=20)),
                ('model_name', models.CharField(max_length=200)),
                ('usage_row', models.BigIntegerField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('answered', 'Answered'), ('failed', 'Failed'), ('unsent', 'Not sent')], default='waiting', max_length=10)),
                ('has_form', models.BooleanField(default=False)),
                ('size', models.PositiveIntegerField()),
                ('sealed', accounts.models.sealed.SealedField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('item', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='economy_call', to='orchestration.batchitem')),
                ('provider_config', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='providers.aiproviderconfig')),
                ('vendor_batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='calls', to='orchestration.vendorbatch')),
            ],
            options={
                'db_table': 'economy_calls',
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.AddIndex(
            model_name='vendorbatch',
            index=models.Index(condition=models.Q(('state', 'ended'), _negated=True), fields=['created_at'], name='vendor_batches_open'),
        ),
    ]
