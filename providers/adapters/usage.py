"""What vendors say that a call used, in our one convention. A count is untrusted input like the rest of a
reply: whatever it is, what comes out is a usage that can be true, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeGuard

from providers.adapters.base import TokenUsage
from providers.adapters.reading import member, word
from providers.errors import ProviderError

# What a model that was given no tools may still have used, by the type of the item: each use has a fee.
_TOOLS_WITH_A_FEE = {
    "web_search_call": "web search",
    "file_search_call": "file search",
    "code_interpreter_call": "code interpreter",
    "image_generation_call": "image generation",
}
# Where Anthropic has no surcharge for the place (https://platform.claude.com/docs/en/build-with-claude/data-residency).
_ANYWHERE = (None, "", "global", "not_available")
# What costs at Google what text costs.
_WRITTEN_AS_TEXT = frozenset({"MODALITY_UNSPECIFIED", "TEXT"})
_READ_AS_TEXT = _WRITTEN_AS_TEXT | {"IMAGE", "VIDEO", "DOCUMENT"}


def anthropic_usage(usage: object, late: object = None, *, has_text: bool = False) -> TokenUsage | None:
    """Of a message. Anthropic counts input without what the cache read and wrote; ours includes both
    (https://docs.anthropic.com/en/api/messages#response-usage). `late` is a stream's closing count."""

    def count(name: str) -> object:
        value = member(late, name)
        return member(usage, name) if value is None else value

    fresh, read, written = (
        count("input_tokens"),
        count("cache_read_input_tokens") or 0,
        count("cache_creation_input_tokens") or 0,
    )
    if not (_is_count(fresh) and _is_count(read) and _is_count(written)):
        # What is wrong with a part could hide in the sum.
        return None
    return token_usage(
        input_tokens=fresh + read + written,
        output_tokens=count("output_tokens"),
        cached=read,
        cache_write=written,
        reasoning=member(count("output_tokens_details"), "thinking_tokens"),
        cache_write_1h=member(count("cache_creation"), "ephemeral_1h_input_tokens"),
        extras={
            "web search": member(count("server_tool_use"), "web_search_requests"),
            "inference in one region": count("inference_geo") not in _ANYWHERE,
        },
        has_text=has_text,
    )


def anthropic_tier(usage: object) -> str:
    """Tier and speed each have a price, and both at once have one that is in no list: two words then."""
    words = [word(member(usage, name)) for name in ("service_tier", "speed")]
    return " ".join(said for said in words if said not in ("", "standard")) or words[0]


def responses_usage(usage: object, items: object = (), *, has_text: bool = False) -> TokenUsage | None:
    """Of OpenAI's Responses API, whose input includes cached tokens and whose output includes reasoning, as
    ours do (https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage). `items`
    are the reply's, among which are the tools that were used."""
    read, written = (
        member(usage, "input_tokens_details"),
        member(usage, "output_tokens_details"),
    )
    kinds = [member(item, "type") for item in items] if isinstance(items, list) else []
    return token_usage(
        input_tokens=member(usage, "input_tokens"),
        output_tokens=member(usage, "output_tokens"),
        cached=member(read, "cached_tokens"),
        cache_write=member(read, "cache_write_tokens"),
        reasoning=member(written, "reasoning_tokens"),
        extras={label: kind in kinds for kind, label in _TOOLS_WITH_A_FEE.items()}
        | _sound_and_pictures(read, written),
        has_text=has_text,
    )


def completions_usage(usage: object, *, has_text: bool = False) -> TokenUsage | None:
    """Of chat completions: prompt tokens include cached ones and completion tokens include reasoning
    (https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage)."""
    read = member(usage, "prompt_tokens_details")
    written = member(usage, "completion_tokens_details")
    return token_usage(
        input_tokens=member(usage, "prompt_tokens"),
        output_tokens=member(usage, "completion_tokens"),
        cached=member(read, "cached_tokens"),
        cache_write=member(read, "cache_write_tokens"),
        reasoning=member(written, "reasoning_tokens"),
        extras=_sound_and_pictures(read, written),
        has_text=has_text,
    )


def _sound_and_pictures(read: object, written: object) -> dict[str, object]:
    """Pictures that a model looked at cost what text costs."""
    return {
        "sound read": member(read, "audio_tokens"),
        "sound made": member(written, "audio_tokens"),
        "pictures made": member(written, "image_tokens"),
    }


def gemini_usage(usage: object, *, has_searched: bool = False, has_text: bool = False) -> TokenUsage | None:
    """Gemini counts thoughts apart from the candidates and tool prompts apart from the prompt; ours includes
    both (https://ai.google.dev/api/generate-content#UsageMetadata). A count that is left out is what the
    others leave of the total."""

    def count(name: str) -> object:
        value = member(usage, name)
        return 0 if value is None else value

    prompt, candidates, thoughts = (
        count("promptTokenCount"),
        count("candidatesTokenCount"),
        count("thoughtsTokenCount"),
    )
    tools, total = count("toolUsePromptTokenCount"), count("totalTokenCount")
    if not isinstance(usage, Mapping) or not (
        _is_count(prompt) and _is_count(candidates) and _is_count(thoughts) and _is_count(tools)
    ):
        return None
    rest = max(0, (total if _is_count(total) else 0) - prompt - candidates - thoughts - tools)
    if usage.get("promptTokenCount") is None:
        prompt, rest = rest, 0
    return token_usage(
        input_tokens=prompt + tools,
        # Thoughts are not always told apart, and are in the total then.
        output_tokens=candidates + thoughts + rest,
        cached=usage.get("cachedContentTokenCount"),
        reasoning=thoughts,
        extras={
            "web search": has_searched,
            "sound read": _has_other_than(
                _READ_AS_TEXT,
                usage.get("promptTokensDetails"),
                usage.get("cacheTokensDetails"),
                usage.get("toolUsePromptTokensDetails"),
            ),
            "sound or pictures made": _has_other_than(_WRITTEN_AS_TEXT, usage.get("candidatesTokensDetails")),
        },
        has_text=has_text,
    )


def _has_other_than(usual: frozenset[str], *details: object) -> bool:
    return any(
        bool(member(count, "tokenCount")) and word(member(count, "modality")).upper() not in usual | {""}
        for counts in details
        for count in (counts if isinstance(counts, list) else ())
    )


def token_usage(
    *,
    input_tokens: object,
    output_tokens: object,
    cached: object = 0,
    cache_write: object = 0,
    reasoning: object = 0,
    cache_write_1h: object = 0,
    extras: Mapping[str, object] | None = None,
    has_text: bool = False,
) -> TokenUsage | None:
    """Counts in our convention (see TokenUsage); `extras` maps the name of each to what the vendor says of
    it, of which anything but nothing or zero means that it is billed.

    None when the vendor's counts are missing, absurd, or contradict each other or the reply (`has_text`: it
    holds text, which takes tokens to write and to ask for): then nothing is known, and the ledger falls back
    on an estimate that is marked as one.
    """
    try:
        usage = TokenUsage(
            # The class refuses what is no count.
            input_tokens=input_tokens,  # type: ignore[arg-type]
            output_tokens=output_tokens,  # type: ignore[arg-type]
            cached_tokens=0 if cached is None else cached,  # type: ignore[arg-type]
            cache_write_tokens=0 if cache_write is None else cache_write,  # type: ignore[arg-type]
            reasoning_tokens=0 if reasoning is None else reasoning,  # type: ignore[arg-type]
            cache_write_1h_tokens=0 if cache_write_1h is None else cache_write_1h,  # type: ignore[arg-type]
            extras=tuple(name for name, billed in (extras or {}).items() if billed),
        )
    except ValueError:
        return None
    wrote_nothing = not usage.output_tokens and has_text
    read_nothing = not usage.input_tokens and (has_text or usage.output_tokens > 0)
    return None if wrote_nothing or read_nothing or not usage.is_plausible else usage


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@contextmanager
def billed_as(*, model_name: object, service_tier: object) -> Iterator[None]:
    """A reply that turns out a failure inside is billed like any other, by this model and this tier."""
    try:
        yield
    except ProviderError as error:
        error.model_name, error.service_tier = word(model_name), word(service_tier)
        raise
