"""What a caller of the orchestrator gets back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from providers.adapters.base import TokenUsage
from providers.adapters.conversation import ToolCall
from usage.ledger.base import QuotaWarning


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """One answered question. `parsed` is an instance of the `response_model` asked for.

    `cost_usd` is the sum over all attempts (None when the price of any of them is unknown); `usage` and
    `latency_ms` are those of the answering attempt; `attempts` counts the HTTP requests made.
    `provider_config_id` is None when the key came from the environment. `degraded` names what the model does
    not do by itself and was made up for ("structured_output": the form was asked for by prompt). `votes` is
    how many models' answers are in it, 0 where the task takes no votes; `agreement` is set when it is more
    than one: the share of them, by field of `parsed`, that gave the value in it. `quota_warnings` are the
    user's quotas of which more than 80 % are taken now. `finish_reason` and `tool_calls` are those of the
    reply; `unheard` names wishes (temperature, top_p) that the model does not take.
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


def usage_body(result: GenerationResult | None) -> dict[str, Any]:
    """Tokens as the API shows them; `source` says whether the vendor counted or we estimated, "none" that no
    model was asked."""
    usage = result.usage if result else TokenUsage()
    return {
        "input": usage.input_tokens,
        "cached": usage.cached_tokens,
        "output": usage.output_tokens,
        "reasoning": usage.reasoning_tokens,
        "total": usage.total_tokens,
        "source": result.usage_source if result else "none",
    }
