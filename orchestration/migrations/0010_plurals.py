"""Names for people; nothing of the database is touched."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('orchestration', '0009_economy_accounts'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='batch',
            options={'default_permissions': ('view',), 'ordering': ['-created_at', '-id'], 'verbose_name_plural': 'batches'},
        ),
        migrations.AlterModelOptions(
            name='vendorbatch',
            options={'default_permissions': (), 'ordering': ['created_at', 'id'], 'verbose_name_plural': 'vendor batches'},
        ),
    ]
