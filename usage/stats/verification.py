"""Comparing the rollups with the rows, cell by cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import ExtractHour

from usage.models import PersonRollup, RollupState, WorkRollup
from usage.stats import cell_sums
from usage.stats.cell_sums import TRUNC, Cells
from usage.stats.cells import settled_rows, sums_of, within
from usage.stats.dimensions import DAILY, HOURLY, PARTED, SPANS, Dimension, Kept
from usage.stats.period import DAY
from usage.stats.rollup import Progress, days_kept, parts_of, standing
from usage.stats.work import rollups_of

_WORK = (
    "start", "provider_type", "model_name", "task_type", "calls", "input_tokens", "cached_tokens",
    "cache_write_tokens", "cache_write_1h_tokens", "output_tokens", "cost_picos", "largest_input_tokens",
    "largest_output_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that is not what its rows say, or is missing, or has none. `table` is the dimension, "work" or
    "person"; `key` is for people."""

    span: str
    start: datetime
    table: str
    key: str


def verify(*, tell: Progress | None = None) -> Iterator[Difference]:
    """Every cell that differs, of all days whose rows are all there; `tell` is told each day. A day at a time
    is held in memory, and the worker waits for no longer than one. Hours that were touched since they were
    rolled up are left out: they are read from the rows."""
    state = RollupState.objects.first()
    for day in days_kept(state) if state else ():
        with transaction.atomic():
            locked = RollupState.objects.select_for_update().get(id=1)
            found = list(of_day(day, locked)) if locked.until is not None else []
            stale = set(standing().stale) if found else set()
        for difference in found:
            end = difference.start + SPANS[difference.span]
            if not any(difference.start <= hour < end for hour in stale):
                yield difference
        if tell is not None:
            tell(day)


def of_day(day: datetime, state: RollupState) -> Iterator[Difference]:
    """The differences of one UTC day, none where its rows may be gone; `state` is locked by the caller."""
    if state.until is None or day < (state.pruned_before or day):
        return
    until = min(day + DAY, state.until)
    is_whole = until == day + DAY
    is_nobodys = state.nobody_before is not None and day < state.nobody_before
    for start, end in parts_of(day, until):
        yield from _of_cells("part", start, end, PARTED, without_people=is_nobodys)
    for span, kept in (("hour", HOURLY), ("day", DAILY if is_whole else DAILY - HOURLY - PARTED)):
        yield from _of_cells(span, day, until, kept, without_people=is_nobodys)
        if span == "hour" or is_whole:
            yield from _of_work(span, day, until)
    if not is_nobodys:
        yield from _of_persons(day, until)


def _of_cells(
    span: str, start: datetime, end: datetime, kept: Iterable[Kept], *, without_people: bool
) -> Iterator[Difference]:
    for dimension, by_provider in kept:
        cells = Cells(span, start, end, dimension, by_provider=by_provider)
        for moment, provider, key in cell_sums.differences(cells, without_people=without_people):
            place = f"{key or 'all'}, provider {provider}" if by_provider else key or "all"
            yield Difference(span, moment, dimension.value, place)


def _of_work(span: str, start: datetime, end: datetime) -> Iterator[Difference]:
    trunc: Any = TRUNC[span]("created_at", tzinfo=start.tzinfo)
    said = {tuple(getattr(row, name) for name in _WORK) for row in rollups_of(span, start, end, trunc)}
    stored = set(WorkRollup.objects.filter(span=span, start__gte=start, start__lt=end).values_list(*_WORK))
    for moment, *kind in {place[:4] for place in said ^ stored}:
        yield Difference(span, moment, "work", "/".join(kind))


def _of_persons(day: datetime, until: datetime) -> Iterator[Difference]:
    rows = settled_rows(Dimension.TASK).filter(
        within("created_at", [(day, until)]), user__isnull=False, cached=False
    )
    said: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
    by_hour = rows.annotate(hour=ExtractHour("created_at", tzinfo=UTC))
    for user, hour, task, *counts in sums_of(by_hour, "user_id", "hour", "key"):
        said[user][f"{hour}/{task}"] = [int(count or 0) for count in counts]
    stored = dict(PersonRollup.objects.filter(start=day).values_list("user_id", "hours"))
    for user in said.keys() | stored.keys():
        if said.get(user) != stored.get(user):
            yield Difference("day", day, "person", f"user {user}")
