"""The counts that Prometheus reads, made where the row of a call is written, so that they agree with the
log.

Names follow Prometheus (https://prometheus.io/docs/practices/naming/), labels the names that OpenTelemetry
has for the same thing. Every label has few values: tasks, provider types, configured models, kinds of errors,
routes. None is a person, and none is a text of a vendor's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from accounts.concurrency import PerProcess
from providers.registry import PROVIDER_TYPES
from usage.ledger.base import Attempt, Outcome, Settlement, StaleRouting
from usage.metrics import process_group
from usage.metrics.observers import Observer

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

    from usage.metrics.observers import Swept

# Seconds. A vendor's answer takes a second to a minute, what we add to it milliseconds.
VENDOR_SECONDS = (0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 120)
OWN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
# Series are kept for ever, so there is an end to the names that a super-admin may make up.
MOST_MODELS = 200
OTHER = "_OTHER"

_MODEL = ("gen_ai_provider_name", "gen_ai_request_model")


@dataclass(frozen=True, slots=True)
class _Series:
    """What is counted of one task at one model, looked up once."""

    labels: tuple[str, str, str]
    tokens: tuple[tuple[str, Counter], ...]
    cost: Counter
    unpriced: Counter
    seconds: Histogram
    calls: dict[tuple[str, str], Counter] = field(default_factory=dict)


class _Making:
    """Makes the series of one registry."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry

        self._registry = CollectorRegistry()

    def counter(self, name: str, of: str, *labels: str) -> Counter:
        from prometheus_client import Counter

        return Counter(name, of, labels, registry=self._registry)

    def gauge(self, name: str, of: str) -> Gauge:
        from prometheus_client import Gauge

        return Gauge(name, of, registry=self._registry, multiprocess_mode="livesum")

    def histogram(self, name: str, of: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        from prometheus_client import Histogram

        return Histogram(name, of, labels, buckets=buckets, registry=self._registry)


class Instruments:
    """One process's counts, in the files of its group. Made once a process."""

    def __init__(self, folder: Path) -> None:
        process_group.make(folder)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import values

        # It decides at its first import whether counts are kept in files; who imported it is not for us to
        # know, and in a process that was forked the files are others.
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        make = _Making()
        self._make_of_attempts(make)
        self._make_of_calls(make)
        self._make_of_requests(make)
        self._of_model: dict[tuple[str, str, str], _Series] = {}
        self._models: set[tuple[str, str]] = set()

    def _make_of_attempts(self, make: _Making) -> None:
        self.calls = make.counter(
            "aditus_vendor_calls", "Attempts at vendors that ended.",
            "aditus_task", *_MODEL, "status", "error_type",
        )  # fmt: skip
        self.tokens = make.counter(
            "aditus_tokens", "Tokens of attempts; cached, cache_write and reasoning are parts of the others.",
            "aditus_task", *_MODEL, "gen_ai_token_type",
        )  # fmt: skip
        self.cost = make.counter(
            "aditus_cost_usd", "USD of attempts with a known price.", "aditus_task", *_MODEL
        )
        self.unpriced = make.counter(
            "aditus_unpriced_calls", "Attempts without a price.", "aditus_task", *_MODEL
        )
        self.seconds = make.histogram(
            "aditus_vendor_call_duration_seconds", "From an attempt's request to its end.",
            VENDOR_SECONDS, "aditus_task", *_MODEL,
        )  # fmt: skip

    def _make_of_calls(self, make: _Making) -> None:
        self.refusals = make.counter(
            "aditus_refused_calls", "Calls that no vendor was asked for.", "aditus_task", "error_type"
        )
        self.cached = make.counter("aditus_cached_answers", "Answers given again.", "aditus_task")
        self.overhead = make.histogram(
            "aditus_overhead_seconds", "What a call took beside its vendors: our work, pauses, waiting.",
            OWN_SECONDS, "aditus_task",
        )  # fmt: skip
        self.in_flight = make.gauge("aditus_calls_in_flight", "Attempts under way.")
        self.waiting = make.gauge("aditus_calls_waiting", "Calls that wait for a provider with no room.")
        self.unsettled = make.counter(
            "aditus_unsettled_calls", "Attempts whose row could not be closed at once."
        )
        self.late = make.counter("aditus_late_settlements", "Rows that were swept before their call ended.")
        self.sweeps = make.counter("aditus_sweeps", "Runs of the sweeper.")
        self.swept = make.counter("aditus_swept_calls", "Rows that the sweeper closed.", _MODEL[0])

    def _make_of_requests(self, make: _Making) -> None:
        self.requests = make.counter(
            "aditus_http_requests", "Requests that were answered.",
            "http_request_method", "http_route", "http_response_status_code",
        )  # fmt: skip
        self.request_seconds = make.histogram(
            "aditus_http_request_duration_seconds", "To the beginning of the answer.",
            REQUEST_SECONDS, "http_route",
        )  # fmt: skip
        self.requests_in_flight = make.gauge("aditus_http_requests_in_flight", "Requests under way.")

    def model_labels(self, provider_type: str, model_name: str) -> tuple[str, str]:
        """The vendor as OpenTelemetry calls it, and the model, or OTHER once there have been too many."""
        kind = PROVIDER_TYPES.get(provider_type)
        asked = (kind.telemetry_name if kind else OTHER, model_name)
        if asked not in self._models:
            if len(self._models) >= MOST_MODELS:
                return asked[0], OTHER
            self._models.add(asked)
        return asked

    def series(self, task: str, provider_type: str, model_name: str) -> _Series:
        key = (task, provider_type, model_name)
        if (found := self._of_model.get(key)) is None:
            labels = (task, *self.model_labels(provider_type, model_name))
            kinds = ("input", "output", "cached", "cache_write", "reasoning")
            found = self._of_model[key] = _Series(
                labels=labels,
                tokens=tuple((f"{kind}_tokens", self.tokens.labels(*labels, kind)) for kind in kinds),
                cost=self.cost.labels(*labels),
                unpriced=self.unpriced.labels(*labels),
                seconds=self.seconds.labels(*labels),
            )
        return found

    def count(
        self, series: _Series, ended: tuple[str, str], used: Callable[[str], int], cost: Decimal | None
    ) -> None:
        """An attempt has ended so (status, kind of error), and used so much of each kind of token."""
        if (calls := series.calls.get(ended)) is None:
            calls = series.calls[ended] = self.calls.labels(*series.labels, *ended)
        calls.inc()
        for name, tokens in series.tokens:
            if amount := used(name):
                tokens.inc(amount)
        if cost is None:
            series.unpriced.inc()
        elif cost:
            series.cost.inc(float(cost))


# When an attempt began and ended, by the monotonic clock; all of them of the call under way.
Span = tuple[float, float]
_attempts: ContextVar[list[Span] | None] = ContextVar("attempts", default=None)


class PrometheusObserver(Observer):
    """Counts what it is told. Rows of the log and counts: `vendor_calls` are the rows with an attempt,
    `refused_calls` and `cached_answers` those without; a row that a sweeper closed and its call corrected
    later was counted as swept, and once more in `late_settlements` only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._instruments = PerProcess(lambda: Instruments(folder))

    @property
    def instruments(self) -> Instruments:
        return self._instruments.get()

    def prepare(self) -> None:
        self.instruments  # noqa: B018 - makes them

    def reserved(self, attempt: Attempt) -> None:
        if not attempt.is_parked:
            self.instruments.in_flight.inc()

    def settled(self, attempt: Attempt, outcome: Outcome, settlement: Settlement | None) -> None:
        counts = self.instruments
        if not attempt.is_parked:
            counts.in_flight.dec()
        if not outcome.was_sent:
            counts.refusals.labels(attempt.task, outcome.error_kind).inc()
            return
        seconds = max(0, outcome.latency_ms) / 1000
        if (spans := _attempts.get()) is not None:
            now = time.monotonic()
            spans.append((now - seconds, now))
        if settlement is None:
            counts.unsettled.inc()
            return
        if settlement.corrects_sweep:
            counts.late.inc()
            return
        series = counts.series(attempt.task, attempt.provider_type, attempt.model_name)
        ended = (outcome.status, outcome.error_kind)
        counts.count(series, ended, partial(getattr, settlement.usage), settlement.cost_usd)
        if outcome.is_timed:
            series.seconds.observe(seconds)

    def refused(self, attempt: Attempt, error_kind: str) -> None:
        self.instruments.refusals.labels(attempt.task, error_kind).inc()

    def answered_again(self, attempt: Attempt) -> None:
        self.instruments.cached.labels(attempt.task).inc()

    def swept(self, found: Iterable[Swept]) -> None:
        counts = self.instruments
        for row, columns in found:
            series = counts.series(row.task_type, row.provider_type, row.model_name)
            ended = (columns["status"], columns["error_kind"])
            counts.count(series, ended, columns.__getitem__, columns["estimated_cost_usd"])
            counts.swept.labels(series.labels[1]).inc()

    def sweeping(self) -> None:
        self.instruments.sweeps.inc()

    def queued(self, more: int) -> None:
        self.instruments.waiting.inc(more)

    @contextmanager
    def calling(self, *, task: str, request_id: str) -> Iterator[None]:
        began, spans = time.monotonic(), list[Span]()
        mark = _attempts.set(spans)
        try:
            yield
        except StaleRouting:
            # It is asked again, from the beginning.
            raise
        except BaseException:
            self._note_overhead(task, began, spans)
            raise
        else:
            self._note_overhead(task, began, spans)
        finally:
            _attempts.reset(mark)

    def _note_overhead(self, task: str, began: float, spans: Sequence[Span]) -> None:
        own = time.monotonic() - began - covered(spans)
        self.instruments.overhead.labels(task).observe(max(0.0, own))


def covered(spans: Sequence[Span]) -> float:
    """Seconds that any of the spans covers; the attempts of a vote overlap."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
