from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"
    default = True


class ConsoleConfig(admin_apps.AdminConfig):
    """Django admin with our site behind `django.contrib.admin.site`."""

    default = False
    default_site = "accounts.console.site.ConsoleSite"
