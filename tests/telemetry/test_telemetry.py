"""What a collector of OpenTelemetry's gets, by OTLP over real HTTP."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aditus import telemetry
from aditus.telemetry.requests import request_spans_middleware
from aditus.telemetry.sending import TelemetryObserver
from orchestration.errors import NoActiveProvider
from tests.orchestration.conftest import ask, config_at, no_pauses  # noqa: F401 - fixtures
from usage.metrics import observers

SECRET = "the prompt that nobody else is to see"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Keeps what it is sent, decoded."""

    def __init__(self):
        self.traces, self.metrics, self.raw = [], [], b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.raw += body
                if self.path == "/v1/traces":
                    collector.traces.append(ExportTraceServiceRequest.FromString(body))
                else:
                    collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def spans(self):
        return [
            span
            for sent in self.traces
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def points(self, name):
        return [
            point
            for sent in self.metrics
            for resource in sent.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.histogram.data_points
        ]


def attributes_of(thing):
    kinds = {"string_value", "int_value", "double_value", "bool_value"}
    return {
        one.key: next(value for field, value in one.value.ListFields() if field.name in kinds)
        if one.value.ListFields()
        else 0
        for one in thing.attributes
    }


@pytest.fixture
def collector(monkeypatch):
    """It collects what this process sends; `collect()` has it send now."""
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    observer = TelemetryObserver()
    monkeypatch.setattr(telemetry, "_sending", observer)

    def collect():
        observer.telemetry.traces.force_flush()
        observer.telemetry.metrics.force_flush()

    collector.collect = collect
    with observers.added(observer):
        yield collector
    observer.telemetry.traces.shutdown()
    observer.telemetry.metrics.shutdown()
    collector.server.shutdown()
    collector.server.server_close()


def get(view, **headers):
    """Answer a request by `view`, behind the middleware."""

    def answer(request):
        request.resolver_match = ResolverMatch(view, (), {}, route="api/v1/jobs/<int:pk>")
        return view(request)

    return request_spans_middleware(answer)(RequestFactory(headers=headers).get("/api/v1/jobs/12345"))


@pytest.mark.django_db(transaction=True)
def test_a_request_its_call_and_every_attempt_are_one_trace_of_the_callers(
    collector,
    ask,  # noqa: F811
    config_at,  # noqa: F811
    sandbox,
    no_pauses,  # noqa: F811
):
    config = config_at("gpt-5-mini", priority=2)
    config_at("sandbox-other", provider_type="claude", priority=1)
    sandbox.fault("auth", vendor="openai")
    results = []

    def view(_request):
        results.append(ask(SECRET))
        return HttpResponse(status=201)

    get(view, traceparent=f"00-{TRACE}-{PARENT}-01")
    collector.collect()

    spans = {span.name: span for span in collector.spans()}
    request, call = spans["GET /api/v1/jobs/<int:pk>"], spans["call extraction"]
    failed, answered = spans["chat gpt-5-mini"], spans["chat sandbox-other"]
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert call.parent_span_id == request.span_id
    assert {failed.parent_span_id, answered.parent_span_id} == {call.span_id}
    assert attributes_of(request)["http.response.status_code"] == 201
    told = attributes_of(answered)
    [result] = results
    assert {name: told[name] for name in told if name.startswith(("gen_ai", "error"))} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "sandbox-other",
        "gen_ai.response.model": told["gen_ai.response.model"],
        "gen_ai.request.max_tokens": told["gen_ai.request.max_tokens"],
        "gen_ai.usage.input_tokens": result.usage.input_tokens,
        "gen_ai.usage.output_tokens": result.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
    }
    assert told["aditus.request_id"] == result.request_id == attributes_of(call)["aditus.request_id"]
    refused = attributes_of(failed)
    assert (refused["error.type"], refused["server.address"]) == ("auth", "127.0.0.1")
    assert str(refused["server.port"]) in config.base_url
    assert failed.status.code == 2
    assert answered.end_time_unix_nano >= answered.start_time_unix_nano >= call.start_time_unix_nano
    assert SECRET.encode() not in collector.raw
    assert result.text.encode() not in collector.raw
    assert b"12345" not in collector.raw


@pytest.mark.django_db(transaction=True)
def test_the_metrics_are_those_of_the_conventions(collector, ask, config_at):  # noqa: F811
    config_at("gpt-5-mini")
    result = ask()

    collector.collect()

    [duration] = collector.points("gen_ai.client.operation.duration")
    known = attributes_of(duration)
    assert (known["gen_ai.provider.name"], known["gen_ai.request.model"]) == ("openai", "gpt-5-mini")
    assert (duration.count, list(duration.explicit_bounds)[:2]) == (1, [0.01, 0.02])
    used = {
        attributes_of(one)["gen_ai.token.type"]: one.sum
        for one in collector.points("gen_ai.client.token.usage")
    }
    assert used == {"input": result.usage.input_tokens, "output": result.usage.output_tokens}


@pytest.mark.django_db(transaction=True)
def test_a_call_that_nobody_was_asked_for_has_its_refusal_and_no_attempt(collector, ask):  # noqa: F811
    with pytest.raises(NoActiveProvider):
        ask()

    collector.collect()

    [span] = collector.spans()
    assert (span.name, attributes_of(span)["error.type"]) == ("call extraction", NoActiveProvider.code)


@pytest.fixture
def impatient(monkeypatch):
    """What is sent at the end is not tried for long."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


@pytest.mark.usefixtures("impatient")
@pytest.mark.django_db(transaction=True)
def test_a_collector_that_is_away_costs_no_answer(collector, ask, config_at):  # noqa: F811
    config_at()
    collector.server.shutdown()
    collector.server.server_close()

    assert ask().text


@pytest.mark.parametrize("header", ["nonsense", "00-0-0-01", "ff-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_what_is_no_traceparent_begins_a_trace_of_its_own(collector, header):
    get(lambda _: HttpResponse(), traceparent=header)

    collector.collect()

    [span] = collector.spans()
    assert span.parent_span_id == b""


@pytest.mark.parametrize("fails", ["span", "requests"])
def test_a_request_that_cannot_be_told_of_is_answered(collector, monkeypatch, caplog, fails):
    monkeypatch.setattr(telemetry._sending.telemetry, fails, None)

    assert get(lambda request: HttpResponse("here")).content == b"here"
    assert "Measuring could not" in caplog.text


@pytest.mark.processes
def test_where_nothing_is_sent_or_counted_nothing_of_it_is_imported():
    # The client of Redis imports OpenTelemetry's metrics by itself wherever they are installed.
    code = (
        "import sys, django; django.setup(); from aditus.asgi import application; "
        "from django.urls import get_resolver; get_resolver().url_patterns; "
        "print([name for name in ('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'prometheus_client') "
        "if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True)

    assert done.stdout.strip() == "[]", done.stderr
