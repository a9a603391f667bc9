"""The API keys page: every key's state on a compact card, and a new key put in its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.step_up import require_fresh
from console.providers.actions import way_back
from console.providers.figures import with_last_use
from console.providers.forms import RotateKeyForm
from console.providers.links import statistics_url
from providers.adapters.credential_check import CredentialCheck
from providers.configs import changes
from providers.credentials import trials
from providers.health import KeyState, key_state
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES

PAGE_SIZE = 24
# Keys that need somebody come first.
_ORDER = {"bad": 0, "warning": 1, "quiet": 2, "good": 3}


@dataclass(frozen=True, slots=True)
class KeyCard:
    """What one card shows."""

    config: AIProviderConfig
    vendor: str
    colour: str
    key: KeyState
    age_days: int
    last_used_at: datetime | None
    statistics_url: str


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """GET: the cards, those that need somebody first. `?q=` searches name, model and vendor."""
    if not request.user.has_perm("providers.view_aiproviderconfig"):
        raise PermissionDenied
    query = request.GET.get("q", "").strip()
    cards = _cards(query, now=timezone.now())
    shown = Paginator(cards, PAGE_SIZE).get_page(request.GET.get("p"))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "API keys",
        "page": shown,
        "query": query,
        "can_change": request.user.has_perm("providers.change_aiproviderconfig"),
    }
    return render(request, "console/providers/api_keys.html", context)


@require_POST
def rotate(request: HttpRequest, config_id: int) -> HttpResponse:
    """POST a new key for this provider. It is stored when the vendor accepts it, or cannot be reached and the
    person ticked that; otherwise the old key stays, and so does the address, which changes with the key only.
    Asks for a fresh second factor."""
    if not request.user.has_perm("providers.change_aiproviderconfig"):
        raise PermissionDenied
    require_fresh(request)
    config = AIProviderConfig.objects.filter(pk=config_id).first()
    if config is None:
        raise Http404
    form = RotateKeyForm(request.POST)
    try:
        if not form.is_valid():
            raise changes.UnusableKey(_complaint_of(form))
        check = _replace(request, config, form.cleaned_data)
    except DomainError as error:
        messages.error(request, f"{config}: {error.message}")
    else:
        has_key = bool(form.cleaned_data["api_key"])
        messages.success(request, f"{config} has a new {'key' if has_key else 'address'}.")
        if check.tone != "good":
            messages.warning(request, f"{config}: {check.message}")
    back = f"{reverse('api_keys')}#key-{config.pk}"
    return HttpResponseRedirect(way_back(request) if "next" in request.POST else back)


def _complaint_of(form: RotateKeyForm) -> str:
    if "base_url" in form.errors:
        return " ".join(map(str, form.errors["base_url"]))
    return "Enter the new key, and the expiry as a date or not at all."


def _replace(request: HttpRequest, config: AIProviderConfig, typed: dict[str, Any]) -> CredentialCheck:
    actor = Actor.of_request(request)
    # The card of the API keys page has no field for the address.
    base_url = typed["base_url"] if "base_url" in request.POST else config.base_url
    moves = base_url != config.base_url
    if not typed["api_key"] and (not moves or changes.has_key(config)):
        raise changes.KeyNeeded if moves else changes.UnusableKey("Enter the new key.")
    check = trials.check_for_saving(
        actor=actor,
        provider_type=config.provider_type,
        api_key=typed["api_key"],
        base_url=base_url,
        model_name=config.model_name,
        timeout=config.timeout,
        config_id=config.pk,
        save_anyway=typed["save_anyway"],
    )
    expires = typed["key_expires_on"]
    changes.rotate_key(
        actor=actor,
        config_id=config.pk,
        api_key=typed["api_key"],
        # The key still works on the day that is named.
        key_expires_at=datetime.combine(expires, time.max, UTC) if expires else None,
        base_url=base_url if moves else None,
        check=check,
        checked_base_url=base_url,
    )
    return check


def _cards(query: str, *, now: datetime) -> list[KeyCard]:
    configs = AIProviderConfig.objects.all()
    if query:
        vendors = [kind.slug for kind in PROVIDER_TYPES.values() if query.lower() in kind.label.lower()]
        named = Q(display_name__icontains=query) | Q(model_name__icontains=query)
        configs = configs.filter(named | Q(provider_type__in=vendors))
    cards = [_card(config, now=now) for config in with_last_use(configs)]
    return sorted(cards, key=lambda card: (_ORDER[card.key.tone], str(card.config).lower()))


def _card(config: Any, *, now: datetime) -> KeyCard:
    kind = PROVIDER_TYPES[config.provider_type]
    return KeyCard(
        config=config,
        vendor=kind.label,
        colour=kind.colour,
        key=key_state(config, now=now),
        age_days=(now - config.key_set_at).days,
        last_used_at=config.last_used_at,
        statistics_url=statistics_url(config.pk),
    )
