"""How a provider is doing right now, from what is known without asking the vendor. The list of providers and
the API judge by `health_of`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from accounts.percents import in_percent
from providers.errors import UndecryptableKey, flag_of
from providers.meaning import Flag
from providers.models import AIProviderConfig

Tone = Literal["good", "warning", "bad", "quiet"]
State = Literal["healthy", "degraded", "down", "untested", "inactive"]

# The calls that a provider's health is judged by.
RECENT = timedelta(hours=24)
EXPIRY_WARNING = timedelta(days=14)
HIGHEST_ERROR_RATE_PERCENT = 10
HIGHEST_LATENCY_MS = 5_000
# Below this a rate says more about chance than about the provider.
FEWEST_CALLS = 5

_OTHER_FLAG = Flag("refused", "The vendor refused this config.", "Test the key to try again.")


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """Calls of the last 24 hours: what a provider's health is judged by.

    `calls` are attempts that ended, without those the client gave up; `failed` those of them that the
    provider is to blame for. `avg_latency_ms` is of successful calls, None without any.
    """

    calls: int = 0
    failed: int = 0
    avg_latency_ms: int | None = None

    @property
    def error_rate(self) -> float | None:
        """Percent; None without calls."""
        return round(100 * self.failed / self.calls, 2) if self.calls else None


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """`state` is for programs; `tone`, `label` and `reason` are a chip for people and what to do, empty when
    nothing is. An inactive config's chip tells how it would do. `reasons` are sentences, one for each thing
    that is wrong; a healthy config has none."""

    state: State
    tone: Tone
    label: str
    reason: str
    reasons: tuple[str, ...]
    key_is_readable: bool
    fails_too_often: bool
    is_slow: bool


@dataclass(frozen=True, slots=True)
class KeyState:
    """`shown` is what a person may see of the key."""

    tone: Tone
    label: str
    shown: str
    reason: str = ""


class _Trouble(NamedTuple):
    """`what` is wrong and what `to_do` about it, in sentences."""

    tone: Tone
    label: str
    what: str
    to_do: str = ""

    @property
    def reason(self) -> str:
        return f"{self.what} {self.to_do}".strip()


_UNREADABLE = _Trouble("bad", "unreadable", "The stored key cannot be decrypted, re-enter it.")
# Nothing is wrong.
_WORKS = _Trouble("good", "works", "")
_NOT_TESTED = _Trouble("quiet", "not tested", "")
_HEALTHY = _Trouble("good", "healthy", "")
_UNPROVEN = _Trouble("quiet", "unproven", "", "Test the key, or wait for its next call.")
_REACHED = _Trouble(
    "warning",
    "unproven",
    "The server was reached, but its list needs no key.",
    "Only a call shows whether calls work.",
)


def key_state(config: AIProviderConfig, *, now: datetime) -> KeyState:
    """The state of the stored key: readable, accepted, not expired. Decrypts it, and keeps none of it."""
    key = _revealed(config)
    if key is None:
        return KeyState(_UNREADABLE.tone, _UNREADABLE.label, "••••", _UNREADABLE.reason)
    shown = f"••••{config.key_hint}" if key else "no key"
    calm = _WORKS if config.last_test_success else _NOT_TESTED
    if reached_only(config):
        # No fault of the key's, and calls may have proven it since.
        calm = _REACHED._replace(tone="quiet")
    worst = next(_troubles_of_key(config, now), calm)
    return KeyState(worst.tone, worst.label, shown, worst.reason)


def health_of(config: AIProviderConfig, recent: RecentCalls, *, now: datetime) -> HealthVerdict:
    """One verdict over the key, flag, last test and expiry, and the calls of the last 24 hours."""
    is_readable = _revealed(config) is not None
    troubles = [] if is_readable else [_UNREADABLE]
    troubles += _troubles_of_key(config, now)
    strains = list(_strains(recent))
    down = [trouble for trouble in troubles if trouble.tone == "bad"]
    is_untested = config.last_test_success is None and recent.calls == 0
    calm = _HEALTHY
    if is_untested:
        calm = _REACHED if reached_only(config) else _UNPROVEN
    worst = next(iter((*down, *strains, *troubles)), calm)
    return HealthVerdict(
        state=_state(config, is_down=bool(down), is_strained=bool(strains), is_untested=is_untested),
        tone=worst.tone,
        label=worst.label,
        reason=worst.reason,
        reasons=tuple(trouble.what for trouble in (*down, *strains)),
        key_is_readable=is_readable,
        fails_too_often=_fails_too_often(recent),
        is_slow=_is_slow(recent),
    )


def reached_only(config: AIProviderConfig) -> str:
    """What the last test left open, when the server gave its list and would have given it to any key; else
    empty."""
    is_open = config.last_tested_at is not None and config.last_test_success is None
    return _REACHED.reason if is_open else ""


def flag_sentence(reason: str) -> str:
    """Why a config was flagged, for a person."""
    return (flag_of(reason) or _OTHER_FLAG).what


def _revealed(config: AIProviderConfig) -> str | None:
    """None for a key that cannot be decrypted."""
    try:
        return str(config.api_key_encrypted.reveal())
    except UndecryptableKey:
        return None


def _state(config: AIProviderConfig, *, is_down: bool, is_strained: bool, is_untested: bool) -> State:
    if not config.is_active:
        return "inactive"
    if is_down:
        return "down"
    if is_strained:
        return "degraded"
    return "untested" if is_untested else "healthy"


def _troubles_of_key(config: AIProviderConfig, now: datetime) -> Iterator[_Trouble]:
    """The worst first; of a key that can be decrypted."""
    expires = config.key_expires_at
    if config.flagged_at:
        flag = flag_of(config.flag_reason) or _OTHER_FLAG
        yield _Trouble("bad", flag.label, flag.what, flag.to_do)
    if expires and expires <= now:
        yield _Trouble("bad", "expired", "The key has expired.", "Enter a new one.")
    if config.last_test_success is False and not config.flagged_at:
        yield _Trouble(
            "bad", "failed its test", "The last test of the key failed.", "Test it again or enter a new one."
        )
    if expires and now < expires < now + EXPIRY_WARNING:
        yield _Trouble("warning", "expires soon", "The key expires soon.", "Enter a new one before it does.")


def _strains(recent: RecentCalls) -> Iterator[_Trouble]:
    if _fails_too_often(recent):
        what = f"{in_percent((recent.error_rate or 0) / 100)} of the calls of the last 24 hours failed."
        yield _Trouble("warning", "many errors", what)
    if _is_slow(recent):
        what = f"Answers took {recent.avg_latency_ms} ms on average over the last 24 hours."
        yield _Trouble("warning", "slow", what)


def _fails_too_often(recent: RecentCalls) -> bool:
    return recent.calls >= FEWEST_CALLS and (recent.error_rate or 0) > HIGHEST_ERROR_RATE_PERCENT


def _is_slow(recent: RecentCalls) -> bool:
    return recent.calls >= FEWEST_CALLS and (recent.avg_latency_ms or 0) > HIGHEST_LATENCY_MS
