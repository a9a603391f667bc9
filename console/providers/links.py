"""Addresses of pages that the apps above this one may have registered."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def statistics_url(config_id: int | str) -> str:
    """This provider's statistics; its usage rows where no statistics page is installed; else empty."""
    for name, parameter in (
        ("admin:usage_statistics", "provider"),
        ("admin:usage_aiproviderusagelog_changelist", "provider_config__id__exact"),
    ):
        try:
            return f"{reverse(name)}?{parameter}={config_id}"
        except NoReverseMatch:
            continue
    return ""
