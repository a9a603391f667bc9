"""How hard each model is told to think: as little as it takes."""

import pytest

from providers.adapters.base import GenerationRequest
from providers.adapters.manner import effort_of
from tests.contract.vendors import make_adapter
from tests.scripted import RESPONSE, scripted


@pytest.mark.parametrize(
    ("vendor", "model", "effort"),
    [
        ("openai", "gpt-5-mini", "low"),
        ("openai", "GPT-5.4", "low"),
        ("openai", "gpt-5-pro", "high"),
        ("openai", "gpt-5-pro-2025-10-06", "high"),
        ("openai", "gpt-5.2-pro", "medium"),
        ("openai", "o4-mini-deep-research", "medium"),
        ("openai", "o3", "low"),
        ("openai", "o1-mini", ""),
        ("openai", "gpt-5-chat-latest", None),
        ("openai", "gpt-4.1", None),
        ("claude", "claude-opus-5", "low"),
        ("claude", "claude-haiku-4-5", None),
        ("gemini", "models/gemini-3-pro", "low"),
        ("gemini", "gemini-2.5-pro", None),
        ("local", "gpt-5", None),
    ],
)
def test_each_model_is_told_what_it_takes(vendor, model, effort):
    assert effort_of(vendor, model) == effort


@pytest.mark.parametrize(
    ("model", "reasoning", "temperature"),
    [("gpt-5-pro", {"effort": "high"}, None), ("o1-mini", None, None), ("gpt-4.1", None, 0.3)],
)
async def test_a_model_that_thinks_takes_no_temperature(model, reasoning, temperature):
    with scripted(lambda asked, number: (200, RESPONSE)) as server:
        adapter = make_adapter("openai", server.url, model_name=model)
        await adapter.generate_content(GenerationRequest(prompt="hello", temperature=0.3))
        await adapter.aclose()

    [asked] = server.asked
    assert (asked.get("reasoning"), asked.get("temperature")) == (reasoning, temperature)
