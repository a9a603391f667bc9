"""A policy may say how hard models think, in which queue they stand and what they keep. Existing rows say nothing
of it, and calls are put as before."""
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0006_batches'),
    ]

    operations = [
        migrations.AddField(
            model_name='taskpolicy',
            name='prompt_cache',
            field=models.CharField(blank=True, choices=[('5m', 'For five minutes'), ('1h', 'For an hour, which costs more to write')], default='', help_text='How long vendors are asked to keep what comes again in prompts; empty asks for nothing.', max_length=2),
        ),
        migrations.AddField(
            model_name='taskpolicy',
            name='reasoning_effort',
            field=models.CharField(blank=True, choices=[('low', 'Low'), ('medium', 'Medium'), ('high', 'High')], default='', help_text='How hard models think that can; empty is as little as each takes. Thoughts are paid for.', max_length=10),
        ),
        migrations.AddField(
            model_name='taskpolicy',
            name='service_tier',
            field=models.CharField(blank=True, choices=[('flex', 'Flex: cheaper, slower, and refused when the vendor is busy'), ('priority', 'Priority: faster, and dearer')], default='', help_text="The vendor's queue, at a price of its own, where there is one; empty is the usual one.", max_length=10),
        ),
    ]
