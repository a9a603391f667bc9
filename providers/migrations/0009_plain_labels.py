"""What two columns are called on pages. Nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0008_stored_prompts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='aiproviderconfig',
            name='is_active',
            field=models.BooleanField(default=True, verbose_name='active'),
        ),
        migrations.AlterField(
            model_name='aiproviderconfig',
            name='is_default',
            field=models.BooleanField(default=False, verbose_name='default'),
        ),
    ]
