"""The prices that admins set."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from providers.model_names import PlainNameField
from providers.registry import provider_choices
from providers.revision import RoutedModel, RoutedQuerySet


class ModelPrice(RoutedModel):
    """A price the admin sets for a model, in USD per million tokens. Wins over the shipped price list.

    Needed for models the list does not know, for negotiated prices, and to say that a server of one's own is
    free (zeros). Cache reads and writes without a price of their own cost what the input costs; writes that
    are kept for an hour have no price without one. `model_name` is kept as `plain_name` has it.
    """

    provider_type = models.CharField(max_length=20, choices=provider_choices)
    model_name = PlainNameField(
        max_length=200,
        help_text="As configured, or as the vendor reports it; without a date it is for all of its dates.",
    )
    input_mtok = models.DecimalField(max_digits=18, decimal_places=9)
    output_mtok = models.DecimalField(max_digits=18, decimal_places=9)
    cache_read_mtok = models.DecimalField(
        max_digits=18, decimal_places=9, null=True, blank=True, help_text="Empty means the input price."
    )
    cache_write_mtok = models.DecimalField(
        max_digits=18, decimal_places=9, null=True, blank=True, help_text="Empty means the input price."
    )
    cache_write_1h_mtok = models.DecimalField(
        "cache write 1 h mtok",
        max_digits=18,
        decimal_places=9,
        null=True,
        blank=True,
        help_text="For input kept an hour. Empty means that the cost of such a call is not known.",
    )
    note = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoutedQuerySet["ModelPrice"].as_manager()

    class Meta:
        db_table = "model_prices"
        verbose_name = "model price"
        constraints = [
            models.UniqueConstraint(
                fields=["provider_type", "model_name"], name="model_prices_one_per_model"
            ),
            models.CheckConstraint(
                condition=Q(input_mtok__gte=0, output_mtok__gte=0)
                & (Q(cache_read_mtok=None) | Q(cache_read_mtok__gte=0))
                & (Q(cache_write_mtok=None) | Q(cache_write_mtok__gte=0))
                & (Q(cache_write_1h_mtok=None) | Q(cache_write_1h_mtok__gte=0)),
                name="model_prices_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_type} {self.model_name}"
