"""The page of every known price: the shipped list beside the admin's own rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from providers.models import AIProviderConfig
from usage.price_list import fits, known_prices, list_version, vendor_of, vendors
from usage.unpriced import models_without_price

ON_A_PAGE = 100


@require_safe
def price_list(request: HttpRequest) -> HttpResponse:
    """GET ?q=&vendor=&page= → the lines that fit, a hundred at a time."""
    if not request.user.has_perm("usage.view_modelprice"):
        raise PermissionDenied
    search, vendor = request.GET.get("q", "")[:100], request.GET.get("vendor", "")
    now = timezone.now()
    page = Paginator(known_prices(search=search, vendor=vendor), ON_A_PAGE).get_page(request.GET.get("page"))
    lacking = _without_price(search, vendor, now) if page.number == 1 else []
    context = {
        **admin.site.each_context(request),
        "title": "Price list",
        "page": page,
        "lines": [(line, line.is_over(now)) for line in page],
        "lacking": lacking,
        "vendors": vendors(),
        "search": search,
        "vendor": vendor,
        "version": list_version(),
    }
    return TemplateResponse(request, "console/usage/price_list.html", context)


def _without_price(search: str, vendor: str, now: datetime) -> list[dict[str, Any]]:
    """Models in use of which no price is known, as far as the search lets them through; `link` leads to the
    form for one."""
    active = AIProviderConfig.objects.filter(is_active=True).defer("api_key_encrypted")
    found: list[dict[str, Any]] = []
    for provider_type, model, calls in models_without_price(active=active, now=now):
        of = vendor_of(provider_type)
        if fits(model, of, search=search, vendor=vendor):
            given = QueryDict(mutable=True)
            given.update({"provider_type": provider_type, "model_name": model})
            link = f"{reverse('admin:usage_modelprice_add')}?{given.urlencode()}"
            found.append({"model": model, "vendor": of, "calls": calls, "link": link})
    return found
