"""The one guard between a vendor's bytes and us, and how single values of theirs are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from providers.adapters import failures
from providers.adapters.base import TokenUsage
from providers.adapters.cleaning import clean
from providers.errors import ProviderError


@contextmanager
def reading(vendor: str, so_far: Callable[[], TokenUsage | None] = lambda: None) -> Iterator[None]:
    """Around the SDK's call and the mapping of what it returns, and nothing else: there, whatever is raised
    becomes a ProviderError.

    A vendor's JSON may hold any value at any place. The SDKs build their models without validating them, or
    crash on the way (on a list for an object, half a character, a number of 5,001 digits, 200,000 brackets),
    with any exception there is; no list of them would ever be complete. What we send is built before the
    guard is entered, so that a bug of ours in it is seen as one. `so_far` is what a stream has reported to
    have used: a stream that breaks is billed for it.
    """
    try:
        yield
    except ProviderError as error:
        _add_usage(error, so_far)
        raise
    except Exception:  # noqa: BLE001 - whatever their bytes raise
        unread = failures.malformed(vendor)
        _add_usage(unread, so_far)
        # Not chained: the text of what was raised may repeat the reply, and with it the prompt.
        raise unread from None


class UnreadablePart(ValueError):
    """A value that cannot be what it stands for. The guard makes a ProviderError of it."""


def text_of(content: object) -> str:
    """A message's text: a string, nothing, or a list of parts, of which those that are text are joined (some
    servers send reasoning as a part beside them). Raises UnreadablePart."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise UnreadablePart
    texts = []
    for part in content:
        kind = _member(part, "type") or "text"
        text = part if isinstance(part, str) else _member(part, "text")
        if kind in ("text", "output_text"):
            if not isinstance(text, str):
                raise UnreadablePart
            texts.append(text)
    return "".join(texts)


def word(value: object, *, most: int = 200) -> str:
    """A name or a code, cleaned and no longer than `most`; empty for anything but text."""
    return clean(value).strip()[:most] if isinstance(value, str) else ""


def _add_usage(error: ProviderError, so_far: Callable[[], TokenUsage | None]) -> None:
    if error.usage is None:
        with suppress(Exception):
            error.usage = so_far()


def _member(part: object, name: str) -> object:
    return part.get(name) if isinstance(part, dict) else getattr(part, name, None)
