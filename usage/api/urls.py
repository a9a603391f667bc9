from django.urls import path

from usage.api.attention import AlertsView, RecommendationsView
from usage.api.me import MeView, MyUsageView
from usage.api.statistics import StatsView, TimeseriesView

_PROVIDERS = "super-admin/providers"

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("me/usage", MyUsageView.as_view(), name="me-usage"),
    path(f"{_PROVIDERS}/usage/stats", StatsView.as_view(), name="provider-usage-stats"),
    path(f"{_PROVIDERS}/usage/timeseries", TimeseriesView.as_view(), name="provider-usage-timeseries"),
    path(f"{_PROVIDERS}/alerts", AlertsView.as_view(), name="provider-alerts"),
    path(f"{_PROVIDERS}/recommendations", RecommendationsView.as_view(), name="provider-recommendations"),
]
