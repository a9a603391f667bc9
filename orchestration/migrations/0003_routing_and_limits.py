"""Policies of tasks, experiments, feedback, probes and leases: new tables, empty. Without a policy a task keeps
what its registry entry says."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0002_default_tiers'),
        ('providers', '0004_routing_and_limits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Lease',
            fields=[
                ('name', models.CharField(max_length=50, primary_key=True, serialize=False)),
                ('holder', models.CharField(max_length=64)),
                ('expires_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'leases',
            },
        ),
        migrations.CreateModel(
            name='Experiment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('task', models.CharField(choices=[('extraction', 'Job extraction'), ('cv_draft', 'CV drafting'), ('cover_letter', 'Cover letters'), ('extraction_validation', 'Image validation')], max_length=50)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('running', 'Running'), ('ended', 'Ended')], default='draft', editable=False, max_length=10)),
                ('started_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('ended_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'experiments',
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='ExperimentArm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=50)),
                ('weight', models.PositiveIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1)])),
                ('model_name', models.CharField(blank=True, help_text='A model of the provider; empty uses the one for the tier.', max_length=200)),
                ('prompt_version', models.CharField(blank=True, help_text="One of the task's prompts; empty uses the first.", max_length=50)),
                ('experiment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='arms', to='orchestration.experiment')),
                ('provider_config', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='providers.aiproviderconfig', verbose_name='provider')),
            ],
            options={
                'db_table': 'experiment_arms',
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='experiment',
            name='winner',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='orchestration.experimentarm'),
        ),
        migrations.CreateModel(
            name='ProviderProbe',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_up', models.BooleanField(null=True)),
                ('error_kind', models.CharField(blank=True, max_length=30)),
                ('latency_ms', models.PositiveIntegerField(null=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('since', models.DateTimeField(help_text='When `is_up` last changed.', null=True)),
                ('next_at', models.DateTimeField()),
                ('config', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='probe', to='providers.aiproviderconfig')),
            ],
            options={
                'db_table': 'provider_probes',
            },
        ),
        migrations.CreateModel(
            name='TaskPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task', models.CharField(choices=[('extraction', 'Job extraction'), ('cv_draft', 'CV drafting'), ('cover_letter', 'Cover letters'), ('extraction_validation', 'Image validation')], max_length=50, unique=True)),
                ('strategy', models.CharField(choices=[('weighted', 'By priority, then by weight'), ('least_latency', 'The fastest first'), ('least_cost', 'The cheapest first')], default='weighted', max_length=20)),
                ('is_sticky', models.BooleanField(default=False, help_text='A user keeps the same provider among those of equal rank.', verbose_name='sticky')),
                ('deadline_seconds', models.PositiveIntegerField(blank=True, help_text='Seconds for a whole call, waiting and every attempt included.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3600)])),
                ('cache_seconds', models.PositiveIntegerField(blank=True, help_text='How long a reply may be given again to the same user for the same question; 0 is never.', null=True, validators=[django.core.validators.MaxValueValidator(2592000)])),
                ('votes', models.PositiveSmallIntegerField(default=1, help_text='How many models answer a structured question; each answer is paid for.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name_plural': 'task policies',
                'db_table': 'task_policies',
                'ordering': ['task'],
                'constraints': [models.CheckConstraint(condition=models.Q(('votes__gte', 1), ('votes__lte', 5)), name='task_policies_votes_in_range')],
            },
        ),
        migrations.CreateModel(
            name='CallFeedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request_id', models.CharField(max_length=36, unique=True)),
                ('rating', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'call feedback',
                'db_table': 'call_feedback',
                'constraints': [models.CheckConstraint(condition=models.Q(('rating__gte', 1), ('rating__lte', 5)), name='call_feedback_rating')],
            },
        ),
        migrations.AddConstraint(
            model_name='experimentarm',
            constraint=models.UniqueConstraint(fields=('experiment', 'name'), name='experiment_arms_one_per_name'),
        ),
        migrations.AddConstraint(
            model_name='experimentarm',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='experiment_arms_weight_positive'),
        ),
        migrations.AddConstraint(
            model_name='experimentarm',
            constraint=models.CheckConstraint(condition=models.Q(('model_name', ''), ('provider_config__isnull', False), _connector='OR'), name='experiment_arms_model_of_a_provider'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'running')), fields=('task',), name='experiments_one_running_per_task'),
        ),
    ]
