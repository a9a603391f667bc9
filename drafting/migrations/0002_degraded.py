"""What a model lacked when it wrote a draft; of earlier drafts nothing is known to have been lacking."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('drafting', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='draft',
            name='degraded',
            field=models.JSONField(default=list),
        ),
    ]
