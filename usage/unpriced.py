"""Which models are in use although nobody knows their price."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from providers.models import AIProviderConfig
from usage import stats
from usage.pricing import ordinary_price, overrides_for

# Models that were called within so many days are in use, beside those that are configured.
DAYS = 7


def models_without_price(*, active: Iterable[AIProviderConfig], now: datetime) -> list[tuple[str, str, int]]:
    """Provider type, model and the calls of DAYS days whose cost is unknown, in this order, of each model
    that one of the `active` configs names or that had such calls, and that has no price now."""
    models: dict[str, dict[str, int]] = {}
    for config in active:
        for name in {config.model_name, config.quality_model_name} - {""}:
            models.setdefault(config.provider_type, {})[name] = 0
    for row in stats.breakdown(period=stats.Period.last_days(DAYS, now=now), by="model"):
        provider_type, _, model = row.key.partition("/")
        if row.figures.unpriced_calls and model:
            models.setdefault(provider_type, {})[model] = row.figures.unpriced_calls
    found: list[tuple[str, str, int]] = []
    for provider_type, calls in sorted(models.items()):
        overrides = overrides_for(provider_type=provider_type, model_names=calls)
        for model in sorted(calls):
            known = ordinary_price(provider_type=provider_type, model_name=model, at=now, overrides=overrides)
            if known is None:
                found.append((provider_type, model, calls[model]))
    return found
