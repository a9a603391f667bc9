"""The cases in which other gateways billed wrongly, as the vendors report them, in our one convention.

Each is named for the issue that reports it; what they cost is tested in tests/usage/test_pricing.py.
"""

import pytest
from anthropic.types import MessageDeltaUsage, Usage
from google.genai.types import GenerateContentResponseUsageMetadata
from openai.types import CompletionUsage
from openai.types.responses import ResponseUsage

from providers.adapters import claude, gemini, local, openai
from providers.adapters.base import TokenUsage

ANTHROPIC_CASES = [
    pytest.param(
        {"input_tokens": 56_322, "cache_read_input_tokens": 72_960, "output_tokens": 87},
        TokenUsage(input_tokens=129_282, cached_tokens=72_960, output_tokens=87),
        id="QuantumNous/new-api#5003",
    ),
    pytest.param(
        {
            "input_tokens": 13_646,
            "cache_creation_input_tokens": 10_769,
            "cache_read_input_tokens": 15_108,
            "output_tokens": 24,
        },
        TokenUsage(input_tokens=39_523, cached_tokens=15_108, cache_write_tokens=10_769, output_tokens=24),
        id="Wei-Shaw/sub2api#2944",
    ),
    pytest.param(
        {
            "input_tokens": 14_000,
            "cache_read_input_tokens": 155_000,
            "cache_creation_input_tokens": 3_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 3_000, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 0,
        },
        TokenUsage(input_tokens=172_000, cached_tokens=155_000, cache_write_tokens=3_000),
        id="BerriAI/litellm#35127",
    ),
    pytest.param(
        {
            "input_tokens": 12,
            "cache_read_input_tokens": None,
            "cache_creation_input_tokens": None,
            "output_tokens": 90,
            "output_tokens_details": {"thinking_tokens": 70},
        },
        TokenUsage(input_tokens=12, output_tokens=90, reasoning_tokens=70),
        id="thinking is inside the output",
    ),
]
OPENAI_CASES = [
    pytest.param(
        {"input": 6_074, "cached": 3_456, "output": 285, "reasoning": 0},
        TokenUsage(input_tokens=6_074, cached_tokens=3_456, output_tokens=285),
        id="BerriAI/litellm#26807",
    ),
    pytest.param(
        {"input": 17, "cached": 0, "output": 482, "reasoning": 448},
        TokenUsage(input_tokens=17, output_tokens=482, reasoning_tokens=448),
        id="BerriAI/litellm#18599",
    ),
]
GEMINI_CASES = [
    pytest.param(
        {
            "promptTokenCount": 7,
            "candidatesTokenCount": 124,
            "thoughtsTokenCount": 1_097,
            "totalTokenCount": 1_228,
        },
        TokenUsage(input_tokens=7, output_tokens=1_221, reasoning_tokens=1_097),
        id="QuantumNous/new-api#1103",
    ),
    pytest.param(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 60,
            "toolUsePromptTokenCount": 25,
            "candidatesTokenCount": 10,
            "totalTokenCount": 135,
        },
        TokenUsage(input_tokens=125, cached_tokens=60, output_tokens=10),
        id="tool prompts are input, the cache is part of it",
    ),
    pytest.param(
        {"promptTokenCount": 40, "totalTokenCount": 40},
        TokenUsage(input_tokens=40),
        id="a blocked prompt has no candidates",
    ),
]


@pytest.mark.parametrize(("reported", "expected"), ANTHROPIC_CASES)
def test_anthropic_counts_the_cache_apart_from_the_input(reported, expected):
    assert claude.usage_from(Usage.model_validate(reported)) == expected


@pytest.mark.parametrize(("reported", "expected"), OPENAI_CASES)
def test_openai_counts_the_cache_inside_the_input_and_reasoning_inside_the_output(reported, expected):
    responses = {
        "input_tokens": reported["input"],
        "input_tokens_details": {"cached_tokens": reported["cached"], "cache_write_tokens": 0},
        "output_tokens": reported["output"],
        "output_tokens_details": {"reasoning_tokens": reported["reasoning"]},
        "total_tokens": reported["input"] + reported["output"],
    }
    completions = {
        "prompt_tokens": reported["input"],
        "prompt_tokens_details": {"cached_tokens": reported["cached"]},
        "completion_tokens": reported["output"],
        "completion_tokens_details": {"reasoning_tokens": reported["reasoning"]},
        "total_tokens": reported["input"] + reported["output"],
    }

    assert openai.usage_from(ResponseUsage.model_validate(responses)) == expected
    assert local.usage_from(CompletionUsage.model_validate(completions)) == expected


@pytest.mark.parametrize(("reported", "expected"), GEMINI_CASES)
def test_gemini_counts_thoughts_and_tool_prompts_apart(reported, expected):
    usage = GenerateContentResponseUsageMetadata.model_validate(reported)

    assert gemini.usage_from(usage) == expected
    assert gemini.usage_from(usage).total_tokens == reported["totalTokenCount"]


def test_a_server_that_tells_no_details_is_believed_in_the_rest():
    usage = CompletionUsage.model_validate({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8})

    assert local.usage_from(usage) == TokenUsage(5, 3)


def test_a_streams_closing_count_replaces_its_opening_one():
    opening = Usage.model_validate({"input_tokens": 50, "cache_read_input_tokens": 20, "output_tokens": 1})
    closing = MessageDeltaUsage.model_validate({"output_tokens": 33})

    assert claude.usage_from(opening, closing) == TokenUsage(70, 33, cached_tokens=20)


@pytest.mark.parametrize(
    "reported",
    [
        {"prompt_tokens": None, "completion_tokens": 3, "total_tokens": 3},
        {"prompt_tokens": "12", "completion_tokens": 3, "total_tokens": 15},
        {"prompt_tokens": 5, "completion_tokens": -1, "total_tokens": 4},
        {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}},
    ],
)
def test_counts_that_cannot_be_right_are_unknown_rather_than_wrong(reported):
    # `construct` is what the SDK does: it does not validate what a server sent.
    usage = CompletionUsage.construct(**reported)

    assert local.usage_from(usage) is None
