"""What of its days and months an account takes along to another time zone. Nobody has moved yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_routing_and_limits")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="kept_quota_windows",
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
    ]
