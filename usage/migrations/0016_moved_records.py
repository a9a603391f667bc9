"""A table for what was moved in from an earlier system. No existing row changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0015_ledger_verifies_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='MovedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('old_id', models.CharField(max_length=64)),
                ('new_id', models.BigIntegerField()),
            ],
            options={
                'db_table': 'moved_records',
                'constraints': [models.UniqueConstraint(fields=('kind', 'old_id'), name='moved_records_one_per_old_record')],
            },
        ),
    ]
