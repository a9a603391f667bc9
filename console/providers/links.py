"""Addresses of pages that the apps above this one may have registered."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def statistics_url(config_id: int | str, panel: str = "") -> str:
    """This provider's statistics, at a panel if it is named; its usage rows where no statistics page is
    installed; else empty."""
    for name, parameter in (
        ("admin:usage_statistics", "provider"),
        ("admin:usage_aiproviderusagelog_changelist", "provider_config__id__exact"),
    ):
        try:
            return f"{reverse(name)}?{parameter}={config_id}{f'#panel-{panel}' if panel else ''}"
        except NoReverseMatch:
            continue
    return ""
