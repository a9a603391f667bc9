"""What the body of a vendor's error says, read without trusting a byte of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_TEXT = 20_000
_MOST_DETAILS = 50
# What bodies hold an error in, and where in it codes and texts stand.
_ERROR_KEYS = ("error", "detail", "message", "code", "type", "status", "errors", "object")
_CODE_KEYS = ("code", "type", "status", "reason", "error_code")
_INNER_KEYS = ("details", "detail", "metadata", "innererror", "inner_error")


@dataclass(frozen=True, slots=True)
class Told:
    """What a body says. `codes` are machine words in lower case; `status` is the status that it names itself;
    `is_flagged`: it gives reasons of a moderation; `is_vendors`: it is an error of an API, not a page."""

    codes: frozenset[str] = frozenset()
    status: int = 0
    code: str = ""
    param: str = ""
    text: str = ""
    is_flagged: bool = False
    is_vendors: bool = False
    retry_delay: float | None = None


def told(body: object) -> Told:
    """Of a decoded body, or of the error inside it; whatever it is, this reads it."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping) and not any(body.get(key) for key in _ERROR_KEYS):
        return Told()
    error = (body.get("error") or body) if isinstance(body, Mapping) else body
    if isinstance(error, str):
        # As text alone it is an error's only inside an object: a page is text too.
        return Told(text=error[:_LONGEST_TEXT], is_vendors=isinstance(body, Mapping))
    if not isinstance(error, Mapping):
        return Told()
    parts = [error, *_inside(error)]
    words = [part[key] for part in parts for key in _CODE_KEYS if isinstance(part.get(key), str)]
    code = next((error[key] for key in ("code", "error_code", "type", "status") if error.get(key)), "")
    return Told(
        codes=frozenset(word.lower() for word in words),
        status=next(filter(None, (_status(part.get("code")) for part in parts)), 0),
        code=str(code) if isinstance(code, str | int) else "",
        param=error["param"] if isinstance(error.get("param"), str) else "",
        text=_text(error),
        is_flagged=any(part.get("reasons") or part.get("flagged_input") for part in parts[1:]),
        is_vendors=True,
        retry_delay=next(filter(None, map(_seconds, parts)), None),
    )


def _inside(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in _INNER_KEYS:
        inner = error.get(key)
        for part in inner[:_MOST_DETAILS] if isinstance(inner, list) else [inner]:
            if isinstance(part, Mapping):
                yield part


def _status(value: object) -> int:
    """An HTTP status of an error, which some write as text; 0 for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value):
        value = int(value)
    return value if isinstance(value, int) and 400 <= value < 600 else 0


def _text(error: Mapping[str, Any]) -> str:
    message = error.get("message")
    if isinstance(message, str) and message:
        return message[:_LONGEST_TEXT]
    try:
        return json.dumps(error, default=str)[:_LONGEST_TEXT]
    except (ValueError, TypeError, RecursionError):
        return ""


def _seconds(part: Mapping[str, Any]) -> float | None:
    """From google.rpc.RetryInfo, which writes a duration as "34s" or "34.07s"."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)s", str(part.get("retryDelay", ""))[:24])
    return float(match[1]) if match else None
