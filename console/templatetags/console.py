"""How the console writes figures and times."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, in its largest unit: "3 hours ago"."""
    now = timezone.now()
    if (now - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, now, depth=1)} ago"


@register.filter
def grouped(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


@register.filter
def dollars(amount: Decimal) -> str:
    """Two places; four below a cent, so that small sums do not read as nothing."""
    if 0 < amount < Decimal("0.01"):
        return "<0.0001" if amount < Decimal("0.0001") else f"{amount:.4f}"
    return f"{amount:,.2f}"


@register.filter
def percent(share: float) -> str:
    """0.0425 as 4.2 %; below one in a thousand, not nothing."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.1%}"
