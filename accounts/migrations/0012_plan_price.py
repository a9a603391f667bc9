"""What a plan costs a month. Existing plans get null: not known."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_token_stamp'),
    ]

    operations = [
        migrations.AddField(
            model_name='plan',
            name='monthly_price_usd',
            field=models.DecimalField(blank=True, decimal_places=2, help_text="What a user pays, of a year's price a twelfth. 0 is free; empty is not known.", max_digits=10, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='price a month (USD)'),
        ),
    ]
