"""Two columns with a default of the database: rows that are there are not rewritten, and are verified as before."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_idempotency_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='actor_digest',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='target_digest',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
    ]
