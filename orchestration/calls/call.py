"""The state of one call while the orchestrator works on it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestration.calls.question import CallBudget, Failure, GenerationResult, Question
from orchestration.calls.streaming import Pieces
from orchestration.experiments.assignment import Arm
from orchestration.guards.passes import Visit
from orchestration.routing.balancing import Spread
from orchestration.routing.candidates import (
    Candidate,
    Needs,
    Order,
    candidates,
    with_arm_first,
    with_vendor_last,
)  # fmt: skip
from orchestration.routing.names import narrowed
from orchestration.routing.snapshot import PolicyInForce, RoutingSnapshot
from providers.adapters.base import GenerationRequest, ProviderReply
from providers.capabilities import parameters
from providers.errors import ProviderError
from providers.registry import PROVIDER_TYPES
from providers.tasks import Tier, task_type
from usage.ledger.base import Attempt, Settlement
from usage.quotas import estimate_input_tokens, limits_for

# Added to the provider's timeout before a sweeper may take a caller for dead.
_SWEEP_MARGIN = timedelta(seconds=60)

_COMPLAINT = (
    "\n\nYour previous reply could not be read: {problem} "
    "Answer again with nothing but the JSON object asked for."
)


@dataclass(slots=True)
class Call:
    """Everything the loop needs to know and remember about one question. `order` are the candidates, best
    first; it is made anew when the routing data changed meanwhile. `only` names the one provider that may be
    asked, for a call that is one vote of several. `visit` is the call's place at its user's gate, where it
    may come and go with a pass. `pieces` takes the answer as it comes, of a call that is streamed."""

    question: Question
    snapshot: RoutingSnapshot
    order: Sequence[Candidate]
    budget: CallBudget
    arm: Arm | None = None
    only: int | str | None = None
    pieces: Pieces | None = None
    visit: Visit | None = None
    failures: list[Failure] = field(default_factory=list)
    done_with: set[int | str] = field(default_factory=set)
    window_above: int = 0
    too_large_at: set[tuple[str, str]] = field(default_factory=set)
    is_over: bool = False
    is_verified: bool = False

    @property
    def is_assumed(self) -> bool:
        """Whether it goes by what this process knew, which nobody has verified yet."""
        return self.question.stamp is not None and not self.is_verified

    @property
    def has_begun_to_answer(self) -> bool:
        """Whether the caller has part of an answer, to which no other can be joined."""
        return self.pieces is not None and self.pieces.has_begun

    @property
    def tier(self) -> Tier:
        return self.snapshot.tier_for(self.question.plan.slug, self.question.task)

    @property
    def policy(self) -> PolicyInForce:
        return self.snapshot.policy_of(self.question.task)

    @property
    def is_put_to_vote(self) -> bool:
        return self.policy.votes > 1 and self.question.request.response_model is not None

    @property
    def is_cached(self) -> bool:
        """Whether answers are kept, for who wants one that was given before."""
        return bool(self.policy.cache_seconds)

    @property
    def needs(self) -> Needs:
        return Needs.of(self.question.request)

    def replan(self, snapshot: RoutingSnapshot) -> None:
        """Make the order of candidates by this routing data, which may have changed while the call was under
        way."""
        question = self.question
        if question.wanted is not None:
            allowed = question.token.model_names if question.token else ()
            tier = snapshot.tier_for(question.plan.slug, question.task)
            snapshot = narrowed(snapshot, question.wanted, tier=tier, allowed=allowed)
        self.snapshot = snapshot
        policy, needs = self.policy, self.needs
        seed = f"user:{question.user_id}:{question.task}" if policy.is_sticky else question.request_id
        spread = Spread.of(snapshot, strategy=policy.strategy, seed=seed, is_sticky=policy.is_sticky)
        order = candidates(snapshot, task=question.task, tier=self.tier, needs=needs, spread=spread)
        order = with_arm_first(order, self.arm, snapshot, self.tier, needs)
        self.order = with_vendor_last(order, question.rather_than, snapshot)
        if self.only is not None:
            self.order = tuple(one for one in self.order if one.provider.identity == self.only)

    def remaining(self) -> Sequence[Candidate]:
        """The candidates that were not given up on, best first; none once the attempts are used up."""
        if self.is_over or self.budget.is_spent or self.has_begun_to_answer:
            return ()
        if not self.failures and not self.done_with:
            return self.order
        return Order(
            candidate
            for candidate in self.order
            if candidate.provider.identity not in self.done_with
            and self._is_wide_enough(candidate)
            and self._takes_the_size(candidate)
        )

    def _is_wide_enough(self, candidate: Candidate) -> bool:
        # An unknown window cannot be shown to be larger than anything.
        window = candidate.capabilities.context_window
        return not self.window_above or (window is not None and window > self.window_above)

    def _takes_the_size(self, candidate: Candidate) -> bool:
        """Once it was too large for one: whether this one is elsewhere, and known to take so much."""
        if not self.too_large_at:
            return True
        largest = PROVIDER_TYPES[candidate.provider.provider_type].largest_request
        is_elsewhere = candidate.provider.address not in self.too_large_at
        return is_elsewhere and largest is not None and largest > self.question.request.size

    def give_up_on(self, candidate: Candidate) -> None:
        self.done_with.add(candidate.provider.identity)

    def rule_out_after(self, candidate: Candidate, error: ProviderError) -> None:
        """Give up on the candidate, and on others as far as the policy of the error's kind says."""
        self.give_up_on(candidate)
        following = error.meaning.next_config
        if following == "per_task":
            self.is_over = not task_type(self.question.task).blocked_fails_over
        elif following == "one_other":
            self.is_over = len(self.refused_by()) > 1
        elif following == "larger_window":
            self.window_above = candidate.capabilities.context_window or sys.maxsize
        elif following == "larger_request":
            self.too_large_at.add(candidate.provider.address)

    def refused_by(self) -> set[int | str]:
        """The providers that found fault with the request."""
        return {
            failure.candidate.provider.identity
            for failure in self.failures
            if failure.error.meaning.blames_input != "no"
        }

    def retries_of(self, candidate: Candidate) -> int:
        """How often this candidate has been asked the same again after its first failure."""
        identity = candidate.provider.identity
        alike = (
            failure
            for failure in self.failures
            if failure.candidate.provider.identity == identity
            and failure.error.meaning.retry_here != "once_without"
        )
        return sum(1 for _ in alike) - 1

    def request_for(self, candidate: Candidate) -> GenerationRequest:
        """The request as this candidate can serve it, with the complaint appended when its last reply could
        not be read."""
        request = parameters.applied(self.question.request, self._refused_parameters(candidate))
        kind, tier = PROVIDER_TYPES[candidate.provider.provider_type], request.manner.service_tier
        if tier and tier not in kind.service_tiers:
            request = replace(request, manner=replace(request.manner, service_tier=""))
        if "structured_output" in candidate.degraded:
            request = replace(request, structured_by_prompt=True)
        last = self.failures[-1] if self.failures else None
        if last is None or last.error.meaning.retry_here != "once_told":
            return request
        if last.candidate.provider.identity != candidate.provider.identity:
            return request
        return replace(request, prompt=request.prompt + _COMPLAINT.format(problem=last.error.message))

    def _refused_parameters(self, candidate: Candidate) -> frozenset[str]:
        provider_type, base_url = candidate.provider.address
        written = self.snapshot.capabilities.refused_by(provider_type, candidate.model_name)
        return written | parameters.refused_by(
            provider_type=provider_type, base_url=base_url, model_name=candidate.model_name
        )

    def attempt_at(self, candidate: Candidate, *, number: int, now: datetime) -> Attempt:
        """The ledger's view of an attempt."""
        provider, question = candidate.provider, self.question
        request = self.request_for(candidate)
        input_tokens, most = estimate_input_tokens(request), request.max_output_tokens
        usual = min(most, task_type(question.task).usual_output_tokens)
        return Attempt(
            user_id=question.user_id,
            config_id=provider.config_id,
            provider_type=provider.provider_type,
            model_name=candidate.model_name,
            task=question.task,
            plan=question.plan.slug,
            request_id=question.request_id,
            number=number,
            prompt_version=question.prompt_version,
            requested_tier=request.manner.service_tier,
            cache_for=request.manner.cache_for,
            reserved_tokens=input_tokens + most,
            reserved_input_tokens=input_tokens,
            least_tokens=input_tokens + usual,
            prices=self.snapshot.prices,
            limits=limits_for(
                user_id=question.user_id,
                plan=question.plan,
                calendar=question.calendar,
                task=question.task,
                rules=self.snapshot.rules,
                config_id=provider.config_id,
                config=provider,
                token_id=question.token.pk if question.token else None,
                token=question.token,
                now=now,
            ),
            routing_revision=self.snapshot.revision,
            started_at=now,
            expires_at=now + timedelta(seconds=provider.timeout) + _SWEEP_MARGIN,
            experiment_arm=self.arm.id if self.arm else None,
            personal_token=question.token.pk if question.token else None,
            stamp=question.stamp if self.is_assumed else None,
            login_family=question.login_family if self.is_assumed else None,
            token_stamp=question.token.stamp or None if question.token and self.is_assumed else None,
        )

    def unsent(self, *, now: datetime, candidate: Candidate | None = None) -> Attempt:
        """The ledger's view of a call that no vendor was asked for, or of an answer of `candidate` that was
        given again."""
        question = self.question
        return Attempt(
            user_id=question.user_id,
            config_id=candidate.provider.config_id if candidate else None,
            provider_type=candidate.provider.provider_type if candidate else "",
            model_name=candidate.model_name if candidate else "",
            task=question.task,
            plan=question.plan.slug,
            request_id=question.request_id,
            number=0,
            prompt_version=question.prompt_version,
            reserved_tokens=0,
            reserved_input_tokens=0,
            limits=(),
            routing_revision=self.snapshot.revision,
            started_at=now,
            expires_at=now,
            experiment_arm=self.arm.id if self.arm else None,
            personal_token=question.token.pk if question.token else None,
        )

    def result(
        self,
        candidate: Candidate,
        reply: ProviderReply,
        settlement: Settlement,
        *,
        latency_ms: int,
        takes_temperature: bool = True,
    ) -> GenerationResult:
        asked = self.request_for(candidate)
        is_by_prompt = asked.response_model is not None and asked.structured_by_prompt
        return GenerationResult(
            text=reply.text,
            parsed=reply.parsed,
            provider_type=candidate.provider.provider_type,
            provider_config_id=candidate.provider.config_id,
            provider_name=candidate.provider.name,
            model_name=candidate.model_name,
            task=self.question.task,
            tier=self.tier,
            request_id=self.question.request_id,
            attempts=self.budget.attempts,
            usage=settlement.usage,
            usage_source=settlement.usage_source,
            cost_usd=self.budget.total_cost,
            saved_usd=settlement.saved_usd,
            latency_ms=latency_ms,
            degraded=("structured_output",) if is_by_prompt else candidate.degraded,
            quota_warnings=settlement.quota_warnings,
            finish_reason=reply.finish_reason,
            tool_calls=reply.tool_calls,
            unheard=parameters.unheard(asked, takes_temperature=takes_temperature),
        )
