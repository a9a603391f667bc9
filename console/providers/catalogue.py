"""What the provider form shows beside its fields and cannot know itself: prices, and what was used today.

Two JSON answers for the console, registered in the project's urls behind the admin site's door.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from genai_prices.data_snapshot import get_snapshot

from console.templatetags.console import per_mtok
from providers.capabilities.facts import UNKNOWN, Capabilities, CapabilityMatrix
from providers.capabilities.matrix import load_matrix, retired_models
from providers.model_names import plain_name
from providers.models import AIProviderConfig, ModelCapability
from providers.registry import PROVIDER_TYPES
from usage.ledger.limits import amount_in
from usage.models import ModelPrice
from usage.pricing import Overrides, ordinary_price, overrides_of
from usage.stats.quotas import QuotaStatus, provider_status


def model_catalogue(request: HttpRequest) -> JsonResponse:
    """GET ?provider_type= or ?provider_config= → {"models": […]}: the vendor's models whose abilities
    Aditus knows, and those that the admin set a price for, each with its price in USD per million tokens as
    text (null: not known)."""
    _viewers_only(request)
    provider_type = request.GET.get("provider_type", "") or _type_of(request.GET.get("provider_config", ""))
    rows = ModelPrice.objects.filter(provider_type=provider_type)
    overrides = overrides_of(rows)
    matrix, retired = load_matrix(), retired_models(provider_type)
    names = _known_models(provider_type, matrix) | {name for _, name in overrides}
    models = [
        _entry(provider_type, name, overrides)
        | _abilities(matrix.of(provider_type, name))
        | {"is_retired": plain_name(name) in retired}
        for name in sorted(names)
    ]
    return JsonResponse({"models": models})


def _type_of(config_id: str) -> str:
    """Of a provider by its id; empty for what is none."""
    if not config_id.isdecimal() or len(config_id) > 18:
        return ""
    found = AIProviderConfig.objects.filter(pk=int(config_id)).values_list("provider_type", flat=True)
    return found.first() or ""


def provider_use(request: HttpRequest, config_id: int) -> JsonResponse:
    """GET → {"windows": […]}: what this provider took today and this month (UTC), tokens with their limit or
    null, and USD (as text) where there is a cap."""
    _viewers_only(request)
    config = get_object_or_404(AIProviderConfig, pk=config_id)
    statuses = provider_status(configs=[config], now=timezone.now())[config.pk]
    return JsonResponse({"windows": [_window(status) for status in statuses]})


def _window(status: QuotaStatus) -> dict[str, Any]:
    quota = status.quota
    return {
        "unit": quota.unit,
        "window": quota.period,
        "used": amount_in(quota.unit, status.used),
        "reserved": amount_in(quota.unit, status.reserved),
        "limit": amount_in(quota.unit, status.limit),
        "resets_at": quota.resets_at.isoformat(),
    }


def _viewers_only(request: HttpRequest) -> None:
    if not request.user.has_perm("providers.view_aiproviderconfig"):
        raise PermissionDenied


def _known_models(provider_type: str, matrix: CapabilityMatrix) -> set[str]:
    """Those of the price list and of the vendor's own list of which something is known."""
    kind = PROVIDER_TYPES.get(provider_type)
    names = {
        model.id
        for vendor in get_snapshot().providers
        if kind and vendor.id == kind.price_id
        for model in vendor.models
        if not model.deprecated
    }
    rows = ModelCapability.objects.filter(provider_type=provider_type)
    names |= set(rows.values_list("model_name", flat=True))
    return {name for name in names if matrix.of(provider_type, name) != UNKNOWN}


def _entry(provider_type: str, name: str, overrides: Overrides) -> dict[str, Any]:
    price = ordinary_price(
        provider_type=provider_type, model_name=name, at=timezone.now(), overrides=overrides
    )
    prices = price.unit_prices if price else {}
    return {
        "name": name,
        "input_mtok": per_mtok(prices.get("input_mtok")) or None,
        "output_mtok": per_mtok(prices.get("output_mtok")) or None,
    }


def _abilities(can: Capabilities) -> dict[str, Any]:
    return {
        "vision": can.vision,
        "structured_output": can.structured_output,
        "context_window": can.context_window,
        "max_output_tokens": can.max_output_tokens,
    }
