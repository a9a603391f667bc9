"""A column that may be null and one with a constant default, so that no row is rewritten for them. Of the
batches that are there none has a worker yet: the next beat calls one to each that has something left, and who
was called before by the earlier version works on as it did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orchestration", "0011_batches_that_failed")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="claim",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="batch",
            name="held_until",
            field=models.DateTimeField(null=True),
        ),
    ]
