"""Adds the tables of rolled-up figures, empty, and an index on `settled_at`. Usage rows stay as they are; the first
run of `roll_up_usage` (or of its task, every five minutes) rolls them up."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='RollupState',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('until', models.DateTimeField(null=True)),
                ('as_of', models.DateTimeField(null=True)),
                ('last_row', models.BigIntegerField(default=0)),
            ],
            options={
                'db_table': 'usage_rollup_state',
            },
        ),
        migrations.CreateModel(
            name='UsageRollup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('span', models.CharField(max_length=4)),
                ('start', models.DateTimeField()),
                ('dimension', models.CharField(max_length=5)),
                ('provider', models.BigIntegerField()),
                ('key', models.CharField(max_length=250)),
                ('calls', models.BigIntegerField()),
                ('successes', models.BigIntegerField()),
                ('errors', models.BigIntegerField()),
                ('timeouts', models.BigIntegerField()),
                ('aborted', models.BigIntegerField()),
                ('refusals', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField()),
                ('cached_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('reasoning_tokens', models.BigIntegerField()),
                ('total_tokens', models.BigIntegerField()),
                ('cost_picos', models.BigIntegerField(help_text='USD x 10^12.')),
                ('unpriced_calls', models.BigIntegerField()),
                ('latency_sum_ms', models.BigIntegerField()),
                ('latency_calls', models.BigIntegerField()),
                ('latencies', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'usage_rollups',
            },
        ),
        migrations.AddIndex(
            model_name='aiproviderusagelog',
            index=models.Index(condition=models.Q(('settled_at__isnull', False)), fields=['settled_at'], name='usage_settled'),
        ),
        migrations.AddConstraint(
            model_name='rollupstate',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='usage_rollup_state_single_row'),
        ),
        migrations.AddConstraint(
            model_name='usagerollup',
            constraint=models.UniqueConstraint(fields=('dimension', 'span', 'start', 'provider', 'key'), name='usage_rollups_one_per_cell'),
        ),
    ]
