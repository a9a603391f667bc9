"""What two columns are called on pages. Nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_people_by_name'),
    ]

    operations = [
        migrations.AlterField(
            model_name='plan',
            name='is_default',
            field=models.BooleanField(default=False, help_text='The plan of users who have no active subscription.', verbose_name='default'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_active',
            field=models.BooleanField(default=True, verbose_name='active'),
        ),
    ]
