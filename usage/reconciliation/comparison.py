"""Ours against theirs, by model and day: what the log says, what the bill says, what explains the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Count, F, Q, Sum, Value
from django.db.models.functions import Coalesce, NullIf, TruncDate

from accounts.errors import DomainError
from providers.model_names import plain_name, undated
from usage.models import AIProviderUsageLog, Status, UsageSource
from usage.reconciliation.invoices import InvoiceLine, UnreadableInvoice
from usage.stats.cells import PICOS, within
from usage.stats.figures import PICOS_PER_USD
from usage.stats.period import Period
from usage.stats.rollup import standing


class RowsPruned(DomainError):
    code = "rows_pruned"
    status = 409
    message = "The usage rows of that time were pruned. Compare a later one."


# Days times models of any honest bill; a file of more would be held in memory.
MOST_PLACES = 100_000
ALL_MODELS = ""
_FREE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says. `cost_usd` None: it says nothing of cost, or knows no price; tokens likewise."""

    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    def __add__(self, other: Side) -> Side:
        return Side(
            _sum(self.cost_usd, other.cost_usd),
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
        )

    @property
    def tokens(self) -> int | None:
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Calls of ours that can explain a difference: `unsettled` are still under way or were never closed,
    `estimated` were settled at an estimate (`estimated_usd`), `unpriced` have no cost."""

    calls: int = 0
    unsettled: int = 0
    estimated: int = 0
    unpriced: int = 0
    estimated_usd: Decimal = _FREE

    def __add__(self, other: Doubt) -> Doubt:
        return Doubt(
            self.calls + other.calls,
            self.unsettled + other.unsettled,
            self.estimated + other.estimated,
            self.unpriced + other.unpriced,
            self.estimated_usd + other.estimated_usd,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One model on one day; `day` None over the whole period, `model` "" all models together."""

    day: date | None
    model: str
    ours: Side = field(default_factory=Side)
    theirs: Side = field(default_factory=Side)
    doubt: Doubt = field(default_factory=Doubt)

    @property
    def difference_usd(self) -> Decimal | None:
        """Theirs less ours; None where a side does not know."""
        if self.theirs.cost_usd is None or self.ours.cost_usd is None:
            return None
        return self.theirs.cost_usd - self.ours.cost_usd

    @property
    def difference_percent(self) -> float | None:
        """Of theirs; None when theirs is nothing."""
        if self.difference_usd is None or not self.theirs.cost_usd:
            return None
        return round(float(100 * self.difference_usd / self.theirs.cost_usd), 2)

    @property
    def difference_tokens(self) -> int | None:
        return None if self.theirs.tokens is None else self.theirs.tokens - (self.ours.tokens or 0)

    def is_within(self, *, percent: Decimal, usd: Decimal) -> bool:
        """Whether cost, or tokens where the bill tells no cost, agree to `percent` of theirs or `usd`."""
        if self.theirs.cost_usd is not None:
            off = self.difference_usd
            return off is not None and abs(off) <= max(usd, abs(self.theirs.cost_usd) * percent / 100)
        if self.difference_tokens is None:
            return False
        return abs(self.difference_tokens) <= Decimal(self.theirs.tokens or 0) * percent / 100


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`rows` by day and model, `models` over the whole period, `total` over all. `left_out` lines of the
    file are of other months."""

    first: date
    last: date
    rows: list[Compared]
    models: list[Compared]
    total: Compared
    left_out: int

    def beyond(self, *, percent: Decimal, usd: Decimal) -> list[Compared]:
        """Models, and the whole, that do not agree. Days are not judged: a call at midnight is in another
        day for the vendor, and not in another month's bill."""
        judged = [*self.models, self.total]
        return [one for one in judged if not one.is_within(percent=percent, usd=usd)]


def reconcile(
    lines: Iterable[InvoiceLine],
    *,
    provider_type: str,
    tz: str = "UTC",
    month: date | None = None,
    config_id: int | None = None,
) -> Reconciliation:
    """The bill against the log of all configs of the vendor's type, or of one. `tz` is where the vendor's
    days begin; `month` any day of the month, None the days from the bill's first to its last.

    UnreadableInvoice when no line is of that time, RowsPruned when rows of it are not there any more.
    """
    theirs, spread, left_out = _theirs(lines, month)
    if not theirs:
        raise UnreadableInvoice("No line of the file is about a model within that time.")
    first, last = spread
    by_day = all(day is not None for day, _ in theirs)
    by_model = all(key != ALL_MODELS for _, key in theirs)
    places: dict[tuple[date | None, str], Compared] = {}
    period = Period.of_dates(first=first, last=last, tz=tz)
    _refuse_pruned(period)
    for one in (*theirs.values(), *_ours(period, provider_type, config_id)):
        day, key = one.day if by_day else None, model_key(one.model) if by_model else ALL_MODELS
        place = replace(one, day=day, model=one.model if by_model else ALL_MODELS)
        places[day, key] = _joined(places[day, key], place) if (day, key) in places else place
    models: dict[str, Compared] = {}
    for (_, key), one in places.items():
        whole = replace(one, day=None)
        models[key] = _joined(models[key], whole) if key in models else whole
    total = Compared(None, ALL_MODELS)
    for one in models.values():
        total = _joined(total, replace(one, model=ALL_MODELS))
    nothing = Side(
        None if total.theirs.cost_usd is None else _FREE,
        None if total.theirs.input_tokens is None else 0,
        None if total.theirs.output_tokens is None else 0,
    )
    return Reconciliation(
        first=first,
        last=last,
        rows=sorted(
            (_completed(row, nothing) for row in places.values()),
            key=lambda row: (row.day or first, row.model),
        ),
        models=sorted((_completed(row, nothing) for row in models.values()), key=lambda row: row.model),
        total=_completed(total, nothing),
        left_out=left_out,
    )


def _refuse_pruned(period: Period) -> None:
    horizon = standing().pruned_before
    if horizon is not None and period.start < horizon:
        raise RowsPruned(
            f"Usage rows of before {horizon:%Y-%m-%d} were pruned, so the log cannot be set against a bill "
            "that begins earlier. Compare a later time, or read the archive: docs/statistics.md says how."
        )


def _completed(one: Compared, nothing: Side) -> Compared:
    """A side that has no such line says that there was nothing, of what it tells at all."""
    ours = one.ours if one.doubt.calls else Side(_FREE, 0, 0)
    return replace(one, ours=ours, theirs=nothing if one.theirs == Side() else one.theirs)


@lru_cache(maxsize=4096)
def model_key(name: str) -> str:
    """By which one model is known in the log and in every vendor's files: "Claude Haiku 4.5" is
    claude-haiku-4-5-20251001."""
    return undated(re.sub(r"[\s._]+", "-", plain_name(name)))


def _theirs(
    lines: Iterable[InvoiceLine], month: date | None
) -> tuple[dict[tuple[date | None, str], Compared], tuple[date, date], int]:
    found: dict[tuple[date | None, str], Compared] = {}
    first, last = date.max, date.min
    left_out = 0
    begin, end = _month(month)
    for line in lines:
        if not begin <= line.first <= line.last <= end:
            left_out += 1
            continue
        first, last = min(first, line.first), max(last, line.last)
        side = Side(line.cost_usd, line.input_tokens, line.output_tokens)
        one = Compared(line.day, line.model, theirs=side)
        place = line.day, model_key(line.model)
        found[place] = _joined(found[place], one) if place in found else one
        if len(found) > MOST_PLACES:
            raise UnreadableInvoice(f"The file has more than {MOST_PLACES:,} days and models.")
    return found, (begin, end) if month else (first, last), left_out


def _month(month: date | None) -> tuple[date, date]:
    if month is None:
        return date.min, date.max
    first = month.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


_MEASURES: dict[str, Any] = {
    "ours_calls": Count("pk"),
    "ours_input": Sum("input_tokens"),
    "ours_output": Sum("output_tokens"),
    "ours_picos": Sum(PICOS),
    "ours_unsettled": Count("pk", filter=Q(status=Status.STARTED)),
    "ours_estimated": Count("pk", filter=Q(usage_source=UsageSource.ESTIMATED)),
    "ours_estimated_picos": Sum(PICOS, filter=Q(usage_source=UsageSource.ESTIMATED)),
    "ours_unpriced": Count("pk", filter=Q(estimated_cost_usd=None) & ~Q(status=Status.STARTED)),
}


def _ours(period: Period, provider_type: str, config_id: int | None) -> Iterator[Compared]:
    """Requests at the vendor, added up by the database (one query)."""
    rows = AIProviderUsageLog.objects.filter(
        within("created_at", [(period.start, period.end)]),
        provider_type=provider_type,
        attempt__gte=1,
        cached=False,
    )
    if config_id is not None:
        rows = rows.filter(provider_config=config_id)
    # The vendor bills the model that answered.
    model = Coalesce(NullIf(F("reported_model"), Value("")), F("model_name"))
    grouped = rows.order_by().annotate(
        billed_day=TruncDate("created_at", tzinfo=period.zone), billed_model=model
    )
    by = ("billed_day", "billed_model")
    for row in grouped.values(*by).annotate(**_MEASURES).iterator(chunk_size=1000):
        has_price = row["ours_calls"] > row["ours_unpriced"] + row["ours_unsettled"]
        yield Compared(
            day=row["billed_day"],
            model=row["billed_model"],
            ours=Side(_usd(row["ours_picos"]) if has_price else None, row["ours_input"], row["ours_output"]),
            doubt=Doubt(
                row["ours_calls"],
                row["ours_unsettled"],
                row["ours_estimated"],
                row["ours_unpriced"],
                _usd(row["ours_estimated_picos"]),
            ),
        )


def _usd(picos: int | None) -> Decimal:
    return Decimal(picos or 0) / PICOS_PER_USD


def _joined(one: Compared, other: Compared) -> Compared:
    """Under our own name where the log has the model: it is the one to look for."""
    model = other.model if other.doubt.calls and not one.doubt.calls else one.model
    return Compared(one.day, model, one.ours + other.ours, one.theirs + other.theirs, one.doubt + other.doubt)


def _sum(one: Any, other: Any) -> Any:
    if one is None:
        return other
    return one if other is None else one + other
