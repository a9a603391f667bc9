"""The tasks that a form offers come from the registry. No column changes, and no row."""

import providers.tasks
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0004_prompt_versions'),
    ]

    operations = [
        migrations.AlterField(
            model_name='experiment',
            name='task',
            field=models.CharField(choices=providers.tasks.task_choices, max_length=50),
        ),
        migrations.AlterField(
            model_name='plantasktier',
            name='task',
            field=models.CharField(choices=providers.tasks.task_choices, max_length=50),
        ),
        migrations.AlterField(
            model_name='taskpolicy',
            name='task',
            field=models.CharField(choices=providers.tasks.task_choices, max_length=50, unique=True),
        ),
    ]
