"""The secret of an authenticator has the type of everything sealed. The column stays as it is, and so do its rows.
"""

import accounts.models.sealed
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_retention_rules")]

    operations = [
        migrations.AlterField(
            model_name="authenticator",
            name="sealed_secret",
            field=accounts.models.sealed.SealedField(editable=False),
        ),
    ]
