"""What OpenTelemetry is told of calls, by its semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from accounts.concurrency import PerProcess
from accounts.errors import DomainError
from orchestration.routing.snapshot import latest_snapshot
from providers.registry import PROVIDER_TYPES
from usage.ledger.base import Attempt, Outcome, Settlement, StaleRouting
from usage.metrics.observers import Observer

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

# The boundaries that the conventions advise.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class Telemetry:
    """One process's providers of spans and metrics; they send from threads of their own, and at its end where
    Python ends it; whatever a signal ends has to call `end`."""

    def __init__(self) -> None:
        os.environ.setdefault("OTEL_SERVICE_NAME", "aditus")
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self.traces = TracerProvider()
        self.traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
        self.tracer, meter = self.traces.get_tracer("aditus"), self.metrics.get_meter("aditus")
        self.propagator = TraceContextTextMapPropagator()

        def histogram(name: str, unit: str, boundaries: tuple[float, ...]) -> Any:
            return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=boundaries)

        self.duration = histogram("gen_ai.client.operation.duration", "s", SECONDS)
        self.usage = histogram("gen_ai.client.token.usage", "{token}", TOKENS)
        self.requests = histogram("http.server.request.duration", "s", REQUEST_SECONDS)

    def end(self, *, seconds: float) -> None:
        """Send what is left, and nothing from then on; waits for so many seconds at most."""
        until = time.monotonic() + seconds
        # At the same time, so that neither has to do with what the other has left of it.
        ends = (self.traces.shutdown, self.metrics.shutdown)
        ending = [threading.Thread(target=end, name="telemetry", daemon=True) for end in ends]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join(max(0, until - time.monotonic()))

    @contextmanager
    def span(
        self, name: str, kind: Any, attributes: dict[str, Any], parent: Context | None = None
    ) -> Iterator[Span]:
        """A span for the length of the block, in which others begin; what ends it names its error."""
        from opentelemetry.trace import use_span

        span = self.tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        except StaleRouting:
            # Nothing was sent, and it is asked again by what stands now.
            span.set_attribute("aditus.is_outdated", True)
            raise
        except BaseException as error:
            fail(span, error.code if isinstance(error, DomainError) else type(error).__qualname__)
            raise
        finally:
            span.end()


class TelemetryObserver(Observer):
    def __init__(self) -> None:
        self._telemetry = PerProcess(Telemetry)

    @property
    def telemetry(self) -> Telemetry:
        return self._telemetry.get()

    def prepare(self) -> None:
        self.telemetry  # noqa: B018 - makes it

    def end(self, *, seconds: float) -> None:
        self.telemetry.end(seconds=seconds)

    @contextmanager
    def calling(self, *, task: str, request_id: str) -> Iterator[None]:
        from opentelemetry.trace import SpanKind

        attributes = {"aditus.task": task, "aditus.request_id": request_id}
        with self.telemetry.span(f"call {task}", SpanKind.INTERNAL, attributes):
            yield

    def settled(self, attempt: Attempt, outcome: Outcome, settlement: Settlement | None) -> None:
        if not outcome.was_sent:
            return
        from opentelemetry.trace import SpanKind

        ended, seconds = time.time_ns(), max(0, outcome.latency_ms) / 1000
        known = _known_of(attempt, outcome)
        told = known | _told_of(attempt, outcome, settlement)
        span = self.telemetry.tracer.start_span(
            f"{known['gen_ai.operation.name']} {attempt.model_name}",
            kind=SpanKind.CLIENT,
            attributes=told,
            start_time=ended - int(seconds * 1e9),
        )
        if outcome.error_kind:
            fail(span, outcome.error_kind)
        span.end(ended)
        if outcome.is_timed:
            self.telemetry.duration.record(seconds, known)
        if settlement is not None and settlement.usage.total_tokens:
            used = {"input": settlement.usage.input_tokens, "output": settlement.usage.output_tokens}
            known.pop("error.type", None)
            for kind, amount in used.items():
                self.telemetry.usage.record(amount, known | {"gen_ai.token.type": kind})


def fail(span: Span, error_type: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)


def _known_of(attempt: Attempt, outcome: Outcome) -> dict[str, Any]:
    """What has few values, and is on the metrics too."""
    kind = PROVIDER_TYPES[attempt.provider_type]
    known: dict[str, Any] = {
        "gen_ai.operation.name": "generate_content" if kind.slug == "gemini" else "chat",
        "gen_ai.provider.name": kind.telemetry_name,
        "gen_ai.request.model": attempt.model_name,
        **_server_of(attempt, kind.host),
    }
    if outcome.error_kind:
        known["error.type"] = outcome.error_kind
    return known


def _told_of(attempt: Attempt, outcome: Outcome, settlement: Settlement | None) -> dict[str, Any]:
    """What is on the span alone."""
    told: dict[str, Any] = {
        "aditus.task": attempt.task,
        "aditus.request_id": attempt.request_id,
        "aditus.attempt": attempt.number,
        "gen_ai.request.max_tokens": attempt.max_output_tokens,
    }
    if outcome.model_name:
        told["gen_ai.response.model"] = outcome.model_name
    if settlement is not None:
        usage = settlement.usage
        told |= {
            "aditus.usage_source": settlement.usage_source,
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        }
        if settlement.cost_usd is not None:
            told["aditus.cost_usd"] = float(settlement.cost_usd)
    return told


def _server_of(attempt: Attempt, home: str) -> dict[str, Any]:
    """Where the vendor was asked, as this process routes now."""
    snapshot = latest_snapshot()
    providers = snapshot.providers if snapshot else ()
    asked = (attempt.config_id, attempt.provider_type)
    found = (one.base_url for one in providers if (one.config_id, one.provider_type) == asked)
    address = urlsplit(next(found, ""))
    if not address.hostname:
        return {"server.address": home} if home else {}
    port = address.port or (80 if address.scheme == "http" else 443)
    return {"server.address": address.hostname, "server.port": port}
