"""The cases in which other gateways billed wrongly, as the vendors report them, in our one convention.

Each is named for the issue that reports it; what they cost is tested in tests/usage/test_pricing.py.
"""

import pytest

from providers.adapters.base import MOST_TOKENS, TokenUsage
from providers.adapters.usage import (
    anthropic_tier,
    anthropic_usage,
    completions_usage,
    gemini_usage,
    responses_usage,
)

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
            "input_tokens": 100,
            "cache_creation_input_tokens": 3_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000},
            "output_tokens": 10,
        },
        TokenUsage(3_100, 10, cache_write_tokens=3_000, cache_write_1h_tokens=2_000),
        id="what is kept for an hour is told apart",
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
        {"candidatesTokenCount": 10, "thoughtsTokenCount": 5, "totalTokenCount": 55},
        TokenUsage(input_tokens=40, output_tokens=15, reasoning_tokens=5),
        id="a prompt count that is left out is the rest of the total",
    ),
    pytest.param(
        {"promptTokenCount": 40, "candidatesTokenCount": 10, "totalTokenCount": 90},
        TokenUsage(input_tokens=40, output_tokens=50),
        id="thoughts that are in the total only were written too",
    ),
    pytest.param(
        {"promptTokenCount": 40, "totalTokenCount": 40},
        TokenUsage(input_tokens=40),
        id="a blocked prompt has no candidates",
    ),
]


@pytest.mark.parametrize(("reported", "expected"), ANTHROPIC_CASES)
def test_anthropic_counts_the_cache_apart_from_the_input(reported, expected):
    assert anthropic_usage(reported) == expected


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

    assert responses_usage(responses) == expected
    assert completions_usage(completions) == expected


@pytest.mark.parametrize(("reported", "expected"), GEMINI_CASES)
def test_gemini_counts_thoughts_and_tool_prompts_apart(reported, expected):
    assert gemini_usage(reported) == expected
    assert gemini_usage(reported).total_tokens == reported["totalTokenCount"]


def test_a_server_that_tells_no_details_is_believed_in_the_rest():
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}

    assert completions_usage(usage) == TokenUsage(5, 3)


def test_a_streams_closing_count_replaces_its_opening_one():
    opening = {"input_tokens": 50, "cache_read_input_tokens": 20, "output_tokens": 1}
    closing = {"output_tokens": 33}

    assert anthropic_usage(opening, closing) == TokenUsage(70, 33, cached_tokens=20)


HUGE = 99_999_999_999_999_999_999
# What no count is, wherever it stands; beside a text, no count at all is none either.
NO_COUNTS = [0, 12.5, -1, HUGE, MOST_TOKENS + 1, "12", None, True, [12], {"n": 12}]


@pytest.mark.parametrize("wrong", NO_COUNTS, ids=repr)
@pytest.mark.parametrize("which", ["prompt", "reply"])
def test_a_count_that_cannot_be_right_beside_a_text_is_unknown(which, wrong):
    read, wrote = (wrong, 3) if which == "prompt" else (5, wrong)
    claude = {"input_tokens": read, "output_tokens": wrote}
    responses = {"input_tokens": read, "output_tokens": wrote}
    completions = {"prompt_tokens": read, "completion_tokens": wrote}

    assert anthropic_usage(claude, has_text=True) is None
    assert responses_usage(responses, has_text=True) is None
    assert completions_usage(completions, has_text=True) is None


@pytest.mark.parametrize("wrong", [wrong for wrong in NO_COUNTS if wrong not in (0, None)], ids=repr)
def test_a_part_that_cannot_be_right_makes_the_whole_unknown(wrong):
    for part in ("cached_tokens", "cache_write_tokens"):
        details = {part: wrong}
        openai = {"input_tokens": 5, "output_tokens": 3, "input_tokens_details": details}
        local = {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": details}
        assert responses_usage(openai) is None
        assert completions_usage(local) is None
    thoughts = {"reasoning_tokens": wrong}
    openai = {"input_tokens": 5, "output_tokens": 3, "output_tokens_details": thoughts}
    assert responses_usage(openai) is None
    for part in ("cache_read_input_tokens", "cache_creation_input_tokens"):
        assert anthropic_usage({"input_tokens": 5, "output_tokens": 3, part: wrong}) is None


@pytest.mark.parametrize("usage", [None, 42, "many", [], {"input_tokens": 5}, [None]], ids=repr)
def test_a_usage_that_is_none_is_unknown(usage):
    assert anthropic_usage(usage) is None
    assert responses_usage(usage) is None
    assert completions_usage(usage) is None


def test_nothing_read_and_nothing_written_is_believed_where_there_is_no_text():
    assert completions_usage({"prompt_tokens": 0, "completion_tokens": 0}) == TokenUsage()
    assert gemini_usage({"promptTokenCount": 40}) == TokenUsage(40)


@pytest.mark.parametrize(
    "reported",
    [
        {},
        {"totalTokenCount": 15, "candidatesTokenCount": 15},
        {"promptTokenCount": -5, "candidatesTokenCount": 3},
        {"promptTokenCount": 5, "candidatesTokenCount": 13, "thoughtsTokenCount": -3},
        {"promptTokenCount": 5, "candidatesTokenCount": HUGE},
        {"promptTokenCount": 5, "candidatesTokenCount": 3, "cachedContentTokenCount": 9},
    ],
    ids=repr,
)
def test_geminis_counts_beside_a_text_are_unknown_when_they_cannot_be_right(reported):
    assert gemini_usage(reported, has_text=True) is None


@pytest.mark.parametrize(
    ("reported", "extras"),
    [
        ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}, ("web search",)),
        ({"server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 3}}, ()),
        ({"inference_geo": "us"}, ("inference in one region",)),
        ({"inference_geo": "global"}, ()),
    ],
)
def test_anthropics_fees_beside_tokens_are_named(reported, extras):
    usage = {"input_tokens": 5, "output_tokens": 3} | reported

    assert anthropic_usage(usage).extras == extras


@pytest.mark.parametrize(
    ("reported", "tier"),
    [
        ({}, ""),
        ({"service_tier": "standard", "speed": "standard"}, "standard"),
        ({"service_tier": "batch"}, "batch"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": "priority", "speed": "fast"}, "priority fast"),
        ({"service_tier": 7, "speed": ["fast"]}, ""),
    ],
)
def test_anthropics_speed_is_a_tier(reported, tier):
    assert anthropic_tier({"input_tokens": 5, "output_tokens": 3, **reported}) == tier


def test_openais_sound_pictures_and_tools_are_named():
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "total_tokens": 8,
        "prompt_tokens_details": {"audio_tokens": 2, "image_tokens": 1},
        "completion_tokens_details": {"audio_tokens": 1},
    }
    items = [{"type": "web_search_call"}, None, 42]

    assert completions_usage(usage).extras == ("sound read", "sound made")
    assert responses_usage({"input_tokens": 5, "output_tokens": 3}, items).extras == ("web search",)


def test_geminis_sound_pictures_and_searches_are_named():
    def extras(has_searched=False, **details):
        reported = {"promptTokenCount": 5, "candidatesTokenCount": 3, **details}
        return gemini_usage(reported, has_searched=has_searched).extras

    looked = [{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 2}]
    assert extras(promptTokensDetails=looked) == ()
    assert extras(candidatesTokensDetails=looked) == ("sound or pictures made",)
    assert extras(promptTokensDetails=[{"modality": "AUDIO", "tokenCount": 2}]) == ("sound read",)
    assert extras(has_searched=True) == ("web search",)
