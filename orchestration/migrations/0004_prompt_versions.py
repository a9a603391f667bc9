"""A policy may name one of its task's prompts; without one the first is used, as before. Feedback is kept per
request and user: clients choose their request ids, and one user's must not stand in another's way."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0003_routing_and_limits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='taskpolicy',
            name='prompt_version',
            field=models.CharField(blank=True, default='', help_text="One of the task's prompts; empty uses the first.", max_length=50),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='experimentarm',
            name='prompt_version',
            field=models.CharField(blank=True, help_text="One of the task's prompts; empty uses the one in force.", max_length=50),
        ),
        migrations.AlterField(
            model_name='callfeedback',
            name='request_id',
            field=models.CharField(max_length=36),
        ),
        migrations.AddConstraint(
            model_name='callfeedback',
            constraint=models.UniqueConstraint(fields=('request_id', 'user'), name='call_feedback_one_per_user'),
        ),
    ]
