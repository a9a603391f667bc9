"""What can be done in a batch. The apps above say it, each in its `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User


@dataclass(frozen=True, slots=True)
class Answer:
    """As an endpoint would give it: HTTP status and the data of the envelope."""

    status: int
    data: Any


@dataclass(frozen=True, slots=True)
class Kind:
    """`check` raises DRF's ValidationError for an item that is not valid, before anything is stored;
    `answer` does what the endpoint does, and raises the DomainErrors that it raises."""

    slug: str
    check: Callable[[Any], None]
    answer: Callable[[User, Any], Awaitable[Answer]]


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    KINDS[kind.slug] = kind
