"""Counts for Prometheus: where they are asked for, by whom, and what is read from the shared state then.

The counts themselves are made in `usage.metrics`.
"""

from __future__ import annotations

from django.conf import settings

from usage.metrics import observers, process_group
from usage.metrics.prometheus import PrometheusObserver

_counting: PrometheusObserver | None = None


def begin() -> None:
    """Count from now on, if the settings say so. Before any fork: what is forked belongs to this group."""
    global _counting  # noqa: PLW0603 - one a process, like what it counts
    if settings.METRICS_ENABLED and _counting is None:
        _counting = PrometheusObserver(process_group.folder_of_group(settings.METRICS_DIR))
        observers.add(_counting)


def counting() -> PrometheusObserver | None:
    """What counts in this process; None where nothing does."""
    return _counting
