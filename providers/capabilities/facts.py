"""What each model can do: an admin's word, else the vendor's list, else rules over names, else it cannot.

The first two are rows (`providers.models.ModelCapability`, read by `matrix`). The rules' facts are
the vendors' own: https://ai.google.dev/gemini-api/docs/models, https://platform.openai.com/docs/models,
https://docs.anthropic.com/en/docs/about-claude/models and
https://platform.claude.com/docs/en/build-with-claude/structured-outputs. A family that a vendor goes on
numbering is covered ahead: no vendor has taken a capability back from a successor.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from providers.model_names import plain_name


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`context_window` and `max_output_tokens` in tokens; None is unknown. Any model takes and gives text."""

    vision: bool = False
    structured_output: bool = False
    streaming: bool = False
    context_window: int | None = None
    max_output_tokens: int | None = None


UNKNOWN = Capabilities()
FEATURES = ("vision", "structured_output", "streaming")
SIZES = ("context_window", "max_output_tokens")
FACTS = (*FEATURES, *SIZES)


def _sees(window: int | None = None, output: int | None = None) -> Capabilities:
    return Capabilities(True, True, True, window, output)


def _reads(window: int | None = None, output: int | None = None) -> Capabilities:
    return Capabilities(False, True, True, window, output)


_Rules = list[tuple[str, Capabilities]]

_SANDBOX: _Rules = [
    (r"sandbox-text", _reads(1_000_000, 64_000)),
    (r"sandbox-plain", Capabilities(True, False, True, 1_000_000, 64_000)),
    (r"sandbox-.*", _sees(1_000_000, 64_000)),
]
# Models that make pictures, speech or vectors share their families' names but not their abilities.
_GEMINI_TEXT = r"(?!.*(image|tts|live|audio|embedding|robotics))"
_OPENAI_TEXT = r"(?!.*(audio|realtime|image|transcribe|tts|search|live))"

# The first rule that matches a whole name wins.
_RULES: dict[str, _Rules] = {
    "gemini": [
        (_GEMINI_TEXT + r"gemini-1\.5-pro.*", _sees(2_097_152, 8_192)),
        (_GEMINI_TEXT + r"gemini-(1\.5|2\.0)-flash.*", _sees(1_048_576, 8_192)),
        (_GEMINI_TEXT + r"gemini-(2\.5|[3-9]|[3-9]\.\d+)-.*", _sees(1_048_576, 65_536)),
        # "gemini-flash-latest": whichever of the above is newest.
        (_GEMINI_TEXT + r"gemini-(pro|flash|flash-lite)-latest", _sees(1_048_576, 65_536)),
    ],
    "openai": [
        (r"chatgpt-4o-latest", Capabilities(True, False, True, 128_000, 16_384)),
        (r"gpt-4o-2024-05-13", Capabilities(True, False, True, 128_000, 4_096)),
        (_OPENAI_TEXT + r"(ft:)?gpt-4o(-.*)?", _sees(128_000, 16_384)),
        (_OPENAI_TEXT + r"(ft:)?gpt-4\.1(-.*)?", _sees(1_047_576, 32_768)),
        (r"gpt-4-turbo(-.*)?", Capabilities(True, False, True, 128_000, 4_096)),
        (r"gpt-4(-0613)?", Capabilities(False, False, True, 8_192, 8_192)),
        (r"gpt-3\.5-turbo(-.*)?", Capabilities(False, False, True, 16_385, 4_096)),
        (r"o1-(mini|preview).*", Capabilities(False, False, True, 128_000, 32_768)),
        (r"o3-mini.*", _reads(200_000, 100_000)),
        (r"(o1|o3|o4-mini)(-pro)?(-20\d\d-.*)?", _sees(200_000, 100_000)),
        (r"codex-mini-latest", _sees(200_000, 100_000)),
        (r"gpt-5(\.\d+)?-chat.*", _sees(128_000, 16_384)),
        (_OPENAI_TEXT + r"gpt-5(\.[123])?(-(mini|nano|pro|codex))?(-20\d\d-.*)?", _sees(400_000, 128_000)),
        (_OPENAI_TEXT + r"gpt-5\.\d+-(mini|nano)(-.*)?", _sees(400_000, 128_000)),
        (_OPENAI_TEXT + r"gpt-([5-9]|\d\d)(\.\d+)?(-.*)?", _sees(1_000_000, 128_000)),
    ],
    "claude": [
        (r"claude-3-.*", Capabilities(True, False, True, 200_000, 8_192)),
        (r"claude-(opus|sonnet)-4(-0|-20\d{6})?", Capabilities(True, False, True, 200_000, 32_000)),
        (r"claude-opus-4-1(-.*)?", _sees(200_000, 32_000)),
        (r"claude-(opus|sonnet|haiku)-4-5(-.*)?", _sees(200_000, 64_000)),
        (r"claude-[a-z]+-(4-[6-9]|[5-9])(-.*)?", _sees(1_000_000, 128_000)),
    ],
    # Servers hold any model to a JSON schema by grammar. Windows are what the server was started with.
    "local": [
        (r".*(llava|bakllava|moondream|minicpm-v|pixtral|internvl|granite.*vision).*", _sees()),
        (r".*(llama-?3\.2-?.*vision|llama-?4|qwen.*vl|gemma-?[34]|mistral-small-?3|smolvlm).*", _sees()),
        (r".*(smollm|llama|qwen|mistral|mixtral|ministral|gemma|phi|deepseek|gpt-oss|granite|command-r).*",
         _reads()),
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapabilityMatrix:
    """What is known of every model, frozen. `known` has what rows say, by provider type and plain name, with
    the rules' facts filled in already; a model without a row is what the rules say. `refused` has the
    parameters that models have refused (`providers.capabilities.parameters`)."""

    known: Mapping[tuple[str, str], Capabilities] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, provider_type: str, model_name: str) -> Capabilities:
        """UNKNOWN (text only) where nothing is known."""
        row = self.known.get((provider_type, plain_name(model_name))) if self.known else None
        return row or capabilities_of(provider_type, model_name)

    def refused_by(self, provider_type: str, model_name: str) -> frozenset[str]:
        """What the model is known not to take of a request."""
        if not self.refused:
            return frozenset()
        return self.refused.get((provider_type, plain_name(model_name)), frozenset())


@lru_cache(maxsize=1024)
def capabilities_of(provider_type: str, model_name: str) -> Capabilities:
    """What the rules know of this model of this provider type; UNKNOWN where they know nothing."""
    name = plain_name(model_name)
    rules = _SANDBOX + _RULES.get(provider_type, [])
    for pattern, capabilities in rules:
        if re.fullmatch(pattern, name):
            return capabilities
    return UNKNOWN
