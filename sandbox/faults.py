"""Misbehaviour on request.

A fault is `name` or `name=argument`; several are joined by `@`, as in `slow=0.2@rate_limited=30`. They come
with the model's name (`sandbox-mini@server`), with the header `x-sandbox-fault`, or from the desk, which
holds what was posted to `/_sandbox/faults` for the next calls.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# Replies that are an error in the vendor's own words and status.
ERRORS = {
    "auth": "the key is refused",
    "forbidden": "the key may not do this",
    "billing": "the account has no credit left",
    "not_found": "there is no such model",
    "bad_request": "the request is malformed",
    "unprocessable": "the request cannot be processed",
    "unsupported": "a parameter that the model does not take",
    "failed_dependency": "something on the way failed (424)",
    "too_long": "the prompt exceeds the model's window",
    "too_large": "the body exceeds the vendor's limit",
    "request_timeout": "the vendor gave up waiting (408)",
    "gateway_timeout": "the vendor's model took too long (504)",
    "conflict": "a conflict (409)",
    "server": "an internal error (500)",
    "unavailable": "the service is down (503)",
    "overloaded": "too much traffic for the vendor as a whole (Anthropic 529, the others 503)",
    "rate_limited": "too many requests; the argument is Retry-After in seconds",
}
TRANSPORT = {
    "slow": "wait so many seconds, then go on",
    "drip": "wait so many seconds between the pieces of a stream",
    "hang": "never reply",
    "disconnect": "close the connection without a reply",
    "cut_stream": "close the connection halfway through the reply",
    "stream_error": "end a stream with the vendor's error event instead of its end",
    "malformed": "HTTP 200 with a body that is not JSON",
}
CONTENT = {
    "blocked": "the vendor's safety refusal; `=answer` blocks the answer instead of the prompt",
    "broken_json": "text that does not fit the schema",
    "empty": "no text at all",
    "truncated": "stop in the middle for lack of output tokens",
    "lie": "add the argument, a sentence that nobody gave, to every prose text of the reply",
    "lies": "draft what the facts do not say, in every way known, and vouch for it as a reader",
}
ACCOUNTING = {
    "no_usage": "report no usage",
    "usage": "report exactly in,out in the vendor's own two fields",
    "cached": "report so many input tokens as read from the cache",
    "cache_write": "report so many input tokens as written to the cache",
    "reasoning": "report so many reasoning tokens",
    "tool_prompt": "report so many tool prompt tokens (Gemini only)",
}
LISTS = {
    "unlisted": "leave these models, separated by commas, out of the models list",
    "windows": "say in the models list that every model reads so many tokens",
}
BATCHES = {
    "batch_slow": "have a batch end after so many looks at it",
    "batch_failed": "have it fail as a whole",
    "batch_expired": "have it expire with half of it done",
}
SPECIAL = {
    "flaky": "fail with a 500 so many times, then work",
    "echo": "put the caller's key and prompt into the error message, as a careless proxy would",
}
KNOWN = ERRORS | TRANSPORT | CONTENT | ACCOUNTING | LISTS | BATCHES | SPECIAL
_NUMERIC = {
    "slow",
    "drip",
    "flaky",
    "cached",
    "cache_write",
    "reasoning",
    "tool_prompt",
    "windows",
    "batch_slow",
}


class UnknownFault(ValueError):
    """A fault nobody defined, or without the argument it needs; ignored, a test would pass for nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    argument: str = ""

    @property
    def number(self) -> float:
        return float(self.argument)


def parse_faults(text: str) -> tuple[Fault, ...]:
    """From `name[=argument][@name[=argument]...]`. Raises UnknownFault."""
    faults = []
    for part in filter(None, (piece.strip() for piece in text.split("@"))):
        name, _, argument = part.partition("=")
        if name not in KNOWN:
            raise UnknownFault(f"The sandbox knows no fault {name!r}. It knows: {', '.join(sorted(KNOWN))}.")
        _check_argument(name, argument)
        faults.append(Fault(name, argument))
    return tuple(faults)


def _check_argument(name: str, argument: str) -> None:
    try:
        if name in _NUMERIC or (name == "rate_limited" and argument):
            float(argument)
        if name == "usage":
            [int(number) for number in argument.split(",", 1)][1]
        if name == "lie" and not argument:
            raise ValueError
    except (ValueError, IndexError):
        raise UnknownFault(f"The sandbox cannot read the argument of {name}={argument}.") from None


def split_model(name: str) -> tuple[str, tuple[Fault, ...]]:
    """The model's plain name and the faults asked for with it. Raises UnknownFault."""
    plain, _, faults = name.partition("@")
    return plain, parse_faults(faults)


@dataclass(slots=True)
class _Order:
    faults: tuple[Fault, ...]
    left: int
    vendor: str
    model: str
    on: str


@dataclass(slots=True)
class FaultDesk:
    """Faults waiting for the next calls, the share that goes wrong at random, and what flaky models did."""

    _orders: list[_Order] = field(default_factory=list)
    _chance: float = 0.0
    _chances: tuple[tuple[Fault, ...], ...] = ()
    # Chaos runs must be repeatable, which is the reason for a seed and against a secure generator.
    _random: random.Random = field(default_factory=random.Random)
    _flaky: Counter[tuple[str, str]] = field(default_factory=Counter)

    def post(self, order: dict[str, Any]) -> None:
        """Take `{"fault", "times", "model", "vendor", "on"}` or `{"probability", "faults", "seed"}`.

        `on` is `generation` (default), `models`, the list, or `batch`, the making of one. Raises
        UnknownFault.
        """
        if "probability" in order:
            self._chance = float(order["probability"])
            self._chances = tuple(parse_faults(text) for text in order.get("faults", []))
            self._random = random.Random(order.get("seed"))  # noqa: S311
            return
        self._orders.append(
            _Order(
                parse_faults(str(order.get("fault", ""))),
                int(order.get("times", 1)),
                str(order.get("vendor", "")),
                str(order.get("model", "")),
                str(order.get("on", "generation")),
            )
        )

    def take(self, *, vendor: str, model: str, on: str = "generation") -> tuple[Fault, ...]:
        """The faults this call is to meet; an order is used up by the calls that take it."""
        for order in self._orders:
            if order.on == on and order.vendor in ("", vendor) and order.model in ("", model):
                order.left -= 1
                if order.left <= 0:
                    self._orders.remove(order)
                return order.faults
        if on == "generation" and self._chances and self._random.random() < self._chance:
            return self._random.choice(self._chances)
        return ()

    def still_flaky(self, *, vendor: str, model: str, times: float) -> bool:
        """True for the first `times` calls of this model."""
        self._flaky[vendor, model] += 1
        return self._flaky[vendor, model] <= times

    def reset(self) -> None:
        self._orders.clear()
        self._flaky.clear()
        self._chance, self._chances = 0.0, ()
