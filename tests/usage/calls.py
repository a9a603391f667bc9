"""Usage rows as the ledger would have left them, many at a time."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from usage.models import AIProviderUsageLog


def make_calls(count, config, *, ago=timedelta(hours=1), at=None, cost="0.001", **overrides):
    """`count` successful calls of 100 + 50 tokens to `config`, 800 ms each, of `cost` USD (None: unknown).
    Others than successes used no tokens and cost nothing."""
    moment = at or timezone.now() - ago
    worked = overrides.get("status", "success") == "success"
    fields = {
        "provider_config": config,
        "provider_type": config.provider_type if config else "",
        "model_name": config.model_name if config else "",
        "task_type": "extraction",
        "plan": "freemium",
        "request_id": "0" * 32,
        "input_tokens": 100 if worked else 0,
        "output_tokens": 50 if worked else 0,
        "usage_source": "vendor" if worked else "none",
        "estimated_cost_usd": None if cost is None else Decimal(cost) if worked else Decimal(0),
        "status": "success",
        "latency_ms": 800,
        "created_at": moment,
        "settled_at": None if overrides.get("status") == "started" else moment + timedelta(seconds=1),
    } | overrides
    fields.setdefault("total_tokens", fields["input_tokens"] + fields["output_tokens"])
    AIProviderUsageLog.objects.bulk_create(AIProviderUsageLog(**fields) for _ in range(count))
