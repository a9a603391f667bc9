"""What was asked, and what all attempts to answer it share; what a call goes by from the writing of its
prompt on, read from the database or known to this process; and what its caller gets back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from accounts.calendars import Calendar
from accounts.models import PersonalToken, Plan, User, plan_of
from accounts.personal_tokens import token_stamp_of
from accounts.standing import (
    Login,
    SignedOut,
    Standing,
    current_standing,
    is_family_living,
    kept_standing,
    stamp_of,
)
from orchestration.experiments.assignment import Arm, assigned_arm
from orchestration.routing.candidates import Candidate
from orchestration.routing.names import Wanted
from orchestration.routing.snapshot import PolicyInForce, RoutingSnapshot, current_snapshot, latest_snapshot
from providers.adapters.base import GenerationRequest, TokenUsage
from providers.adapters.conversation import ToolCall
from providers.errors import ProviderError
from providers.revision import RoutingRevision
from providers.tasks import PromptVersion
from usage.ledger import get_ledger
from usage.ledger.base import QuotaWarning

# One call makes at most this many HTTP requests, whatever combination of failures it meets.
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, of whom and for whom: the same for every attempt of a call. `stamp` names the standing
    that plan and calendar are from and `login_family` the login, where the ledger has to verify them. `token`
    is the personal access token that it was asked with, `wanted` what a program named to be answered by."""

    user_id: int
    calendar: Calendar
    task: str
    plan: Plan
    request: GenerationRequest
    request_id: str
    prompt_version: str = ""
    rather_than: int | str | None = None
    token: PersonalToken | None = None
    wanted: Wanted | None = None
    stamp: str | None = None
    login_family: str | None = None


@dataclass(slots=True)
class Failure:
    candidate: Candidate
    error: ProviderError
    was_elsewhere: bool = False


@dataclass(slots=True)
class CallBudget:
    """What all that is asked for one `generate` shares: HTTP requests made and allowed, what each of them
    cost, and the moment (of the event loop's clock) by which all has to be over."""

    deadline: float
    most: int = MAX_ATTEMPTS
    attempts: int = 0
    costs: list[Decimal | None] = field(default_factory=list)
    numbered: int = 0

    @property
    def is_spent(self) -> bool:
        return self.attempts >= self.most

    def next_number(self) -> int:
        """A number for an attempt that no other one of the call has, votes under way at once included."""
        self.numbered += 1
        return self.numbered

    def take_back(self, number: int) -> None:
        """The attempt came to nothing; its number is free again if no other was given out since."""
        if self.numbered == number:
            self.numbered -= 1

    @property
    def total_cost(self) -> Decimal | None:
        """USD over all attempts; None when the price of any is unknown."""
        known = [cost for cost in self.costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(self.costs) else None


@dataclass(frozen=True, slots=True)
class Beginning:
    """`stamp` names the account's standing, where that was not read now but is to be verified with the
    snapshot's revision by whoever reserves."""

    task: str
    plan: Plan
    calendar: Calendar
    snapshot: RoutingSnapshot
    arm: Arm | None
    prompt_version: str
    stamp: str | None = None

    @property
    def account(self) -> dict[str, Any]:
        """What of it is a question's."""
        return {"plan": self.plan, "calendar": self.calendar}

    @property
    def policy(self) -> PolicyInForce:
        return self.snapshot.policy_of(self.task)

    @property
    def prompt(self) -> PromptVersion:
        """What the model is told."""
        return self.snapshot.prompt(self.task, self.prompt_version)

    def is_vote(self, response_model: type[BaseModel] | None) -> bool:
        """Whether a question with such a form is put to several models."""
        return response_model is not None and self.policy.votes > 1


def begin(user: User, task: str, login: Login | None = None) -> Beginning:
    """Read it, once (two queries while nothing has changed): the user's plan, the routing data, the user's
    arm of the task's running experiment, and which of the task's prompts the user gets: that of the
    arm, else the one that the task's policy names, else the first. Synchronous. Raises NoDefaultPlan, and
    SignedOut where the `login` has ended."""
    snapshot = current_snapshot()
    if login is None and not get_ledger().has_stamps:
        return _beginning(task, user.pk, plan_of(user.pk), user.calendar, snapshot)
    standing = current_standing(user.pk)
    standing.admit(login)
    if login and login.family and not is_family_living(login.family):
        raise SignedOut
    return _beginning(task, user.pk, standing.plan, standing.calendar, snapshot)


def assume(user: User, task: str, login: Login | None = None) -> Beginning | None:
    """The same as this process has seen it last, without a query. None when it has not, or when by that the
    login has ended."""
    standing, snapshot = kept_standing(user.pk), latest_snapshot()
    if standing is None or snapshot is None or not _admits(standing, login):
        return None
    return _beginning(task, user.pk, standing.plan, standing.calendar, snapshot, stamp=standing.stamp)


def still_stands(
    user_id: int,
    stamp: str | None,
    login_family: str | None,
    *,
    revision: int,
    token: PersonalToken | None = None,
) -> bool:
    """Whether what was assumed is so (two or three queries)."""
    if stamp_of(user_id) != stamp or RoutingRevision.current() != revision:
        return False
    if token is not None and token_stamp_of(token.pk) != token.stamp:
        return False
    return not login_family or is_family_living(login_family)


def _admits(standing: Standing, login: Login | None) -> bool:
    try:
        standing.admit(login)
    except SignedOut:
        return False
    return True


def _beginning(
    task: str,
    user_id: int,
    plan: Plan,
    calendar: Calendar,
    snapshot: RoutingSnapshot,
    *,
    stamp: str | None = None,
) -> Beginning:
    experiment = snapshot.experiments.get(task)
    arm = assigned_arm(experiment, user_id) if experiment else None
    version = snapshot.prompt_version(task, arm.prompt_version if arm else "")
    return Beginning(task, plan, calendar, snapshot, arm, version, stamp)


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """One answered question. `parsed` is an instance of the `response_model` asked for.

    `cost_usd` is the sum over all attempts (None when the price of any of them is unknown); `usage`,
    `latency_ms` and `saved_usd` are those of the answering attempt; `attempts` counts the HTTP requests made.
    `saved_usd` is what the vendor's cache took off the cost, below 0 where it added to it, None where a price
    is not known. `provider_config_id` is None when the key came from the environment. `degraded` names what
    the model does not do by itself and was made up for ("structured_output": the form was asked for by
    prompt). `votes` is how many models' answers are in it, 0 where the task takes no votes; `agreement` is
    set when it is more than one: the share of them, by field of `parsed`, that gave the value in it.
    `quota_warnings` are the user's quotas of which more than 80 % are taken now. `finish_reason` and
    `tool_calls` are those of the reply; `unheard` names wishes (temperature, top_p) that the model does not
    take.
    """

    text: str = field(repr=False)
    parsed: BaseModel | None = field(repr=False)
    provider_type: str
    provider_config_id: int | None
    provider_name: str
    model_name: str
    task: str
    tier: str
    request_id: str
    attempts: int
    usage: TokenUsage
    usage_source: str
    cost_usd: Decimal | None
    latency_ms: int
    cached: bool = False
    degraded: tuple[str, ...] = ()
    votes: int = 0
    agreement: Mapping[str, float] | None = None
    quota_warnings: tuple[QuotaWarning, ...] = ()
    finish_reason: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    unheard: tuple[str, ...] = ()
    saved_usd: Decimal | None = Decimal(0)


def usage_body(result: GenerationResult | None) -> dict[str, Any]:
    """Tokens as the API shows them; `source` says whether the vendor counted or we estimated, "none" that no
    model was asked."""
    usage, saved = (result.usage, result.saved_usd) if result else (TokenUsage(), Decimal(0))
    return {
        "input": usage.input_tokens,
        "cached": usage.cached_tokens,
        "output": usage.output_tokens,
        "reasoning": usage.reasoning_tokens,
        "total": usage.total_tokens,
        "saved_usd": None if saved is None else format(saved, "f"),
        "source": result.usage_source if result else "none",
    }
