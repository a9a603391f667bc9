"""Prompts that people write in the console. A new table: no existing row is touched."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0007_base_url'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StoredPrompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('task', models.CharField(max_length=50)),
                ('version', models.CharField(max_length=20)),
                ('based_on', models.CharField(max_length=50)),
                ('about', models.CharField(max_length=200)),
                ('texts', models.JSONField()),
                ('forms', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'prompt',
                'db_table': 'stored_prompts',
                'ordering': ['task', '-created_at'],
                'constraints': [models.UniqueConstraint(fields=('task', 'version'), name='stored_prompts_one_per_version')],
            },
        ),
    ]
