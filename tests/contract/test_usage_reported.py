"""Counts, models and tiers as servers really send them, through the vendors' own SDKs, to the bill."""

import json
from decimal import Decimal

import pytest

from accounts import concurrency
from accounts.models import User
from orchestration.calls.orchestrator import AIOrchestrator
from tests.contract.vendors import KEYS, Recorder
from tests.factories import make_config
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter, Status

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = 99_999_999_999_999_999_999


def openai(**fields):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-5-mini-2025-08-07",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100},
        **fields,
    }


def local(**fields):
    return {
        "id": "chat_1",
        "object": "chat.completion",
        "created": 1,
        "model": "house-model",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}
        ],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100},
        **fields,
    }


def claude(**fields):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": "Hello."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1_000, "output_tokens": 100},
        **fields,
    }


def gemini(**fields):
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "Hello."}]}, "finishReason": "STOP", "index": 0}
        ],
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 1_000, "candidatesTokenCount": 100, "totalTokenCount": 1_100},
        **fields,
    }


REPLY, CANDIDATE = openai()["output"], gemini()["candidates"][0]
BODIES = {"openai": openai, "local": local, "claude": claude, "gemini": gemini}


@pytest.fixture
def answer(user):
    """The usage row of a call whose vendor answers with this body, with the text that was returned."""

    def call(provider_type, body, *, model_name="my-deployment", headers=None):
        with Recorder(status=200, headers=headers, body=json.dumps(body).encode()) as server:
            make_config(
                provider_type=provider_type,
                model_name=model_name,
                base_url=server.url + ("/v1" if provider_type in {"openai", "local"} else ""),
                api_key=KEYS[provider_type],
            )
            asked = AIOrchestrator().generate(user=user, task="extraction", prompt="Say hello.")
            assert concurrency.run(asked).text == "Hello."
        return AIProviderUsageLog.objects.get()

    return call


def assert_books_are_closed():
    """No row is open, nothing is held, and the user's counters say what the row says."""
    row = AIProviderUsageLog.objects.get()
    counters = QuotaCounter.objects.filter(scope=f"user:{User.objects.get().pk}")
    assert row.status == Status.SUCCESS
    assert set(counters.values_list("used", "reserved")) == {(row.total_tokens, 0)}


def counts(provider_type, read, wrote):
    """What this vendor calls its counts."""
    names = {
        "openai": ("usage", "input_tokens", "output_tokens"),
        "local": ("usage", "prompt_tokens", "completion_tokens"),
        "claude": ("usage", "input_tokens", "output_tokens"),
        "gemini": ("usageMetadata", "promptTokenCount", "candidatesTokenCount"),
    }
    field, of_prompt, of_reply = names[provider_type]
    return {field: {of_prompt: read, of_reply: wrote}}


@pytest.mark.parametrize("provider_type", BODIES)
@pytest.mark.parametrize(
    ("read", "wrote"), [(0, 0), (5, 0), (0, 5), (-5, 3), (5, -3), (HUGE, 3), (5, HUGE)], ids=repr
)
def test_counts_that_cannot_be_true_are_estimated_and_the_row_is_closed(answer, provider_type, read, wrote):
    if provider_type == "gemini" and HUGE in (read, wrote):
        body = gemini(usageMetadata={"promptTokenCount": read, "candidatesTokenCount": wrote})
    else:
        body = BODIES[provider_type](**counts(provider_type, read, wrote))

    row = answer(provider_type, body)

    assert row.usage_source == "estimated"
    assert row.total_tokens == row.reserved_tokens > 0
    assert_books_are_closed()


@pytest.mark.parametrize("provider_type", ["openai", "local", "claude"])
@pytest.mark.parametrize(
    ("read", "wrote"), [(12.5, 3), (5, 3.5), ("12", "3"), (None, None), ([5], {})], ids=repr
)
def test_counts_that_are_no_whole_numbers_are_estimated(answer, provider_type, read, wrote):
    row = answer(provider_type, BODIES[provider_type](**counts(provider_type, read, wrote)))

    assert row.usage_source == "estimated"
    assert_books_are_closed()


@pytest.mark.parametrize("tier", [7, ["flex"], {"name": "flex"}, "\x00\ud800\u202eflex", "x" * 400], ids=repr)
@pytest.mark.parametrize("provider_type", ["openai", "local"])
def test_a_tier_that_is_none_keeps_no_row_open(answer, provider_type, tier):
    row = answer(provider_type, BODIES[provider_type](service_tier=tier, model=tier))

    assert len(row.service_tier) <= 30
    assert (row.service_tier + row.reported_model).isprintable()
    assert (row.usage_source, row.total_tokens) == ("vendor", 1_100)
    assert_books_are_closed()


@pytest.mark.parametrize(
    ("provider_type", "model", "cost"),
    [
        ("openai", "gpt-5-mini-2025-08-07", "0.00045"),
        ("claude", "claude-haiku-4-5-20251001", "0.0015"),
        ("gemini", "gemini-2.5-flash", "0.00055"),
    ],
)
def test_a_deployment_of_any_name_is_priced_by_the_model_that_answers(answer, provider_type, model, cost):
    row = answer(provider_type, BODIES[provider_type]())

    assert (row.model_name, row.reported_model) == ("my-deployment", model)
    assert row.estimated_cost_usd == Decimal(cost)


def test_a_reply_that_is_blocked_is_priced_by_the_model_that_answers(user):
    body = claude(stop_reason="refusal")
    with Recorder(status=200, body=json.dumps(body).encode()) as server:
        make_config(
            provider_type="claude", model_name="my-deployment", base_url=server.url, api_key=KEYS["claude"]
        )
        with pytest.raises(Exception, match="safety filter"):
            concurrency.run(AIOrchestrator().generate(user=user, task="extraction", prompt="Say hello."))

    row = AIProviderUsageLog.objects.get()
    assert (row.reported_model, row.estimated_cost_usd) == ("claude-haiku-4-5-20251001", Decimal("0.0015"))


def test_geminis_prompt_count_may_be_left_out(answer):
    row = answer("gemini", gemini(usageMetadata={"candidatesTokenCount": 100, "totalTokenCount": 1_100}))

    assert (row.usage_source, row.input_tokens, row.output_tokens) == ("vendor", 1_000, 100)


@pytest.mark.parametrize(("tier", "cost"), [("standard", Decimal("0.00055")), ("priority", None)])
def test_geminis_tier_comes_from_its_header(answer, tier, cost):
    row = answer("gemini", gemini(), headers={"X-Gemini-Service-Tier": tier.upper()})

    assert (row.service_tier, row.estimated_cost_usd) == (tier, cost)
    if cost is None:
        assert row.unit_prices == {"unpriced": "the service tier priority"}


def test_what_anthropic_keeps_for_an_hour_has_its_own_column_and_price(answer):
    usage = {
        "input_tokens": 1_000,
        "cache_creation_input_tokens": 3_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000},
        "output_tokens": 100,
    }

    row = answer("claude", claude(usage=usage))

    # $1 fresh, $1.25 for five minutes, $2 for an hour and $5 out, a million.
    assert (row.cache_write_tokens, row.cache_write_1h_tokens, row.input_tokens) == (3_000, 2_000, 4_000)
    assert row.estimated_cost_usd == Decimal("0.00675")
    assert row.unit_prices["cache_write_1h_mtok"] == "2"


@pytest.mark.parametrize(
    ("provider_type", "body", "unpriced"),
    [
        (
            "claude",
            claude(
                usage={
                    "input_tokens": 1_000,
                    "output_tokens": 100,
                    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
                }
            ),
            "web search",
        ),
        (
            "openai",
            openai(output=[{"type": "web_search_call", "id": "w"}, *openai()["output"]]),
            "web search",
        ),
        (
            "gemini",
            gemini(
                candidates=[gemini()["candidates"][0] | {"groundingMetadata": {"webSearchQueries": ["q"]}}]
            ),
            "web search",
        ),
        (
            "gemini",
            gemini(
                usageMetadata={
                    "promptTokenCount": 1_000,
                    "candidatesTokenCount": 100,
                    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 90}],
                }
            ),
            "sound or pictures made",
        ),
    ],
)
def test_what_is_billed_beside_text_makes_the_cost_unknown(answer, provider_type, body, unpriced):
    row = answer(provider_type, body)

    assert (row.estimated_cost_usd, row.unit_prices) == (None, {"unpriced": unpriced})
    assert (row.usage_source, row.total_tokens) == ("vendor", 1_100)


@pytest.mark.parametrize("typed", ["models/gemini-2.5-pro", "Gemini-2.5-Pro", " gemini-2.5-pro "])
def test_a_price_applies_however_it_was_typed(answer, typed):
    ModelPrice.objects.create(provider_type="gemini", model_name=typed, input_mtok=10, output_mtok=100)

    row = answer("gemini", gemini(modelVersion="gemini-2.5-pro"), model_name="models/gemini-2.5-pro")

    assert row.estimated_cost_usd == Decimal("0.02")
    assert row.unit_prices["source"] == "override"
