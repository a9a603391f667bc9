"""The rollups' state learns by which shape they were made, and before when rows may have been pruned; a dimension
may have a longer name. Existing rollups have shape 0, so the next run of the worker makes them again; until then
statistics are read from the rows: slower, and as exact. No table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0017_price_validity")]

    operations = [
        migrations.AddField(
            model_name="rollupstate",
            name="shape",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="rollupstate",
            name="pruned_before",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="usagerollup", name="dimension", field=models.CharField(max_length=10)
        ),
    ]
