"""Rules about routing: whether anybody could answer a call right now. They look at the state, so that they
speak before the first call is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from orchestration.probes.health import circuits_of
from orchestration.routing.snapshot import current_snapshot
from providers.health import RecentCalls, health_of
from providers.models import AIProviderConfig
from providers.tasks import TASKS
from usage.alerts.conditions import Check, Condition, Kind, Rule, about
from usage.models import Severity

OPEN_LONG = timedelta(minutes=10)


def _is_usable(config: AIProviderConfig, check: Check) -> bool:
    """Whether its key is there and nobody has said that it does not work."""
    return config.is_active and not (
        config.flagged_at
        or (config.key_expires_at and config.key_expires_at <= check.now)
        or not health_of(config, RecentCalls(), now=check.now).key_is_readable
    )


def _routing(check: Check) -> Iterator[Condition]:
    usable = {config.pk for config in check.active if _is_usable(config, check)}
    if not usable and (check.configs or not current_snapshot().providers):
        yield _nobody(check)
        return
    for config in check.configs:
        if config.is_default and not config.is_active:
            message = "It is the default and is switched off. Switch it on, or make another one the default."
            yield about(config, "default_inactive", Severity.WARNING, message)
    for slug, task in TASKS.items():
        first = [config for config in check.configs if slug in config.default_tasks()]
        # Without a first choice of its own a task goes to the default, which has an alert of its own.
        if first and not usable & {config.pk for config in first}:
            names = ", ".join(str(config) for config in first)
            yield Condition(
                "task_without_first_choice",
                Severity.WARNING,
                f"{task.label} is answered by others: its first choice ({names}) cannot be used. "
                "Switch it on, mend its key, or choose another one.",
                subject=f"task:{slug}",
                figures={"task": slug},
            )


def _nobody(check: Check) -> Condition:
    if not check.configs:
        message = "No provider is configured. Add one under Providers."
    elif not check.active:
        message = "Every provider is switched off: all calls are refused. Switch one on under Providers."
    else:
        message = "No active provider has a key that works. Enter a new one under API keys, and test it."
    figures: dict[str, int | float | str] = {"configured": len(check.configs), "active": len(check.active)}
    return Condition("no_usable_provider", Severity.CRITICAL, message, figures=figures)


def _circuits(check: Check) -> Iterator[Condition]:
    """Those that have not closed for long. Without Redis each process has circuits of its own, of which this
    one would know nothing, so nothing is said."""
    if not settings.REDIS_URL:
        return
    for config, circuits in zip(check.active, circuits_of(check.active), strict=True):
        for circuit in circuits:
            if circuit.since is None or check.now - circuit.since < OPEN_LONG:
                continue
            message = (
                f"The circuit of {circuit.model_name} has been open since "
                f"{circuit.since:%Y-%m-%d %H:%M} UTC. {circuit.because}"
            )
            figures = {"reason": circuit.reason, "since": circuit.since.isoformat()}
            yield about(
                config, "circuit_open", Severity.WARNING, message, detail=circuit.model_name, **figures
            )


RULES = (
    Rule(
        (
            Kind("no_usable_provider", "providers", "No provider can be used"),
            Kind("default_inactive", "providers", "The default is switched off"),
            Kind("task_without_first_choice", "providers", "A task's first choice cannot be used"),
        ),
        _routing,
    ),
    Rule(
        (Kind("circuit_open", "providers", "A circuit stays open", clears_after=timedelta(minutes=5)),),
        _circuits,
        is_cheap=False,
    ),
)
