"""What servers and workers have not sent yet when they are told to end: a few seconds' worth."""

import json
import subprocess
import sys
import threading

import pytest
from opentelemetry.trace import SpanKind

from accounts import personal_tokens
from accounts.audit import Actor
from aditus.telemetry.sending import TelemetryObserver
from orchestration.batches import queue
from orchestration.models import BatchItem
from tests import services
from tests.concurrency.test_shutdown import ask, environment, is_ready, running
from tests.factories import make_config
from tests.orchestration.test_batches import posting
from tests.ports import free_port
from tests.telemetry.test_telemetry import Collector
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

# Longer than any test: what arrives was sent at the end.
NEVER = {"OTEL_BSP_SCHEDULE_DELAY": "86400000", "OTEL_METRIC_EXPORT_INTERVAL": "86400000"}
USED = "gen_ai.client.token.usage"


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def names(collector):
    return [span.name for span in collector.spans()]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_server_sends_what_is_left(collector, user, sandbox, settings, processes):
    settings.REDIS_URL = services.REDIS_URL
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    _, token = personal_tokens.create(user=user, name="CI", actor=Actor.system())
    port = free_port()
    env = environment(settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, WEB_CONCURRENCY=processes)

    with running("aditus.web", "--port", str(port), env=env | NEVER) as web:
        wait_until(lambda: is_ready(port))
        assert ask(token, [(port, "sandbox-mini")] * 3, then=lambda: None) == [200] * 3
        assert not collector.raw
        web.terminate()
        web.wait(PATIENCE_SECONDS)

    assert names(collector).count("chat sandbox-mini") == 3
    assert sum(point.count for point in collector.points(USED)) == 2 * 3


def test_a_worker_sends_what_is_left(collector, user, sandbox, settings):
    settings.REDIS_URL = services.REDIS_URL
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    env = environment(settings, OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    worker = ["celery", "-A", "aditus", "worker", "--hostname", "of-this-test@%h"]

    with running(*worker, env=env | NEVER) as works:
        batch = queue.start(user=user, kind="extract", items=[{"text": posting(1)}])
        # This process has another broker, which its worker does not listen to.
        call = ["call", "orchestration.celery_tasks.work_batch", "--args", json.dumps([str(batch.pk)])]
        command = [sys.executable, "-m", "celery", "-A", "aditus", *call, "--queue", "interactive"]
        subprocess.run(command, env=env | NEVER, check=True, stdout=subprocess.DEVNULL)
        wait_until(lambda: BatchItem.objects.filter(state="done").exists())
        assert not collector.raw
        works.terminate()
        works.wait(PATIENCE_SECONDS)

    assert "call extraction" in names(collector)
    assert collector.points(USED)


def test_a_collector_that_says_nothing_is_not_waited_for(collector, monkeypatch):
    asked, may_answer = threading.Event(), threading.Event()

    handler = collector.server.RequestHandlerClass
    answer = handler.do_POST

    def answer_late(self):
        asked.set()
        may_answer.wait(PATIENCE_SECONDS)
        answer(self)

    monkeypatch.setattr(handler, "do_POST", answer_late)
    for name, value in (NEVER | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}).items():
        monkeypatch.setenv(name, value)
    observer = TelemetryObserver()
    with observer.telemetry.span("call", SpanKind.INTERNAL, {}):
        pass

    observer.end(seconds=0)

    assert asked.wait(PATIENCE_SECONDS)
    assert "telemetry" in {thread.name for thread in threading.enumerate()}, "it is still being sent"
    may_answer.set()
    wait_until(lambda: names(collector) == ["call"])
