"""Columns for limits that a plan and a provider both have."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.expressions import Combinable


def cost_limit(name: str) -> "models.DecimalField[Decimal | float | str | Combinable | None, Decimal | None]":
    """A limit in USD, to a hundredth of a cent; null means no limit. `name` is what forms call it."""
    return models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)],
        verbose_name=name,
    )  # fmt: skip
