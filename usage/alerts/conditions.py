"""What can be wrong: the kinds of alerts, the rules that find them, and how both are made known.

A rule belongs to the app that knows the state it looks at; apps above this one register theirs when they are
loaded (`AppConfig.ready`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from providers.models import AIProviderConfig
from usage.alerts.thresholds import Thresholds, thresholds_by_config
from usage.models import Severity

Group = Literal["providers", "calls", "cost", "operations"]
GROUPS: dict[Group, str] = {
    "providers": "Providers and keys",
    "calls": "Calls",
    "cost": "Limits and cost",
    "operations": "Operations",
}
NOW = timedelta(0)


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is stable; programs and docs/alerts.md know it by that. It opens once its condition has held for
    `opens_after`, and is resolved once it has not for `clears_after`. `is_state`: true as long as the cause
    stands, so that nobody can call it resolved before."""

    name: str
    group: Group
    title: str
    is_state: bool = True
    opens_after: timedelta = NOW
    clears_after: timedelta = NOW


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds right now. `subject` tells it from others of its kind; `figures` are what the
    message is based on."""

    kind: str
    severity: Severity
    message: str
    subject: str = ""
    provider_config_id: int | None = None
    provider_type: str = ""
    model_name: str = ""
    figures: dict[str, int | float | str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.subject


@dataclass(frozen=True)
class Check:
    """One look at the house. `standing` are (kind, subject) of the alerts that are open: what is open closes
    by a lower level than it opened by."""

    now: datetime
    standing: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def configs(self) -> list[AIProviderConfig]:
        """All of them, in the console's order."""
        return list(AIProviderConfig.objects.all())

    @cached_property
    def active(self) -> list[AIProviderConfig]:
        return [config for config in self.configs if config.is_active]

    @cached_property
    def _thresholds(self) -> dict[int | None, Thresholds]:
        return thresholds_by_config()

    def thresholds_of(self, config_id: int) -> Thresholds:
        return self._thresholds.get(config_id) or self._thresholds[None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`judge` yields what holds, of its `kinds` only. `is_cheap` ones are also asked whenever a page is
    looked at; the others read figures and wait for the minute."""

    kinds: tuple[Kind, ...]
    judge: Callable[[Check], Iterable[Condition]]
    is_cheap: bool = True


_rules: list[Rule] = []
_kinds: dict[str, Kind] = {}


def register(*rules: Rule) -> None:
    """Add rules; raises ValueError for a kind that another rule has."""
    for rule in rules:
        for kind in rule.kinds:
            if kind.name in _kinds:
                raise ValueError(f"There is a rule for {kind.name} already.")
            _kinds[kind.name] = kind
        _rules.append(rule)


def rules(*, cheap_only: bool = False) -> Iterator[Rule]:
    return (rule for rule in _rules if rule.is_cheap or not cheap_only)


def kind_of(name: str) -> Kind | None:
    """None for a kind that no installed app knows any more."""
    return _kinds.get(name)


def kind_choices() -> list[tuple[str, str]]:
    """(name, title) of every kind, by group."""
    ordered = sorted(_kinds.values(), key=lambda kind: (list(GROUPS).index(kind.group), kind.title))
    return [(kind.name, kind.title) for kind in ordered]


def about(
    config: AIProviderConfig, kind: str, severity: Severity, message: str, *, detail: str = "",
    **figures: int | float | str,
) -> Condition:  # fmt: skip
    """A condition of one provider; `detail` tells several of a kind apart."""
    return Condition(
        kind=kind,
        severity=severity,
        message=f"{config}: {message}",
        subject=f"config:{config.pk}{detail and f':{detail}'}",
        provider_config_id=config.pk,
        provider_type=config.provider_type,
        model_name=config.model_name,
        figures=figures,
    )
