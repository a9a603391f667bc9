"""What a probe changes: the config's flag, where the list of models can speak for it, and the probe's row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from orchestration.models import ProviderProbe
from orchestration.probes.asking import Finding
from orchestration.probes.schedule import Traffic, next_probe_at
from providers.adapters.credential_check import Doubt
from providers.configs.flags import flag
from providers.errors import flag_of
from providers.model_names import plain_name
from providers.models import AIProviderConfig

# A vendor that lists models for a key and yet refuses its calls has shown that its list proves nothing. It is
# believed again after so long, so that probe and call do not take the flag from each other by the minute.
BELIEVED_AGAIN_AFTER = timedelta(hours=1)

Effect = Literal["", "flagged", "recovered"]


@dataclass(frozen=True, slots=True)
class RecordedProbe:
    effect: Effect
    next_at: datetime


def record(
    asked: AIProviderConfig, finding: Finding, *, traffic: Traffic, now: datetime
) -> RecordedProbe | None:
    """Keep what a probe of the config as `asked` found, in one transaction, and let it take effect. None when
    the config was deleted, or has another key or address by now, of which the probe says nothing."""
    with transaction.atomic():
        same = AIProviderConfig.objects.filter(
            pk=asked.pk, api_key_encrypted=asked.api_key_encrypted, base_url=asked.base_url
        )
        config = same.select_for_update().first()
        if config is None:
            return None
        before = ProviderProbe.objects.filter(config=config).first()
        effect = _take_effect(config, finding, before, now=now)
        config.refresh_from_db()
        since = before.since if before and before.since and before.is_up is finding.is_up else now
        next_at = next_probe_at(config, is_up=finding.is_up, since=since, traffic=traffic, now=now)
        ProviderProbe.objects.update_or_create(
            config=config,
            defaults={
                "is_up": finding.is_up,
                "error_kind": finding.error_kind,
                "latency_ms": finding.latency_ms,
                "checked_at": now,
                "since": since,
                "next_at": next_at,
            },
        )
    return RecordedProbe(effect, next_at)


def _take_effect(
    config: AIProviderConfig, finding: Finding, before: ProviderProbe | None, *, now: datetime
) -> Effect:
    if finding.refuses:
        return "flagged" if flag(config.pk, finding.error_kind) else ""
    if not finding.is_up or not _speaks_for(config, finding, before, now=now):
        return ""
    changes: dict[str, list[Any]] = {
        "flag_reason": [config.flag_reason, ""],
        "last_test_success": [config.last_test_success, True],
    }
    config.record_test(is_valid=True)
    audit.record(
        action="provider.recovered",
        actor=Actor.system(),
        target=config,
        changes={name: change for name, change in changes.items() if change[0] != change[1]},
    )
    return "recovered"


def _speaks_for(
    config: AIProviderConfig, finding: Finding, before: ProviderProbe | None, *, now: datetime
) -> bool:
    """Whether the list that the vendor gave disproves what is held against the config."""
    if config.flagged_at is None:
        return config.last_test_success is False and finding.doubt is None
    held = flag_of(config.flag_reason)
    lifted_by_list = held.lifted_by_list if held else "no"
    if lifted_by_list == "with_models":
        models = {plain_name(name) for name in (config.model_name, config.quality_model_name) if name}
        is_proven = models <= finding.listed and finding.doubt is not Doubt.OTHER_API
    else:
        is_proven = lifted_by_list == "yes" and finding.doubt is None
    list_was_refused = (
        before is not None and lifted_by_list == "yes" and before.error_kind == config.flag_reason
    )
    is_new = config.proven_at is None or config.proven_at <= now - BELIEVED_AGAIN_AFTER
    return is_proven and (list_was_refused or is_new)
