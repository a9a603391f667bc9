"""A column that says with which personal access token a call was made; null for all existing rows, which are not
rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0012_ledger_verifies")]

    operations = [
        migrations.AddField(
            model_name="aiproviderusagelog",
            name="personal_token",
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
    ]
