"""What made a version of a draft, and from which version. Existing rows were all drafted, and say so."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('drafting', '0003_proofs'),
    ]

    operations = [
        migrations.AddField(
            model_name='draft',
            name='made_by',
            field=models.CharField(choices=[('draft', 'Drafting'), ('edit', "A person's edit"), ('restore', 'Restoring a version'), ('regenerate', 'Writing a section anew')], db_default='draft', default='draft', max_length=10),
        ),
        migrations.AddField(
            model_name='draft',
            name='made_from',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
