"""When each provider is probed: seldom while calls succeed, often while something is wrong."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from orchestration.models import ProviderProbe
from providers.errors import ErrorKind
from providers.models import AIProviderConfig
from usage.models import AIProviderUsageLog, Status

# While calls succeed they tell more than a probe; without calls the probe is all there is.
WITH_CALLS = timedelta(minutes=15)
WITHOUT_CALLS = timedelta(minutes=5)
# While something is wrong: as long again as it has been, between these.
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(minutes=10)
# Shares of a pause. Less than the whole, or a pause of a minute would often miss the clock's next minute.
JITTER = (0.75, 0.95)
# Calls begun longer ago say nothing about now.
RECENT = WITH_CALLS

# Failures of calls that a probe may explain.
_TELLING = [kind.value for kind in ErrorKind if kind.meaning.prompts_probe]


@dataclass(frozen=True, slots=True)
class Traffic:
    """When calls to a provider last succeeded and last failed, of those begun within RECENT."""

    answered_at: datetime | None = None
    failed_at: datetime | None = None

    @property
    def is_failing(self) -> bool:
        if self.failed_at is None:
            return False
        return self.answered_at is None or self.failed_at > self.answered_at

    @property
    def is_serving(self) -> bool:
        return self.answered_at is not None and not self.is_failing


def recent_traffic(*, now: datetime) -> Mapping[int, Traffic]:
    """By config id (one query over the rows of RECENT); those without calls are left out."""
    calls = AIProviderUsageLog.objects.filter(
        created_at__gte=now - RECENT, attempt__gte=1, cached=False, provider_config__isnull=False
    )
    rows = (
        calls.order_by()
        .values_list("provider_config")
        .annotate(
            answered=Max("settled_at", filter=Q(status=Status.SUCCESS)),
            failed=Max("settled_at", filter=Q(error_kind__in=_TELLING)),
        )
    )
    return {config_id: Traffic(answered, failed) for config_id, answered, failed in rows}


def is_due(config: AIProviderConfig, probe: ProviderProbe | None, traffic: Traffic, *, now: datetime) -> bool:
    """Whether its time has come, or something has happened since the last probe that another may explain."""
    if probe is None or probe.checked_at is None or probe.next_at <= now:
        return True
    happened = (config.updated_at, config.flagged_at, config.last_tested_at, traffic.failed_at)
    latest = max(moment for moment in happened if moment is not None)
    return latest > probe.checked_at and now - probe.checked_at >= SHORTEST * JITTER[0]


def next_probe_at(
    config: AIProviderConfig,
    *,
    is_up: bool | None,
    since: datetime,
    traffic: Traffic,
    now: datetime,
) -> datetime:
    """After a probe at `now` that found `is_up`, as it has been `since`."""
    pause = WITH_CALLS if traffic.is_serving else WITHOUT_CALLS
    troubles = [config.flagged_at]
    if is_up is False:
        troubles.append(since)
    if traffic.is_failing:
        troubles.append(traffic.failed_at)
    if begun := max((moment for moment in troubles if moment is not None), default=None):
        pause = min(max(now - begun, SHORTEST), LONGEST)
    return now + pause * random.uniform(*JITTER)  # noqa: S311 - spreads probes, guards nothing
