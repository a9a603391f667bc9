"""The model that a vendor says answered, and input that it keeps for an hour, which has a price of its own.
Existing rows stay as they are: nothing of the kind was recorded of them."""


from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0005_model_capabilities'),
        ('usage', '0008_plain_price_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='modelprice',
            name='model_prices_not_negative',
        ),
        migrations.AddField(
            model_name='aiproviderusagelog',
            name='cache_write_1h_tokens',
            field=models.BigIntegerField(db_default=0, default=0, help_text='The part of what was written to the cache that is kept an hour.'),
        ),
        migrations.AddField(
            model_name='aiproviderusagelog',
            name='reported_model',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='modelprice',
            name='cache_write_1h_mtok',
            field=models.DecimalField(blank=True, decimal_places=9, help_text='For input kept an hour. Empty means that the cost of such a call is not known.', max_digits=18, null=True, verbose_name='cache write 1 h mtok'),
        ),
        migrations.AddField(
            model_name='workrollup',
            name='cache_write_1h_tokens',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name='modelprice',
            constraint=models.CheckConstraint(condition=models.Q(('input_mtok__gte', 0), ('output_mtok__gte', 0), models.Q(('cache_read_mtok', None), ('cache_read_mtok__gte', 0), _connector='OR'), models.Q(('cache_write_mtok', None), ('cache_write_mtok__gte', 0), _connector='OR'), models.Q(('cache_write_1h_mtok', None), ('cache_write_1h_mtok__gte', 0), _connector='OR')), name='model_prices_not_negative'),
        ),
    ]
