from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    name = "console"
    default = True

    def ready(self) -> None:
        from django.contrib import admin

        from accounts.leaving import forget_too
        from console import saved_views
        from console.usage import statistics

        forget_too(saved_views.forget)
        # The console's home is the dashboard; its panels come from settings.UNFOLD, "DASHBOARD_CALLBACK".
        admin.site.index_template = "console/usage/dashboard.html"
        # unfold's hook for pages that belong to no model.
        admin.site.extra_urls = statistics.urls  # type: ignore[attr-defined]


class AdminSiteConfig(admin_apps.AdminConfig):
    """Django admin with our site behind `django.contrib.admin.site`."""

    default = False
    default_site = "console.site.ConsoleSite"
