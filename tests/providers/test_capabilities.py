import pytest

from providers.capabilities.facts import UNKNOWN, Capabilities, CapabilityMatrix, capabilities_of
from providers.registry import PROVIDER_TYPES


@pytest.mark.parametrize(
    ("provider_type", "model", "vision", "structured", "window"),
    [
        ("gemini", "gemini-2.5-flash", True, True, 1_048_576),
        ("gemini", "models/gemini-2.5-pro", True, True, 1_048_576),
        ("gemini", "gemini-1.5-pro", True, True, 2_097_152),
        ("gemini", "gemini-3.8-flash", True, True, 1_048_576),
        ("openai", "gpt-5-mini", True, True, 400_000),
        ("openai", "gpt-5-2025-08-07", True, True, 400_000),
        ("openai", "gpt-4o-mini", True, True, 128_000),
        ("openai", "ft:gpt-4o-mini:acme::a1", True, True, 128_000),
        ("openai", "o3-mini", False, True, 200_000),
        ("openai", "gpt-3.5-turbo", False, False, 16_385),
        ("claude", "claude-haiku-4-5", True, True, 200_000),
        ("gemini", "gemini-flash-latest", True, True, 1_048_576),
        ("gemini", "models/gemini-flash-lite-latest", True, True, 1_048_576),
        ("gemini", "Gemini-Pro-Latest", True, True, 1_048_576),
        ("openai", "chatgpt-4o-latest", True, False, 128_000),
        ("openai", "codex-mini-latest", True, True, 200_000),
        ("claude", "claude-3-5-haiku-latest", True, False, 200_000),
        ("claude", "claude-sonnet-4-5-20250929", True, True, 200_000),
        ("claude", "claude-3-haiku-20240307", True, False, 200_000),
        ("claude", "claude-sonnet-4-20250514", True, False, 200_000),
        ("claude", "claude-opus-5-5", True, True, 1_000_000),
        ("local", "SmolLM2-135M-Instruct", False, True, None),
        ("local", "qwen2.5vl:7b", True, True, None),
        ("local", "llama3.2:1b", False, True, None),
        ("local", "llama3.2-vision:11b", True, True, None),
    ],
)
def test_it_knows_what_a_model_can_do(provider_type, model, vision, structured, window):
    known = capabilities_of(provider_type, model)

    assert (known.vision, known.structured_output, known.context_window) == (vision, structured, window)


@pytest.mark.parametrize(
    ("provider_type", "model"),
    [
        ("openai", "never-heard-of-it"),
        ("openai", "gpt-image-2"),
        ("openai", "gpt-4o-realtime-preview"),
        ("gemini", "gemini-2.5-flash-image"),
        ("gemini", "gemini-embedding-001"),
        ("gemini", "gemini-flash-image-latest"),
        ("gemini", "gemini-flash-live-latest"),
        ("claude", "gpt-5"),
        ("no-such-type", "gpt-5"),
        ("openai", ""),
    ],
)
def test_unknown_means_no(provider_type, model):
    assert capabilities_of(provider_type, model) == UNKNOWN == Capabilities()


@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_the_sandboxs_models_can_do_the_same_for_every_vendor(provider_type):
    assert capabilities_of(provider_type, "sandbox-mini@rate_limited=2").vision is True
    assert capabilities_of(provider_type, "sandbox-mini").structured_output is True
    assert capabilities_of(provider_type, "sandbox-text@slow=1").vision is False
    assert capabilities_of(provider_type, "sandbox-plain").structured_output is False


def test_a_row_counts_more_than_the_rules_and_any_other_model_is_as_they_say():
    seen = Capabilities(vision=True, context_window=4096)
    matrix = CapabilityMatrix({("openai", "gpt-3.5-turbo"): seen})

    assert matrix.of("openai", "GPT-3.5-turbo") == seen
    assert matrix.of("openai", "gpt-4o") == capabilities_of("openai", "gpt-4o")
    assert matrix.of("claude", "gpt-3.5-turbo") == UNKNOWN
