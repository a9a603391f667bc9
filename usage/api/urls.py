from django.urls import path

from usage.api.alerts import (
    AcknowledgeView,
    AlertsView,
    AlertView,
    MuteView,
    ProviderAlertsView,
    ResolveView,
    UnmuteView,
)
from usage.api.attention import RecommendationsView
from usage.api.costs import CostsView, ForecastView, MarginsView
from usage.api.me import MeView, MyUsageView
from usage.api.statistics import StatsView, TimeseriesView

_PROVIDERS = "super-admin/providers"
_ALERT = "super-admin/alerts/<int:alert_id>"

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("me/usage", MyUsageView.as_view(), name="me-usage"),
    path(f"{_PROVIDERS}/usage/stats", StatsView.as_view(), name="provider-usage-stats"),
    path(f"{_PROVIDERS}/usage/timeseries", TimeseriesView.as_view(), name="provider-usage-timeseries"),
    path(f"{_PROVIDERS}/usage/costs", CostsView.as_view(), name="provider-usage-costs"),
    path(f"{_PROVIDERS}/usage/margins", MarginsView.as_view(), name="provider-usage-margins"),
    path(f"{_PROVIDERS}/usage/forecast", ForecastView.as_view(), name="provider-usage-forecast"),
    path(f"{_PROVIDERS}/alerts", ProviderAlertsView.as_view(), name="provider-alerts"),
    path(f"{_PROVIDERS}/recommendations", RecommendationsView.as_view(), name="provider-recommendations"),
    path("super-admin/alerts", AlertsView.as_view(), name="alerts"),
    path(_ALERT, AlertView.as_view(), name="alert"),
    path(f"{_ALERT}/acknowledge", AcknowledgeView.as_view(), name="alert-acknowledge"),
    path(f"{_ALERT}/mute", MuteView.as_view(), name="alert-mute"),
    path(f"{_ALERT}/unmute", UnmuteView.as_view(), name="alert-unmute"),
    path(f"{_ALERT}/resolve", ResolveView.as_view(), name="alert-resolve"),
]
