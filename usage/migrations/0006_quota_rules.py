"""Rules of quotas for tasks and users, and room in a counter's name for both. Counters and rows stay as they are."""

import django.core.validators
import django.db.models.deletion
import providers.tasks
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_kept_quota_windows'),
        ('usage', '0005_work_rollups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='quotacounter',
            name='scope',
            field=models.CharField(max_length=100),
        ),
        migrations.CreateModel(
            name='QuotaRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task', models.CharField(blank=True, choices=providers.tasks.task_choices, help_text='Empty: all tasks together. What a plan allows over all tasks is set on the plan itself.', max_length=50)),
                ('unit', models.CharField(choices=[('tokens', 'Tokens'), ('usd', 'USD')], help_text='While a limit in USD is in force, models whose price is not known are not used.', max_length=6)),
                ('period', models.CharField(choices=[('day', 'Day'), ('month', 'Month')], help_text="Calendar days and months in the user's time zone.", max_length=5)),
                ('limit', models.DecimalField(blank=True, decimal_places=4, help_text='Tokens, or USD. 0 allows nothing; empty lifts the limit that would hold otherwise.', max_digits=20, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('note', models.CharField(blank=True, help_text='Why, for whoever reads this next.', max_length=200)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('plan', models.ForeignKey(blank=True, help_text='For each user of this plan by themselves. Leave empty for a rule of one user.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='quota_rules', to='accounts.plan')),
                ('user', models.ForeignKey(blank=True, help_text='For this user alone; stands before what the plan says.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='quota_rules', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'quota rule',
                'db_table': 'quota_rules',
                'ordering': ['plan', 'user', 'task', 'unit', 'period'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('plan__isnull', True), ('user__isnull', False)), models.Q(('plan__isnull', False), ('user__isnull', True), models.Q(('task', ''), _negated=True)), _connector='OR'), name='quota_rules_one_subject', violation_error_message='A rule is for one user, or for one task of a plan.'), models.UniqueConstraint(condition=models.Q(('plan__isnull', False)), fields=('plan', 'task', 'unit', 'period'), name='quota_rules_one_per_plan', violation_error_message='This plan has a rule for this task, unit and period already.'), models.UniqueConstraint(condition=models.Q(('user__isnull', False)), fields=('user', 'task', 'unit', 'period'), name='quota_rules_one_per_user', violation_error_message='This user has a rule for this task, unit and period already.'), models.CheckConstraint(condition=models.Q(('limit', None), ('limit__gte', Decimal('0')), _connector='OR'), name='quota_rules_limit_not_negative')],
            },
        ),
    ]
