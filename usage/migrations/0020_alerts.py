"""Tables of alerts, their channels, and heartbeats. Existing rows are not touched."""

import django.core.validators
import django.db.models.deletion
import providers.encryption
import usage.models.notices
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0007_base_url'),
        ('usage', '0019_prompt_version_and_tier'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('form', models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Webhook (JSON)'), ('slack', 'Slack'), ('teams', 'Microsoft Teams')], max_length=8)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('recipients', models.TextField(blank=True, help_text='Of an e-mail, one address a line.')),
                ('url', providers.encryption.SealedTextField(editable=False, null=True)),
                ('url_hint', models.CharField(blank=True, editable=False, max_length=260)),
                ('secret', providers.encryption.SealedTextField(editable=False, null=True)),
                ('minimum_severity', models.CharField(choices=[('critical', 'Critical'), ('warning', 'Warning'), ('info', 'Info')], default='warning', max_length=8)),
                ('kinds', models.JSONField(blank=True, default=list, help_text='None chosen: all.')),
                ('sends_resolved', models.BooleanField(default=True, help_text='Of what was told before.', verbose_name='tells what is resolved')),
                ('quiet_from', models.TimeField(blank=True, null=True)),
                ('quiet_until', models.TimeField(blank=True, help_text='What comes meanwhile is sent then, as one digest.', null=True)),
                ('time_zone', models.CharField(default='UTC', max_length=60, validators=[usage.models.notices.validate_zone])),
                ('critical_in_quiet_hours', models.BooleanField(default=True, help_text='Critical alerts are sent in quiet hours too.', verbose_name='critical goes through')),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'db_table': 'alert_channels',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('subject', models.CharField(help_text='What it is about, for programs; empty: the whole house.', max_length=250)),
                ('group', models.CharField(max_length=20)),
                ('severity', models.CharField(choices=[('critical', 'Critical'), ('warning', 'Warning'), ('info', 'Info')], max_length=8)),
                ('message', models.TextField()),
                ('figures', models.JSONField(default=dict)),
                ('provider_config_id', models.BigIntegerField(null=True)),
                ('provider_type', models.CharField(blank=True, max_length=20)),
                ('model_name', models.CharField(blank=True, max_length=200)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('open', 'Open'), ('acknowledged', 'Acknowledged'), ('resolved', 'Resolved')], default='waiting', max_length=12)),
                ('episode', models.PositiveIntegerField(default=0)),
                ('since', models.DateTimeField(help_text='When its condition began to hold.')),
                ('seen_at', models.DateTimeField(help_text='When its condition last held.')),
                ('clear_since', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField(null=True)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('muted_until', models.DateTimeField(null=True)),
                ('is_settled_by_hand', models.BooleanField(default=False)),
            ],
            options={
                'db_table': 'alerts',
                'ordering': ['-opened_at', '-id'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'subject'), name='alerts_one_per_subject')],
            },
        ),
        migrations.CreateModel(
            name='AlertEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(choices=[('opened', 'Opened'), ('worsened', 'Became worse'), ('acknowledged', 'Acknowledged'), ('muted', 'Muted'), ('unmuted', 'Heard again'), ('resolved', 'Resolved')], max_length=12)),
                ('episode', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('by', models.CharField(help_text='An email, or system.', max_length=254)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('severity', models.CharField(choices=[('critical', 'Critical'), ('warning', 'Warning'), ('info', 'Info')], max_length=8)),
                ('message', models.TextField()),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='usage.alert')),
            ],
            options={
                'db_table': 'alert_events',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AlertRun',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('state_judged_at', models.DateTimeField(null=True)),
                ('figures_judged_at', models.DateTimeField(null=True)),
                ('audit_verified_at', models.DateTimeField(null=True)),
                ('audit_broken_at', models.BigIntegerField(null=True)),
                ('audit_reason', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'db_table': 'alert_run',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='alert_run_single_row')],
            },
        ),
        migrations.CreateModel(
            name='AlertThresholds',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('error_rate_percent', models.FloatField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(0.1), django.core.validators.MaxValueValidator(99)])),
                ('p95_latency_ms', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('fewest_calls', models.PositiveIntegerField(blank=True, help_text='With fewer nothing is judged.', null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('cost_factor', models.FloatField(blank=True, help_text='How many times the usual cost of the hour is too much.', null=True, validators=[django.core.validators.MinValueValidator(1.1), django.core.validators.MaxValueValidator(1000)])),
                ('cost_floor_usd', models.DecimalField(blank=True, decimal_places=4, help_text='An hour that costs less is no concern.', max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('provider_config', models.OneToOneField(blank=True, help_text='Empty: all providers that have none of their own.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alert_thresholds', to='providers.aiproviderconfig', verbose_name='provider')),
            ],
            options={
                'verbose_name': 'alert threshold',
                'db_table': 'alert_thresholds',
            },
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('worker', 'Worker'), ('beat', 'Beat')], max_length=6)),
                ('name', models.CharField(max_length=200)),
                ('started_at', models.DateTimeField()),
                ('beat_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'heartbeats',
                'constraints': [models.UniqueConstraint(fields=('role', 'name'), name='heartbeats_one_per_process')],
            },
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('due', 'Due'), ('sent', 'Sent'), ('dead', 'Given up')], default='due', max_length=4)),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('was_held', models.BooleanField(default=False, verbose_name='held in quiet hours')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('claim', models.CharField(blank=True, max_length=32)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, max_length=300)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='usage.alertchannel')),
                ('event', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='usage.alertevent')),
            ],
            options={
                'verbose_name_plural': 'alert deliveries',
                'db_table': 'alert_deliveries',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'due')), fields=['due_at'], name='alert_deliveries_due')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'event'), name='alert_deliveries_once_per_event')],
            },
        ),
    ]
