"""The page of every known price: the shipped list beside the admin's own rows."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from usage.price_list import known_prices, list_version, vendors

ON_A_PAGE = 100


@require_safe
def price_list(request: HttpRequest) -> HttpResponse:
    """GET ?q=&vendor=&page= → the lines that fit, a hundred at a time."""
    if not request.user.has_perm("usage.view_modelprice"):
        raise PermissionDenied
    search, vendor = request.GET.get("q", "")[:100], request.GET.get("vendor", "")
    now = timezone.now()
    page = Paginator(known_prices(search=search, vendor=vendor), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Price list",
        "page": page,
        "lines": [(line, line.is_over(now)) for line in page],
        "vendors": vendors(),
        "search": search,
        "vendor": vendor,
        "version": list_version(),
    }
    return TemplateResponse(request, "console/usage/price_list.html", context)
