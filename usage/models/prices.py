"""The prices that admins set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from providers.model_names import PlainNameField
from providers.registry import provider_choices
from providers.revision import RoutedModel, RoutedQuerySet

# What a price is for; prices of the same follow each other in time.
_SERIES = ["provider_type", "model_name", "service_tier", "over_input_tokens", "is_ceiling"]
# The tier that a price list's own prices are for, and the vendors' other words for it.
STANDARD_TIER = "standard"
_STANDARD_WORDS = frozenset({"", STANDARD_TIER, "default", "auto", "on_demand", "unspecified"})


def plain_tier(word: str) -> str:
    """A vendor's word for a service tier as prices know it: in lower case, the ordinary one by one name."""
    tier = word.strip().lower()
    return STANDARD_TIER if tier in _STANDARD_WORDS else tier


class ModelPrice(RoutedModel):
    """A price the admin sets for a model, in USD per million tokens. Wins over the shipped price list.

    Needed for models the list does not know, for negotiated prices, and to say that a server of one's own is
    free (zeros). Cache reads and writes without a price of their own cost what the input costs; writes that
    are kept for an hour have no price without one. `model_name` is kept as `plain_name` has it.

    A row holds for calls made from `valid_from` up to but not at `valid_until`, of `service_tier` (empty: of
    any) and with more than `over_input_tokens` tokens of input (0: of any size). With `is_ceiling` it is no
    price but the most that one can be: what a cap in USD holds for a call whose price is not known.
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
    service_tier = models.CharField(
        max_length=30,
        blank=True,
        default="",
        db_default="",
        help_text="The vendor's word, such as batch, flex or priority. Empty: for any that has no row.",
    )
    over_input_tokens = models.PositiveBigIntegerField(
        blank=True,
        default=0,
        db_default=0,
        help_text="For calls with more input than this, where long input has a price of its own. 0: for all.",
    )
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text="For calls made from then on. Empty: for earlier ones, too."
    )
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="For calls made before then. Empty: until another begins."
    )
    is_ceiling = models.BooleanField(
        "price ceiling",
        default=False,
        db_default=False,
        help_text="Not a price, but the most it can be: calls under a cap in USD hold so much, and their "
        "cost stays unknown. Without one, a model without a price is not used under a cap.",
    )
    note = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoutedQuerySet["ModelPrice"].as_manager()

    class Meta:
        db_table = "model_prices"
        verbose_name = "model price"
        constraints = [
            models.UniqueConstraint(
                fields=[*_SERIES, "valid_from"],
                name="model_prices_one_from_a_moment",
                violation_error_message="There is a price for this that holds from the same moment.",
            ),
            models.UniqueConstraint(
                fields=_SERIES,
                condition=Q(valid_from=None),
                name="model_prices_one_from_the_beginning",
                violation_error_message="There is a price for this that holds from the beginning: say from "
                "when this one holds, or change that one.",
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                name="model_prices_end_after_beginning",
                violation_error_message="A price has to begin before it ends.",
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

    def clean(self) -> None:
        super().clean()
        self._put_plainly()
        if self.is_ceiling and not (self.input_mtok and self.output_mtok):
            raise ValidationError("A ceiling of 0 would hold nothing. Set the most that the model can cost.")

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._put_plainly()
        super().save(*args, **kwargs)

    def _put_plainly(self) -> None:
        self.over_input_tokens = self.over_input_tokens or 0
        self.service_tier = plain_tier(self.service_tier) if self.service_tier.strip() else ""

    def holds_at(self, moment: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_until is None or moment < self.valid_until
        )
