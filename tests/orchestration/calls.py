"""Calls without a database or a vendor, for what is worked out from them alone."""

from accounts.calendars import IN_UTC
from accounts.models import Plan
from orchestration.calls.call import Call
from orchestration.calls.question import CallBudget, Failure, Question
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot
from providers.adapters.base import GenerationRequest
from providers.capabilities.facts import Capabilities
from providers.errors import ErrorKind, ProviderError


def candidate(number=1, *, window=None, degraded=(), model="m", **fields):
    defaults = {"provider_type": "openai", "fast_model": model, "quality_model": ""}
    provider = ProviderSnapshot(config_id=number, name=f"config {number}", **(defaults | fields))
    return Candidate(provider, model, Capabilities(context_window=window), degraded)


def call_of(*order, request=None, snapshot=None, budget=None, question=(), **fields):
    """A call of Alice, who is user 7, for an extraction."""
    asked = {
        "user_id": 7,
        "calendar": IN_UTC,
        "task": "extraction",
        "plan": Plan(slug="pro", daily_token_limit=1_000),
        "request": request or GenerationRequest(prompt="hello"),
        "request_id": "r-1",
    }
    providers = tuple(one.provider for one in order)
    return Call(
        Question(**(asked | dict(question))),
        snapshot or RoutingSnapshot(revision=4, providers=providers, tiers={}),
        order,
        budget or CallBudget(deadline=0.0),
        **fields,
    )


def error_of(kind, **fields):
    return ProviderError(ErrorKind(kind), vendor="openai", **fields)


def failed(call, one, kind, **fields):
    """Let the call note that a candidate failed, as the loop does when it is not to be asked again."""
    error = error_of(kind, **fields)
    call.failures.append(Failure(one, error))
    call.rule_out_after(one, error)
