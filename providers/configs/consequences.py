"""What follows from a change that may leave calls without an answer, for the person who is about to make it;
and settings that contradict each other."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from accounts import limits
from providers.health import key_state
from providers.models import AIProviderConfig
from providers.tasks import TASKS


def of_deactivating(config_ids: Collection[int]) -> list[str]:
    """Sentences about switching these off: whether the default, a task's only first choice or the last active
    one is among them. Empty when the others simply go on."""
    active = list(AIProviderConfig.objects.active().defer("api_key_encrypted"))
    going = [config for config in active if config.pk in config_ids]
    staying = [config for config in active if config.pk not in config_ids]
    told = []
    if going and not staying:
        # The environment's keys are for installations without any config.
        told.append("No other provider is active. Until one is, all calls are refused.")
    told += [
        f"{config} is the default. It stays so, but calls go to the others by priority."
        for config in going
        if config.is_default
    ]
    covered = {task for config in staying for task in config.default_tasks()}
    for config in going:
        tasks = [TASKS[slug].label for slug in sorted(config.default_tasks() - covered) if slug in TASKS]
        told += [f"{task} loses {config}, its only first choice." for task in tasks]
    return told


def of_making_default(config: AIProviderConfig, *, now: datetime) -> list[str]:
    """Sentences about why it may be no good as the default; empty when nothing speaks against it."""
    told = [] if config.is_active else ["It is inactive: no call goes to it until you activate it."]
    key = key_state(config, now=now)
    if key.tone == "bad":
        told.append(key.reason)
    return told


def contradictions_in(config: AIProviderConfig) -> list[str]:
    """Sentences about settings of which one makes another pointless."""
    told = limits.contradictions_in(config)
    if config.quality_model_name and config.quality_model_name == config.model_name:
        told.append("Both models are the same. Leave the one for quality empty, or choose a better one.")
    return told
