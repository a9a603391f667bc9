"""The dashboard, the statistics page, and the JSON and CSV behind their panels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.audit import Actor, record_alone
from console.choices import zones
from console.csv_export import as_csv
from console.home import home_of, verdict
from console.panel import Panel
from console.usage.panels import MOST_ROWS, PANELS
from console.usage.price_list import price_list
from console.usage.recommendations import propose_experiment, recommendations
from console.usage.selection import Selection
from providers.models import AIProviderConfig
from usage.replica import figures_as_of, read_figures
from usage.stats import InvalidPeriod, Period
from usage.stats.period import zone_of

DEFAULT_DAYS = 30
PRESETS = ((1, "Today"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "A year"))
_ZONE = "statistics_zone"
# What holds right now: these judge, and what they find may be acted upon.
_OF_NOW = ("health", "quotas", "limits")

HOME = ("summary", "over-time", "providers", "health", "forecast", "limits", "quotas")
STATISTICS = (
    "summary", "comparison", "over-time", "forecast", "errors", "providers", "models", "tasks", "prompts",
    "statuses", "plans", "users", "margins", "user-margins", "quotas", "limits",
)  # fmt: skip
OF_ONE_PROVIDER = (
    "summary",
    "comparison",
    "over-time",
    "forecast",
    "errors",
    "models",
    "tasks",
    "prompts",
    "statuses",
    "plans",
    "users",
)


def urls() -> list[URLPattern]:
    """What the console's site adds to its own addresses."""
    wrap = admin.site.admin_view
    return [
        path("verdict/", wrap(verdict), name="home_verdict"),
        path("statistics/", wrap(statistics), name="usage_statistics"),
        path("recommendations/", wrap(recommendations), name="usage_recommendations"),
        path("recommendations/experiment/", wrap(propose_experiment), name="usage_propose_experiment"),
        path("price-list/", wrap(price_list), name="usage_price_list"),
        path("statistics/<slug:name>.json", wrap(panel_json), name="usage_panel"),
        path("statistics/<slug:name>.csv", wrap(panel_csv), name="usage_panel_csv"),
    ]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK: the console's home."""
    if not _may_look(request):
        return context
    return {**context, "title": "Home", **home_of(request, now=timezone.now()), **_page(request, HOME)}


def statistics(request: HttpRequest) -> HttpResponse:
    """GET ?provider=&from=&to=&tz= → the statistics of all providers or of one."""
    _viewers_only(request)
    config = _provider(request)
    context = {
        **admin.site.each_context(request),
        "title": f"Statistics of {config}" if config else "Statistics",
        "config": config,
        **_page(request, OF_ONE_PROVIDER if config else STATISTICS),
    }
    return TemplateResponse(request, "console/usage/statistics.html", context)


def panel_json(request: HttpRequest, name: str) -> JsonResponse:
    """GET → one panel; 422 for a period that is not valid."""
    _viewers_only(request)
    try:
        panel = _panel(request, name)
    except InvalidPeriod as error:
        return JsonResponse({"error": error.message}, status=error.status)
    return JsonResponse(as_json(panel))


def _leads_to(panel: Panel) -> dict[str, str]:
    """Where an empty panel sends whoever looks at it."""
    title, link = panel.leads_to or ("Try a provider", reverse("admin:providers_aiproviderconfig_changelist"))
    return {"title": title, "link": link}


def as_json(panel: Panel) -> dict[str, Any]:
    """What statistics.js draws a panel from; a table that is not a series is cut to MOST_ROWS rows."""
    is_series = panel.columns[0].key == "start"
    shown = panel.rows if is_series else panel.rows[:MOST_ROWS]
    return {
        "title": panel.title,
        "note": panel.note,
        "empty": panel.empty,
        "leads_to": _leads_to(panel),
        "columns": [
            {"key": column.key, "label": column.label, "kind": column.kind} for column in panel.columns
        ],
        "rows": [[_plain(value) for value in row] for row in shown],
        "links": panel.links[: len(shown)],
        "left_out": len(panel.rows) - len(shown),
        "charts": [
            {
                "title": chart.title,
                "columns": chart.columns,
                "tones": chart.tones,
                "shape": chart.shape,
                "kind": chart.kind,
            }
            for chart in panel.charts
        ],
    }


def panel_csv(request: HttpRequest, name: str) -> HttpResponse:
    """GET → the whole table as a file; who took it is in the audit trail."""
    _viewers_only(request)
    try:
        text = as_csv(_panel(request, name))
    except InvalidPeriod as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain; charset=utf-8")
    asked = {key: request.GET[key][:50] for key in ("provider", "from", "to", "tz") if request.GET.get(key)}
    record_alone(
        action="statistics.exported",
        actor=Actor.of_request(request),
        target_label=name,
        changes={key: [None, value] for key, value in asked.items()},
    )
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _panel(request: HttpRequest, name: str) -> Panel:
    if name not in PANELS:
        raise Http404
    config = _provider(request)
    selection = Selection(_period(request), config.pk if config else None, timezone.now())
    if name in _OF_NOW:
        return PANELS[name](selection)
    return read_figures(lambda: _dated(PANELS[name](selection)))


def _dated(panel: Panel) -> Panel:
    """The panel, which says as of when it is if the replica gave its figures."""
    as_of = figures_as_of()
    if as_of is None:
        return panel
    said = f"As of {as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, from the read replica."
    return replace(panel, note=f"{panel.note} {said}".strip())


def _plain(value: Any) -> Any:
    # A cost keeps its digits as text; as a number it would lose some.
    return f"{value:f}" if isinstance(value, Decimal) else value


def _page(request: HttpRequest, names: tuple[str, ...]) -> dict[str, Any]:
    """What the templates need: the form's values, and where each panel is to be fetched."""
    try:
        period, problem = _period(request), ""
    except InvalidPeriod as error:
        period, problem = _days(DEFAULT_DAYS, "UTC"), error.message
    request.session[_ZONE] = period.zone.key
    today = timezone.now().astimezone(period.zone).date()
    last = period.end.astimezone(period.zone).date() - timedelta(days=1)
    chosen = {
        "from": period.start.astimezone(period.zone).date().isoformat(),
        "to": last.isoformat(),
        "tz": period.zone.key,
        "provider": request.GET.get("provider", ""),
    }
    return {
        "problem": problem,
        "chosen": chosen,
        "zones": zones(),
        "providers": AIProviderConfig.objects.defer("api_key_encrypted"),
        "presets": [
            (
                label,
                {**chosen, "from": (today - timedelta(days=days - 1)).isoformat(), "to": today.isoformat()},
            )
            for days, label in PRESETS
        ],
        "panels": [
            {
                "name": name,
                "json": reverse("admin:usage_panel", args=[name]),
                "csv": reverse("admin:usage_panel_csv", args=[name]),
            }
            for name in names
        ],
    }


def _period(request: HttpRequest) -> Period:
    """The local days asked for; the last 30 where none were. The zone is remembered for the session."""
    zone = request.GET.get("tz") or request.session.get(_ZONE) or timezone.get_default_timezone_name()
    first, last = request.GET.get("from"), request.GET.get("to")
    if not first and not last:
        return _days(DEFAULT_DAYS, zone)
    try:
        return Period.of_dates(
            first=date.fromisoformat(first or ""), last=date.fromisoformat(last or ""), tz=zone
        )
    except ValueError:
        raise InvalidPeriod("Give both days as year-month-day, such as 2026-11-21.") from None


def _days(days: int, zone: str) -> Period:
    today = timezone.now().astimezone(zone_of(zone)).date()
    return Period.of_dates(first=today - timedelta(days=days - 1), last=today, tz=zone)


def _provider(request: HttpRequest) -> AIProviderConfig | None:
    asked = request.GET.get("provider", "")
    if not asked:
        return None
    config = (
        AIProviderConfig.objects.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None
    )
    if config is None:
        raise Http404("There is no such provider.")
    return config


def _may_look(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("usage.view_aiproviderusagelog"))


def _viewers_only(request: HttpRequest) -> None:
    if not _may_look(request):
        raise PermissionDenied
