"""What of the accounts a rule of retention can be about: who the calls were made for, never the calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.retention import Kind
from usage.alerts import records
from usage.models import AIProviderUsageLog, QuotaCounter, Status
from usage.stats.people import forget_before

# This month's quotas and the last month's figures are asked for by person, in whatever time zone.
_LEAST_DAYS = 62
_OF_PEOPLE = Q(scope__startswith="user") | Q(scope__startswith="task") | Q(scope__startswith="access_token")


def _midnight(before: datetime) -> datetime:
    # By whole days, as the rollups are kept by person.
    return before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _rows_with_somebody(before: datetime) -> QuerySet[Any]:
    has_somebody = Q(user__isnull=False) | Q(personal_token__isnull=False)
    rows = AIProviderUsageLog.objects.filter(has_somebody, created_at__lt=_midnight(before))
    return rows.exclude(status=Status.STARTED)


def _sums_of_people(before: datetime) -> int:
    return forget_before(_midnight(before))


def _without_anybody(rows: QuerySet[Any]) -> None:
    # The names of the counters have the person's number in them, and are of use to open rows only.
    rows.update(user=None, personal_token=None, quota_keys=[])


def _counters(before: datetime) -> QuerySet[Any]:
    day = Q(window__startswith="day:", window__lt=f"day:{before:%Y-%m-%d}")
    month = Q(window__startswith="month:", window__lt=f"month:{before:%Y-%m}")
    return QuotaCounter.objects.filter(_OF_PEOPLE, day | month, reserved=0)


KINDS = (
    Kind(
        "usage_people", "Usage rows: for whom a call was made", _rows_with_somebody, _without_anybody,
        least_days=_LEAST_DAYS, forget_sums=_sums_of_people,
    ),
    Kind(
        "alert_people", "Alerts: who did what about them, and their notes", records.events_of_people,
        records.forget_people, least_days=30,
    ),
    Kind("quota_counters", "Quota counters of people, of past periods", _counters, least_days=_LEAST_DAYS),
)  # fmt: skip
