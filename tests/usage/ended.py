"""Usage rows as the ledger would have left them, for tests of what is counted."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from usage.models import AIProviderUsageLog

KINDS = ("rate_limited", "server", "auth")


def make_call(created_at, **overrides):
    """A successful call of 100 + 20 tokens that cost 0.001 USD and took 500 ms."""
    fields = {
        "provider_type": "openai",
        "model_name": "gpt-5-mini",
        "task_type": "extraction",
        "plan": "freemium",
        "request_id": "0" * 32,
        "attempt": 1,
        "input_tokens": 100,
        "output_tokens": 20,
        "usage_source": "vendor",
        "estimated_cost_usd": Decimal("0.001"),
        "status": "success",
        "latency_ms": 500,
        "created_at": created_at,
        "settled_at": created_at + timedelta(seconds=1),
    } | overrides
    fields.setdefault("total_tokens", fields["input_tokens"] + fields["output_tokens"])
    return AIProviderUsageLog.objects.create(**fields)


def make_refusal(created_at, kind="quota_exceeded", **overrides):
    """A call that asked no vendor."""
    nobody = {"provider_type": "", "model_name": "", "provider_config": None, "attempt": 0, "status": "error"}
    nothing = {"input_tokens": 0, "output_tokens": 0, "estimated_cost_usd": Decimal(0), "latency_ms": None}
    return make_call(created_at, error_kind=kind, **(nobody | nothing | overrides))


def make_many(count, *, start, end, users=(None,), configs=(None,), seed=1):
    """Calls of every sort at any moment of the stretch, the same for the same seed."""
    dice = random.Random(seed)
    rows = []
    for _ in range(count):
        status = dice.choices(["success", "error", "timeout", "aborted", "started"], [80, 8, 5, 5, 2])[0]
        refused = status == "error" and dice.random() < 0.3
        config = dice.choice(configs)
        read, written = (0, 0) if refused else (dice.randrange(1, 3000), dice.randrange(1, 900))
        cost = Decimal(read) * Decimal("0.000000123457") + Decimal(written) * Decimal("0.000002345679")
        moment = start + timedelta(
            microseconds=dice.randrange(int((end - start) / timedelta(microseconds=1)))
        )
        rows.append(
            AIProviderUsageLog(
                user=dice.choice(users),
                provider_config=None if refused else config,
                provider_type="" if refused else (config.provider_type if config else "openai"),
                model_name="" if refused else dice.choice(["fast", "best"]),
                task_type=dice.choice(["extraction", "cv_draft"]),
                plan=dice.choice(["freemium", "paygo"]),
                prompt_version=("", "standard", "warm")[len(rows) % 3],
                request_id="0" * 32,
                attempt=0 if refused else 1,
                input_tokens=read,
                output_tokens=written,
                total_tokens=read + written,
                estimated_cost_usd=None if dice.random() < 0.1 and not refused else cost,
                is_free=False,
                status=status,
                error_kind=dice.choice(KINDS) if status in ("error", "timeout") else "",
                latency_ms=None if refused else int(1.0004 ** dice.randrange(28_000)),
                created_at=moment,
                settled_at=None if status == "started" else moment + timedelta(seconds=1),
            )
        )
    return AIProviderUsageLog.objects.bulk_create(rows)


def by_hand(rows):
    """(calls, successes, refusals, tokens, cost, unpriced calls) of rows, added up in Python."""
    settled = [row for row in rows if row.status != "started"]
    calls = [row for row in settled if row.attempt]
    return (
        len(calls),
        sum(row.status == "success" for row in calls),
        sum(not row.attempt for row in settled),
        sum(row.total_tokens for row in settled),
        sum((row.estimated_cost_usd or Decimal(0) for row in settled), Decimal(0)),
        sum(row.estimated_cost_usd is None for row in calls),
    )


def counted(figures):
    """The same of figures."""
    cost = Decimal(figures.cost_picos) / 10**12
    return (
        figures.calls, figures.successes, figures.refusals, figures.total_tokens, cost, figures.unpriced_calls
    )  # fmt: skip


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)
