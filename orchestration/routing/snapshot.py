"""Everything routing reads, frozen: loaded once per revision and shared by all calls of a process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from orchestration.experiments.assignment import RunningExperiment, running_experiments
from orchestration.models import PlanTaskTier, TaskPolicy
from orchestration.models.policies import Strategy
from providers.adapters.base import TokenUsage
from providers.adapters.manner import PLAIN, Manner
from providers.capabilities.facts import CapabilityMatrix
from providers.capabilities.matrix import load_matrix
from providers.encryption import SealedValue
from providers.models import AIProviderConfig, RoutingRevision
from providers.registry import PROVIDER_TYPES, ProviderFactory
from providers.stored_prompts import stored_versions
from providers.tasks import TASKS, PromptVersion, Tier, Versions, prompt_of, task_type, version_in_force
from usage.models import ModelPrice
from usage.pricing import Overrides, overrides_of, quote
from usage.quotas import NO_RULES, RuleBook

# What models are compared by when the cheapest is wanted: a page read, a form filled in.
TYPICAL_USAGE = TokenUsage(input_tokens=3_000, output_tokens=1_000)


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """One source of answers: an active config, or (`config_id` None) a key from the environment. `proof`
    changes with the key, the address and every credential test that succeeded: what was held against the
    provider before then is forgotten. `pinned_model` answers whatever the tier, for a call that names it."""

    config_id: int | None
    provider_type: str
    name: str
    fast_model: str
    quality_model: str
    sealed_key: SealedValue | None = None
    plain_key: str | None = field(default=None, repr=False)
    base_url: str = ""
    timeout: float = 60.0
    tasks: frozenset[str] = frozenset()
    is_default: bool = False
    is_flagged: bool = False
    priority: int = 0
    weight: int = 1
    requests_per_minute: int | None = None
    max_concurrent_calls: int | None = None
    proof: str = ""
    daily_token_limit: int | None = None
    monthly_token_limit: int | None = None
    daily_cost_limit_usd: Decimal | None = None
    monthly_cost_limit_usd: Decimal | None = None
    pinned_model: str = ""

    @property
    def identity(self) -> int | str:
        """Names the provider among all of a snapshot."""
        return self.config_id or self.provider_type

    @property
    def address(self) -> tuple[str, str]:
        """What kind of API it is, and where."""
        return self.provider_type, self.base_url

    def model_for(self, tier: Tier) -> str:
        if self.pinned_model:
            return self.pinned_model
        return self.quality_model if tier == "quality" and self.quality_model else self.fast_model

    @classmethod
    def of(cls, config: AIProviderConfig) -> ProviderSnapshot:
        return cls(
            config_id=config.pk,
            provider_type=config.provider_type,
            name=str(config),
            fast_model=config.model_name,
            quality_model=config.quality_model_name,
            sealed_key=config.api_key_encrypted,
            base_url=config.base_url,
            timeout=config.timeout,
            tasks=config.default_tasks(),
            is_default=config.is_default,
            is_flagged=config.flagged_at is not None,
            priority=config.priority,
            weight=config.weight,
            requests_per_minute=config.requests_per_minute,
            max_concurrent_calls=config.max_concurrent_calls,
            proof=_proof(config),
            daily_token_limit=config.daily_token_limit,
            monthly_token_limit=config.monthly_token_limit,
            daily_cost_limit_usd=config.daily_cost_limit_usd,
            monthly_cost_limit_usd=config.monthly_cost_limit_usd,
        )


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """How calls for a task are spread, bounded, put, cached and voted on: a TaskPolicy with its gaps filled
    by the registry. Times in seconds. The prompt that `prompt_version` names may be gone; RoutingSnapshot
    knows which holds then."""

    strategy: str
    is_sticky: bool
    deadline: float
    cache_seconds: int
    votes: int
    prompt_version: str
    manner: Manner = PLAIN

    @classmethod
    def of_task(cls, task: str) -> PolicyInForce:
        """What holds for a task without a row of its own."""
        return cls.of_row(TaskPolicy(task=task, strategy=Strategy.WEIGHTED))

    @classmethod
    def of_row(cls, row: TaskPolicy) -> PolicyInForce:
        cached = task_type(row.task).cache_seconds if row.cache_seconds is None else row.cache_seconds
        return cls(
            strategy=row.strategy,
            is_sticky=row.is_sticky,
            deadline=float(row.deadline_seconds or settings.CALL_DEADLINE_SECONDS),
            cache_seconds=cached,
            votes=row.votes,
            prompt_version=row.prompt_version or task_type(row.task).default_prompt,
            manner=manner_of(row),
        )


def manner_of(row: TaskPolicy) -> Manner:
    """PLAIN itself where the row says nothing."""
    manner = Manner(row.reasoning_effort, row.service_tier, row.prompt_cache)
    return PLAIN if manner == PLAIN else manner


@dataclass(frozen=True, slots=True)
class RoutingSnapshot:
    """`providers` are the active ones, or those of the environment while the database has no config at all
    (deactivating every config therefore stops every call). `tiers` maps (plan, task) to a tier, `experiments`
    a task to the one that runs for it; `prompts` are those that people wrote. `derived` keeps what others
    make of it once."""

    revision: int
    providers: tuple[ProviderSnapshot, ...]
    tiers: Mapping[tuple[str, str], Tier]
    policies: Mapping[str, PolicyInForce] = field(default_factory=dict)
    prices: Overrides = field(default_factory=dict)
    rules: RuleBook = NO_RULES
    capabilities: CapabilityMatrix = field(default_factory=CapabilityMatrix)
    experiments: Mapping[str, RunningExperiment] = field(default_factory=dict)
    prompts: Versions = field(default_factory=dict)
    derived: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _unwritten: dict[str, PolicyInForce] = field(default_factory=dict, repr=False, compare=False)
    _costs: dict[tuple[str, str], tuple[datetime, Decimal | None]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def policy_of(self, task: str) -> PolicyInForce:
        found = self.policies.get(task) or self._unwritten.get(task)
        if found is None:
            found = self._unwritten[task] = PolicyInForce.of_task(task)
        return found

    def prompt_version(self, task: str, *wanted: str) -> str:
        """The first of `wanted` that the task has a prompt for, else the one that its policy names, else its
        standard one."""
        named = self.policy_of(task).prompt_version
        return version_in_force(task_type(task), *wanted, named, stored=self.prompts)

    def prompt(self, task: str, version: str) -> PromptVersion:
        """KeyError for one that there is not."""
        return self.prompts.get((task, version)) or prompt_of(task, version)

    def typical_cost(self, provider_type: str, model_name: str) -> Decimal | None:
        """USD for a call of TYPICAL_USAGE at the price of this hour; None when no price is known."""
        key = provider_type, model_name
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        known = self._costs.get(key)
        if known is None or known[0] != hour:
            found = quote(
                provider_type=provider_type,
                model_name=model_name,
                usage=TYPICAL_USAGE,
                at=timezone.now(),
                overrides=self.prices,
            )
            known = self._costs[key] = hour, found.cost if found else None
        return known[1]

    def tier_for(self, plan: str, task: str) -> Tier:
        return self.tiers.get((plan, task), task_type(task).tier)


def _proof(config: AIProviderConfig) -> str:
    proven = config.proven_at.isoformat() if config.proven_at else ""
    facts = f"{config.api_key_encrypted.token}:{config.base_url}:{proven}"
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


_latest: RoutingSnapshot | None = None


def current_snapshot() -> RoutingSnapshot:
    """The snapshot of the committed revision: one query, or several when the revision moved. Synchronous."""
    global _latest  # noqa: PLW0603 - one snapshot per process is the point
    revision = RoutingRevision.current()
    if _latest is None or _latest.revision != revision:
        # The revision is read before the rows: rows newer than it cost one needless reload, never staleness.
        _latest = _load(revision)
    return _latest


def latest_snapshot() -> RoutingSnapshot | None:
    """The snapshot as this process loaded it last, without a query, for who has its revision checked."""
    return _latest


def forget_snapshot() -> None:
    """Drop the cached snapshot, for tests that rewrite the revision row."""
    global _latest  # noqa: PLW0603
    _latest = None


def _load(revision: int) -> RoutingSnapshot:
    providers = tuple(ProviderSnapshot.of(config) for config in AIProviderConfig.objects.active())
    if not providers and not AIProviderConfig.objects.exists():
        providers = environment_providers()
    # A vendor's SDK takes seconds to import: here that keeps no event loop from its other calls.
    for provider_type in {provider.provider_type for provider in providers} & PROVIDER_TYPES.keys():
        ProviderFactory.adapter_class(provider_type)
    tiers: dict[tuple[str, str], Tier] = {
        (row.plan_id, row.task): "quality" if row.tier == "quality" else "fast"
        for row in PlanTaskTier.objects.all()
    }
    return RoutingSnapshot(
        revision=revision,
        providers=providers,
        tiers=tiers,
        policies={task: PolicyInForce.of_task(task) for task in TASKS}
        | {row.task: PolicyInForce.of_row(row) for row in TaskPolicy.objects.all()},
        rules=RuleBook.load(),
        prices=overrides_of(ModelPrice.objects.all()),
        experiments=running_experiments(),
        prompts=stored_versions(),
        capabilities=load_matrix(),
    )


def environment_providers() -> tuple[ProviderSnapshot, ...]:
    """Those whose keys are in the environment, whether calls go to them now or not."""
    return tuple(
        ProviderSnapshot(
            config_id=None,
            provider_type=slug,
            name=f"{PROVIDER_TYPES[slug].label} (environment)",
            fast_model=entry["model_fast"],
            quality_model=entry["model_quality"],
            plain_key=entry["api_key"],
            timeout=settings.PROVIDER_TIMEOUT_SECONDS,
            tasks=frozenset(TASKS),
            # In the order in which they are documented, not by lot.
            priority=-place,
        )
        for place, (slug, entry) in enumerate(settings.PROVIDER_ENVIRONMENT.items())
        if entry["api_key"]
    )
