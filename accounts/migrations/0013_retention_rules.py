"""A table for rules of retention, of which there are none yet: everything is kept. No existing table is touched."""

import accounts.retention.kinds
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_plan_price'),
    ]

    operations = [
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=accounts.retention.kinds.kind_choices, max_length=30, unique=True)),
                ('days', models.PositiveIntegerField(help_text='What is older than so many days is forgotten, once a day.')),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'db_table': 'retention_rules',
                'ordering': ['kind'],
                'constraints': [models.CheckConstraint(condition=models.Q(('days__gte', 1), ('days__lte', 36500)), name='retention_rules_days_in_range')],
            },
        ),
    ]
