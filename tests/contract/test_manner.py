"""How a policy's wishes reach each vendor: effort, service tier, and what is kept of a prompt."""

from dataclasses import replace

import pytest

from providers.adapters.base import GenerationRequest, Image
from providers.adapters.manner import Manner
from tests.contract.vendors import make_adapter
from tests.scripted import GENERATED, MESSAGE, RESPONSE, chat_reply, scripted

REPLIES = {"openai": RESPONSE, "claude": MESSAGE, "gemini": GENERATED, "local": chat_reply()}
THINKING = ("generationConfig", "thinkingConfig")
# 1,500 tokens or so of a person, and what is asked of them this time.
PERSON, QUESTION = "Led a team of nine. " * 300, "\n\nWrite a letter."


async def sent(vendor, model, request):
    """The body that leaves for the vendor."""
    with scripted(lambda asked, number: (200, REPLIES[vendor])) as server:
        url = server.url if vendor in {"openai", "local"} else server.url.removesuffix("/v1")
        adapter = make_adapter(vendor, url, model_name=model)
        await adapter.generate_content(request)
        await adapter.aclose()
    [asked] = server.asked
    return asked


def asking(**manner):
    return GenerationRequest(
        prompt=PERSON + QUESTION, system_prompt="Be true.", stable=len(PERSON), manner=Manner(**manner)
    )


@pytest.mark.parametrize(
    ("vendor", "model", "path", "efforts"),
    [
        ("openai", "gpt-5-mini", ("reasoning", "effort"), ("low", "medium", "high")),
        ("openai", "gpt-5.2-pro", ("reasoning", "effort"), ("medium", "medium", "high")),
        ("openai", "gpt-4.1", ("reasoning", "effort"), (None, None, None)),
        ("claude", "claude-opus-5", ("output_config", "effort"), ("low", "medium", "high")),
        ("claude", "claude-haiku-4-5", ("output_config", "effort"), (None, None, None)),
        ("gemini", "gemini-3-pro", (*THINKING, "thinkingLevel"), ("LOW", "MEDIUM", "HIGH")),
        ("gemini", "gemini-2.5-pro", (*THINKING, "thinkingBudget"), (512, 1024, 1536)),
        ("local", "qwen3", ("reasoning_effort",), (None, "medium", "high")),
    ],
)
async def test_a_wished_effort_is_told_as_far_as_the_model_takes_one(vendor, model, path, efforts):
    found = []
    for wish in ("", "medium", "high"):
        told = await sent(vendor, model, asking(effort=wish))
        for step in path:
            told = (told or {}).get(step)
        found.append(told)

    assert tuple(found) == efforts


@pytest.mark.parametrize(
    ("vendor", "model", "name"),
    [
        ("openai", "gpt-5-mini", "service_tier"),
        ("gemini", "gemini-2.5-pro", "serviceTier"),
        ("local", "m", "service_tier"),
    ],
)
async def test_a_service_tier_is_asked_for_where_one_is_wished(vendor, model, name):
    plain, flex = [await sent(vendor, model, asking(service_tier=tier)) for tier in ("", "flex")]

    assert name not in plain
    assert flex == plain | {name: "flex"}


@pytest.mark.parametrize("kept", ["5m", "1h"])
async def test_claude_is_told_where_what_comes_again_ends(kept):
    plain, marked = [await sent("claude", "claude-sonnet-4-5", asking(cache_for=how)) for how in ("", kept)]

    assert plain["messages"][0]["content"] == [{"type": "text", "text": PERSON + QUESTION}]
    assert marked["messages"][0]["content"] == [
        {"type": "text", "text": PERSON, "cache_control": {"type": "ephemeral", "ttl": kept}},
        {"type": "text", "text": QUESTION},
    ]
    assert marked | {"messages": None} == plain | {"messages": None}


async def test_claude_keeps_a_long_system_prompt_where_nothing_else_comes_again():
    request = GenerationRequest(prompt="Go.", system_prompt=PERSON, manner=Manner(cache_for="5m"))

    asked = await sent("claude", "claude-sonnet-4-5", request)

    [block] = asked["system"]
    assert (block["text"], block["cache_control"]) == (PERSON, {"type": "ephemeral", "ttl": "5m"})


@pytest.mark.parametrize(
    ("model", "change"),
    [
        ("claude-haiku-4-5", {}),
        ("claude-sonnet-4-5", {"stable": 400}),
        ("claude-sonnet-4-5", {"images": (Image(b"x", "image/png"),)}),
    ],
    ids=["less than this model keeps", "little comes again", "a picture stands before it"],
)
async def test_what_would_not_be_kept_is_not_marked(model, change):
    asking_for = {"prompt": PERSON + QUESTION, "stable": len(PERSON)} | change

    asked = await sent("claude", model, GenerationRequest(**asking_for, manner=Manner(cache_for="5m")))

    assert "cache_control" not in str(asked)


async def test_openai_gets_one_key_for_all_that_begins_alike():
    plain = await sent("openai", "gpt-5-mini", asking())
    first = await sent("openai", "gpt-5-mini", asking(cache_for="5m"))
    other = replace(asking(cache_for="1h"), prompt=PERSON + "Another.")
    second = await sent("openai", "gpt-5-mini", other)
    stranger = replace(asking(cache_for="1h"), prompt="I " + PERSON)
    third = await sent("openai", "gpt-5-mini", stranger)

    assert first == plain | {"prompt_cache_key": first["prompt_cache_key"]}
    assert first["prompt_cache_key"] == second["prompt_cache_key"] != third["prompt_cache_key"]
    assert PERSON[:8] not in first["prompt_cache_key"]


async def test_an_openai_model_that_takes_a_mark_keeps_nothing_beyond_it():
    asked = await sent("openai", "gpt-5.6-mini", asking(cache_for="5m"))

    assert asked["input"][0]["content"] == [
        {"type": "input_text", "text": PERSON, "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_text", "text": QUESTION},
    ]
    assert asked["prompt_cache_options"] == {"mode": "explicit"}


@pytest.mark.parametrize(("vendor", "model"), [("gemini", "gemini-2.5-pro"), ("local", "qwen3")])
async def test_who_keeps_prompts_unasked_is_not_asked(vendor, model):
    plain, kept = [await sent(vendor, model, asking(cache_for=how)) for how in ("", "1h")]

    assert kept == plain
