"""What can be done in a batch. The apps above say it, each in its `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.models import User

if TYPE_CHECKING:
    from orchestration.batches.economy import EconomyAsking


@dataclass(frozen=True, slots=True)
class Answer:
    """As an endpoint would give it: HTTP status and the data of the envelope."""

    status: int
    data: Any


@dataclass(frozen=True, slots=True)
class Economy:
    """How a kind is answered by vendors' batches: its one model call is for `task`, and `answer` asks it of
    what it is given. It is called twice for an item, before and after, and does the same both times."""

    task: str
    answer: Callable[[User, Any, EconomyAsking], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`check` raises DRF's ValidationError for an item that is not valid, before anything is stored, and
    asks no database; `answer` does what the endpoint does, and raises the DomainErrors that it raises.
    `economy` is None for what cannot wait for a vendor's batch."""

    slug: str
    check: Callable[[Any], None]
    answer: Callable[[User, Any], Awaitable[Answer]]
    economy: Economy | None = None


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    KINDS[kind.slug] = kind
