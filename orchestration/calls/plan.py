"""From a question and the routing data to the call: its order of candidates, its arm, its budget."""

from __future__ import annotations

import asyncio

from orchestration.calls.call import Call, CallBudget, Question, needs_of
from orchestration.experiments.assignment import Arm, assigned_arm
from orchestration.routing.balancing import Spread
from orchestration.routing.candidates import Candidate, Needs, candidates
from orchestration.routing.latencies import latencies
from orchestration.routing.snapshot import RoutingSnapshot
from providers.tasks import Tier


def planned(question: Question, snapshot: RoutingSnapshot) -> Call:
    """A call that may take as long as the task's policy says, from now on the running event loop."""
    deadline = asyncio.get_running_loop().time() + snapshot.policy_of(question.task).deadline
    experiment = snapshot.experiments.get(question.task)
    arm = assigned_arm(experiment, question.user_id) if experiment else None
    if arm and arm.prompt_version not in ("", question.prompt_version):
        # The experiment changed after the prompt was written, so this call is not the arm's.
        arm = None
    call = Call(question=question, snapshot=snapshot, order=(), budget=CallBudget(deadline=deadline), arm=arm)
    replan(call, snapshot)
    return call


def replan(call: Call, snapshot: RoutingSnapshot) -> None:
    """Take over routing data that changed while the call was under way."""
    call.snapshot = snapshot
    policy, question = call.policy, call.question
    spread = Spread(
        strategy=policy.strategy,
        seed=f"user:{question.user_id}:{question.task}" if policy.is_sticky else question.request_id,
        latency=lambda provider, model: latencies.of(provider.identity, model),
        cost=lambda provider, model: snapshot.typical_cost(provider.provider_type, model),
    )
    needs = needs_of(question.request)
    order = candidates(snapshot, task=question.task, tier=call.tier, needs=needs, spread=spread)
    order = _with_arm_first(order, call.arm, snapshot, call.tier, needs)
    if question.rather_than is not None:
        # Sorting is stable: the others keep their order. A vendor's second key is no second opinion either.
        writers = {
            (one.provider_type, one.base_url)
            for one in snapshot.providers
            if one.identity == question.rather_than
        }
        order = tuple(
            sorted(order, key=lambda one: (one.provider.provider_type, one.provider.base_url) in writers)
        )
    call.order = tuple(one for one in order if call.only in (None, one.provider.identity))


def _with_arm_first(
    order: tuple[Candidate, ...], arm: Arm | None, snapshot: RoutingSnapshot, tier: Tier, needs: Needs
) -> tuple[Candidate, ...]:
    """The arm's provider and model before all others, if active and able; the others stay as failover."""
    if arm is None or arm.provider_config_id is None:
        return order
    provider = next((one for one in snapshot.providers if one.config_id == arm.provider_config_id), None)
    if provider is None:
        return order
    model = arm.model_name or provider.model_for(tier)
    capabilities = snapshot.capabilities.of(provider.provider_type, model)
    if needs.missing_from(capabilities):
        return order
    first = Candidate(provider, model, capabilities, needs.degraded_by(capabilities))
    return first, *(one for one in order if one.provider.identity != provider.identity)
