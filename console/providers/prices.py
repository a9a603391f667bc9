"""What a provider's models cost: a section of its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from console.providers.sections import head_of
from providers.models import AIProviderConfig
from usage.models import ModelPrice
from usage.pricing import ORDINARY, Overrides, ordinary_price, overrides_of
from usage.unit_prices import override_in_force

if TYPE_CHECKING:
    from console.providers.config import AIProviderConfigAdmin

_LABELS = {
    "input_mtok": "Input",
    "output_mtok": "Output",
    "cache_read_mtok": "Cached input",
    "cache_write_mtok": "Cache write, 5 min",
    "cache_write_1h_mtok": "Cache write, 1 h",
}


@dataclass(frozen=True, slots=True)
class PricedModel:
    """`prices` in USD per million tokens as text, by class; empty when none is known. `override` is the
    admin's row that they are from, `ceiling` the one that stands in for them at a cap in USD."""

    name: str
    prices: dict[str, str]
    override: ModelPrice | None
    ceiling: ModelPrice | None


def page(model_admin: AIProviderConfigAdmin) -> Callable[..., HttpResponse]:
    """GET: the prices in force for the provider's models, and who says so."""

    @require_safe
    def view(request: HttpRequest, config_id: int) -> HttpResponse:
        config = model_admin.get_object(request, str(config_id))
        if config is None or not model_admin.has_view_or_change_permission(request, config):
            raise Http404
        context = {
            **admin.site.each_context(request),
            "title": str(config),
            "opts": model_admin.opts,
            "original": config,
            "head": head_of(config, "prices", now=timezone.now()),
            "models": prices_of(config),
        }
        return TemplateResponse(request, "console/providers/prices.html", context)

    return view


def prices_of(config: AIProviderConfig) -> list[PricedModel]:
    """Of each model of the provider (one query)."""
    overrides = overrides_of(ModelPrice.objects.filter(provider_type=config.provider_type))
    names = dict.fromkeys(filter(None, (config.model_name, config.quality_model_name)))
    return [_priced(config.provider_type, name, overrides, now=timezone.now()) for name in names]


def _priced(provider_type: str, name: str, overrides: Overrides, *, now: datetime) -> PricedModel:
    of_model: dict[str, Any] = {"provider_type": provider_type, "overrides": overrides, "at": now}
    price = ordinary_price(model_name=name, **of_model)
    unit_prices = price.unit_prices if price else {}
    size: dict[str, Any] = {"models": [name], "input_tokens": ORDINARY.input_tokens}
    is_ours = unit_prices.get("source") == "override"
    prices = {_LABELS.get(key, key): value for key, value in unit_prices.items() if key.endswith("_mtok")}
    return PricedModel(
        name=name,
        prices=prices,
        override=override_in_force(**of_model, **size) if is_ours else None,
        ceiling=None if prices else override_in_force(**of_model, **size, is_ceiling=True),
    )
