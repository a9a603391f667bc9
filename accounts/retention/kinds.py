"""What a rule of retention can be about. The apps say it, each in its `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet


def delete(rows: QuerySet[Any]) -> None:
    rows.delete()


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that tell of people. `old` are those of which a rule says so that keeps them until a moment;
    what was forgotten is not among them any more. `forget` deletes the rows, or takes the person out of them.

    `forget_sums` takes the same people out of sums over the rows that are kept elsewhere, also over rows that
    are gone, before the rows are forgotten; it returns how many sums that were.

    Below `least_days` the product itself still needs them. Rows that are not `lockable` are changed under
    another lock, which `forget` takes. `chunk` of them go in one transaction, which should be in nobody's
    way: fewer where each takes many others along.
    """

    slug: str
    label: str
    old: Callable[[datetime], QuerySet[Any]]
    forget: Callable[[QuerySet[Any]], None] = delete
    least_days: int = 1
    lockable: bool = True
    chunk: int = 500
    forget_sums: Callable[[datetime], int] | None = None


KINDS: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    KINDS.update({kind.slug: kind for kind in kinds})


def kind_choices() -> list[tuple[str, str]]:
    return [(kind.slug, kind.label) for kind in KINDS.values()]
