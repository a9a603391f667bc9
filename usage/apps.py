from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from django.urls import URLPattern


class UsageConfig(AppConfig):
    name = "usage"

    def ready(self) -> None:
        from django.contrib import admin

        from providers import figures
        from usage import console_figures

        figures.provide(console_figures.figures_of)
        # The console's home is the dashboard; its panels come from settings.UNFOLD, "DASHBOARD_CALLBACK".
        admin.site.index_template = "usage/dashboard.html"
        # unfold's hook for pages that belong to no model.
        admin.site.extra_urls = _pages  # type: ignore[attr-defined]


def _pages() -> "list[URLPattern]":
    from usage.admin import statistics

    return statistics.urls()
