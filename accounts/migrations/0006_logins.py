import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_kept_quota_windows'),
    ]

    operations = [
        # Families of tokens took the place of this library's tables. A row there would keep its user from
        # being deleted, and each held a token in clear.
        migrations.RunSQL(
            [
                "DROP TABLE IF EXISTS token_blacklist_blacklistedtoken",
                "DROP TABLE IF EXISTS token_blacklist_outstandingtoken",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name='LoginTurn',
            fields=[
                ('pair', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('token', models.CharField(max_length=32)),
                ('held_until', models.DateTimeField(db_index=True)),
            ],
            options={
                'db_table': 'login_turns',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TokenFamily',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('good_token', models.CharField(max_length=64)),
                ('verified_at', models.BigIntegerField(null=True)),
                ('started_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'token_families',
                'default_permissions': (),
            },
        ),
    ]
