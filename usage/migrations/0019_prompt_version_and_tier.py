"""Usage rows name the prompt version and the service tier that was asked for. Existing rows name neither; on
PostgreSQL a default of the column needs no rewriting of the table."""
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0018_rollup_shape'),
    ]

    operations = [
        migrations.AddField(
            model_name='aiproviderusagelog',
            name='prompt_version',
            field=models.CharField(blank=True, db_default='', default='', max_length=50),
        ),
        migrations.AddField(
            model_name='aiproviderusagelog',
            name='requested_tier',
            field=models.CharField(blank=True, db_default='', default='', max_length=30),
        ),
    ]
