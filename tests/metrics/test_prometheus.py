"""Debian's Prometheus reads two web processes and a worker, and what it has read is what the log says."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen
from uuid import uuid4

import aiohttp
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from kombu import Connection
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import Plan
from tests import services
from tests.factories import make_config
from tests.ports import free_port
from tests.usage.attempts import make_attempt, run
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.celery_tasks import sweep
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.prometheus

RULES = Path(settings.BASE_DIR, "docs", "operations", "alert-rules.yml")
DASHBOARD = RULES.with_name("grafana-dashboard.json")
TOKEN = "for-prometheus-alone"
EACH = 12  # requests, before a process is killed and after


@contextmanager
def running(command, environment, output):
    with output.open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def environment_of(folder):
    """As an operator sets it, on this test's database."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    return os.environ | {
        "DATABASE_URL": url.geturl(),
        "REDIS_URL": services.REDIS_URL,
        "REDIS_KEY_PREFIX": f"test-{uuid4().hex}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "METRICS_TOKEN": TOKEN,
        "METRICS_DIR": str(folder / "counts"),
        "METRICS_WORKER_ADDRESS": f"127.0.0.1:{free_port()}",
    }


def configuration(*addresses):
    return json.dumps(
        {
            "global": {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "3s"},
            "rule_files": ["alert-rules.yml"],
            "scrape_configs": [
                {
                    "job_name": "aditus",
                    "authorization": {"credentials": TOKEN},
                    "static_configs": [{"targets": addresses}],
                }
            ],
        }
    )


def port_of(address):
    return address.rpartition(":")[2]


def asked(address, path, **query):
    with urlopen(f"http://{address}/api/v1/{path}?{urlencode(query)}", timeout=PATIENCE_SECONDS) as response:
        return json.load(response)["data"]


def children_of(pid):
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True
    )
    lines = [line.strip().partition(" ") for line in listed.stdout.splitlines()]
    return [int(child) for child, _, arguments in lines if "resource_tracker" not in arguments]


def extract(web, user, numbers):
    """The statuses of requests made at once, on a connection each, so that both processes get some."""
    headers = {"Authorization": f"Bearer {RefreshToken.for_user(user).access_token}", "Connection": "close"}

    async def one(session, number):
        body = {"text": f"Backend Engineer at Jua Logistics. You know Python and SQL. Opening {number}."}
        async with session.post(f"http://{web}/api/v1/job-extractor/extract", json=body) as reply:
            return reply.status

    async def everybody():
        async with aiohttp.ClientSession(headers=headers) as session:
            return await asyncio.gather(*(one(session, number) for number in numbers))

    return asyncio.run(everybody())


def test_the_rules_are_right_by_promtool_and_tell_of_what_they_are_for(tmp_path):
    for file in (RULES, Path(__file__).with_name("alert-rules-test.yml")):
        shutil.copy(file, tmp_path)

    for command in (["check", "rules", "alert-rules.yml"], ["test", "rules", "alert-rules-test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_what_prometheus_has_read_is_what_the_log_says(tmp_path, user, sandbox):
    Plan.objects.update(daily_token_limit=None)
    make_config(model_name="gpt-5-mini", base_url=sandbox.openai, timeout=300)
    environment = environment_of(tmp_path)
    web, worker = f"127.0.0.1:{free_port()}", environment["METRICS_WORKER_ADDRESS"]
    reader = f"127.0.0.1:{free_port()}"
    shutil.copy(RULES, tmp_path)
    (tmp_path / "prometheus.yml").write_text(configuration(web, worker))

    with ExitStack() as stack:
        start = [sys.executable, "-m"]
        server = stack.enter_context(
            running(
                [*start, "aditus.web", "--port", web.rpartition(":")[2]],
                environment | {"WEB_CONCURRENCY": "2"},
                tmp_path / "web.log",
            )
        )
        stack.enter_context(
            running(
                [*start, "celery", "-A", "aditus", "worker", "--pool", "threads", "--concurrency", "2"],
                environment,
                tmp_path / "worker.log",
            )
        )
        stack.enter_context(
            running(
                [
                    "prometheus",
                    f"--config.file={tmp_path / 'prometheus.yml'}",
                    f"--storage.tsdb.path={tmp_path / 'series'}",
                    f"--web.listen-address={reader}",
                ],
                os.environ,
                tmp_path / "prometheus.log",
            )
        )

        def figure(query):
            try:
                found = asked(reader, "query", query=query)["result"]
            except OSError:
                return None
            return float(found[0]["value"][1]) if found else 0.0

        wait_until(lambda: figure("sum(up)") == 2, else_say="the web server or the worker does not answer")
        statuses = extract(web, user, range(EACH))
        before = children_of(server.pid)
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(after := children_of(server.pid)) == 2 and before[0] not in after)
        wait_until(lambda: figure(f'up{{instance="{web}"}}') == 1)
        statuses += extract(web, user, range(EACH, 2 * EACH))
        run(get_ledger().reserve(make_attempt(user=user, started_at=timezone.now() - timedelta(days=9))))
        prefix = {"global_keyprefix": f"{environment['REDIS_KEY_PREFIX']}:"}
        with Connection(environment["REDIS_URL"], transport_options=prefix) as broker:
            sweep.apply_async(connection=broker)
        wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())

        rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
        wait_until(
            lambda: figure("sum(aditus_vendor_calls_total)") == rows.count(),
            else_say="Prometheus has not counted what the log says",
        )

        assert statuses == [201] * 2 * EACH
        for status in ("success", "aborted"):
            counted = figure(f'sum(aditus_vendor_calls_total{{status="{status}"}})')
            assert counted == rows.filter(status=status).count()
        sums = rows.aggregate(
            input=Sum("input_tokens"), output=Sum("output_tokens"), cost=Sum("estimated_cost_usd")
        )
        for kind in ("input", "output"):
            counted = figure(f'sum(aditus_tokens_total{{gen_ai_token_type="{kind}"}})')
            assert counted == sums[kind]
        assert figure("sum(aditus_cost_usd_total)") == pytest.approx(float(sums["cost"]), rel=1e-9)
        answered = 'aditus_http_requests_total{http_route="/api/v1/job-extractor/extract"}'
        assert figure(f"sum({answered})") == 2 * EACH
        assert figure(f'sum(aditus_swept_calls_total{{instance="{worker}"}})') == 1
        assert figure("sum(aditus_calls_in_flight)") == 0
        wait_until(lambda: figure("max(aditus_open_calls)") == 0)
        [group] = asked(reader, "rules")["groups"]
        assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
        for query in queries_of_the_dashboard():
            asked(reader, "query", query=query)


def queries_of_the_dashboard():
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m").replace("$provider", ".*")
