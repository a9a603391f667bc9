"""What the ledger's tests reserve and settle with."""

import asyncio
from datetime import UTC, datetime, timedelta

from accounts.calendars import IN_UTC
from accounts.models import Plan
from providers.adapters.base import TokenUsage
from providers.models import RoutingRevision
from usage.ledger.base import Attempt, Outcome
from usage.models import QuotaCounter
from usage.quotas import NO_RULES, limits_for

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


# What 60 tokens in and 40 out cost with gpt-5-mini, at $0.25 and $2 a million, in pico-dollars.
PICOS_HELD = 95_000_000


def capped(*, daily=None, monthly=None, daily_usd=None, monthly_usd=None):
    """A plan, or a provider, with these limits."""
    return Plan(
        slug="some",
        daily_token_limit=daily,
        monthly_token_limit=monthly,
        daily_cost_limit_usd=daily_usd,
        monthly_cost_limit_usd=monthly_usd,
    )


def make_attempt(
    *,
    user=None,
    config=None,
    daily=None,
    monthly=None,
    daily_usd=None,
    config_daily=None,
    config_usd=None,
    rules=NO_RULES,
    calendar=IN_UTC,
    token=None,
    **overrides,
):
    """A call by `user` to `config`, holding 100 tokens, 60 of them for the prompt. Limits in tokens; `…_usd`
    in USD."""
    started_at = overrides.pop("started_at", NOON)
    limits = limits_for(
        user_id=user and user.pk,
        plan=capped(daily=daily, monthly=monthly, daily_usd=daily_usd),
        calendar=calendar,
        task=overrides.get("task", "extraction"),
        rules=rules,
        config_id=config and config.pk,
        config=capped(daily=config_daily, daily_usd=config_usd),
        token_id=token and token.pk,
        token=token,
        now=started_at,
    )
    fields = {
        "user_id": user and user.pk,
        "config_id": config and config.pk,
        "provider_type": "openai",
        "model_name": "gpt-5-mini",
        "task": "extraction",
        "plan": "freemium",
        "request_id": "0" * 32,
        "number": 1,
        "reserved_tokens": 100,
        "reserved_input_tokens": 60,
        "limits": limits,
        "routing_revision": overrides.pop("routing_revision", None) or RoutingRevision.current(),
        "started_at": started_at,
        "personal_token": token and token.pk,
        "expires_at": started_at + timedelta(minutes=2),
    }
    return Attempt(**(fields | overrides))


def success(input_tokens=50, output_tokens=20, **overrides):
    usage = TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)
    return Outcome(**({"status": "success", "usage": usage, "latency_ms": 1234} | overrides))


def counters():
    """{(scope, window): (used, reserved)} of every counter there is."""
    rows = QuotaCounter.objects.values_list("scope", "window", "used", "reserved")
    return {(scope, window): (used, reserved) for scope, window, used, reserved in rows}


def run(coroutine):
    """Each call in an event loop of its own, as the ledger must allow."""
    return asyncio.run(coroutine)
