"""Prices by date, by service tier and by the size of the input, and ceilings for models without a price. Existing
rows stay what they are: prices from the beginning, for any tier and any size. The table is small, and columns
with a default of the database are added without rewriting it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0016_moved_records'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='modelprice',
            name='model_prices_one_per_model',
        ),
        migrations.AddField(
            model_name='modelprice',
            name='is_ceiling',
            field=models.BooleanField(db_default=False, default=False, help_text='Not a price, but the most it can be: calls under a cap in USD hold so much, and their cost stays unknown. Without one, a model without a price is not used under a cap.', verbose_name='price ceiling'),
        ),
        migrations.AddField(
            model_name='modelprice',
            name='over_input_tokens',
            field=models.PositiveBigIntegerField(blank=True, db_default=0, default=0, help_text='For calls with more input than this, where long input has a price of its own. 0: for all.'),
        ),
        migrations.AddField(
            model_name='modelprice',
            name='service_tier',
            field=models.CharField(blank=True, db_default='', default='', help_text="The vendor's word, such as batch, flex or priority. Empty: for any that has no row.", max_length=30),
        ),
        migrations.AddField(
            model_name='modelprice',
            name='valid_from',
            field=models.DateTimeField(blank=True, help_text='For calls made from then on. Empty: for earlier ones, too.', null=True),
        ),
        migrations.AddField(
            model_name='modelprice',
            name='valid_until',
            field=models.DateTimeField(blank=True, help_text='For calls made before then. Empty: until another begins.', null=True),
        ),
        migrations.AddConstraint(
            model_name='modelprice',
            constraint=models.UniqueConstraint(fields=('provider_type', 'model_name', 'service_tier', 'over_input_tokens', 'is_ceiling', 'valid_from'), name='model_prices_one_from_a_moment', violation_error_message='There is a price for this that holds from the same moment.'),
        ),
        migrations.AddConstraint(
            model_name='modelprice',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_from', None)), fields=('provider_type', 'model_name', 'service_tier', 'over_input_tokens', 'is_ceiling'), name='model_prices_one_from_the_beginning', violation_error_message='There is a price for this that holds from the beginning: say from when this one holds, or change that one.'),
        ),
        migrations.AddConstraint(
            model_name='modelprice',
            constraint=models.CheckConstraint(condition=models.Q(('valid_from', None), ('valid_until', None), ('valid_until__gt', models.F('valid_from')), _connector='OR'), name='model_prices_end_after_beginning', violation_error_message='A price has to begin before it ends.'),
        ),
    ]
