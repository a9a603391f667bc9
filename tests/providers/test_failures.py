"""What is read from headers and texts on the way to an error's kind."""

import pytest

from providers.adapters.failures import machine_code, retry_after_seconds
from providers.adapters.gemini import _thinking

NOON = 1_795_262_400.0  # 2026-11-21T12:00:00Z


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after_seconds({"Retry-After": value}, now=NOON) == seconds


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("insufficient_quota", "insufficient_quota"),
        (429, "429"),
        (None, ""),
        ("Your key sk-abc is wrong", ""),
        ("x" * 65, ""),
    ],
)
def test_only_what_looks_like_a_code_is_kept_as_one(code, kept):
    assert machine_code(code) == kept


@pytest.mark.parametrize(
    ("model", "max_output_tokens", "budget"),
    [
        ("gemini-2.5-flash", 1536, 0),
        ("gemini-2.5-flash", 4096, 1024),
        ("models/gemini-2.5-pro", 256, 128),
        ("gemini-2.5-pro", 4096, 1024),
        ("gemini-flash-latest", 4096, 1024),
        ("gemini-flash-lite-latest", 256, 0),
        ("models/gemini-pro-latest", 256, 128),
    ],
)
def test_geminis_thoughts_leave_room_for_the_reply(model, max_output_tokens, budget):
    assert _thinking(model, max_output_tokens, wish="") == {"thinkingBudget": budget}
