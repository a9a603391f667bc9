"""Servers and workers told to stop while they have work: it is answered, or broken off and settled."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit
from urllib.request import urlopen

import aiohttp
import httpx
import pytest
from django.db import connection

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import Plan
from accounts.tokens import issue_pair
from orchestration.models import BatchItem
from tests import services
from tests.books import counters, sums_of_rows
from tests.factories import make_config
from tests.orchestration.test_batches import posting
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

CALLS = 6
ITEMS = 40
SLOW, HANGING = "sandbox-mini@slow=3", "sandbox-large@hang"


def environment(settings, **more):
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    return os.environ | {
        "DATABASE_URL": url.geturl(),
        "REDIS_URL": services.REDIS_URL,
        "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        **more,
    }


@contextmanager
def running(*command, env):
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=env, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            # With its own processes, which would keep the database of the next test.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)


def is_ready(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False


def batch_begun_at(port, login):
    """The id of a batch that the server at `port` took, and that it called its workers for."""
    body = {"items": [{"text": posting(number)} for number in range(ITEMS)]}
    reply = httpx.post(
        f"http://127.0.0.1:{port}/api/v1/job-extractor/batches",
        json=body,
        headers={"Authorization": f"Bearer {login}"},
        timeout=PATIENCE_SECONDS,
    )
    assert reply.status_code == 202, reply.text
    return reply.json()["data"]["batch_id"]


def ask(token, calls, *, then):
    """The status of each call, (port, model), None where the connection ended without one; `then` is called
    in a thread once all were sent."""

    async def one(session, port, model):
        body = {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}
        try:
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as reply:
                return reply.status
        except aiohttp.ClientError:
            return None

    async def everybody():
        headers = {"Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            asking = [asyncio.ensure_future(one(session, *call)) for call in calls]
            await asyncio.to_thread(then)
            return await asyncio.gather(*asking)

    return asyncio.run(everybody())


def test_what_is_under_way_at_the_end_of_servers_and_workers_is_answered_or_settled(user, sandbox, settings):
    settings.REDIS_URL = services.REDIS_URL
    Plan.objects.update(daily_token_limit=None, max_concurrent_calls=None)
    make_config(model_name=SLOW, base_url=sandbox.openai, timeout=300, is_default=True)
    make_config(model_name=HANGING, base_url=sandbox.openai, timeout=300)
    login = issue_pair(user=user, verified_at=None)["access"]
    _, token = personal_tokens.create(user=user, name="CI", actor=Actor.system())
    patient, short = free_port(), free_port()
    web = ["aditus.web", "--port"]
    worker = ["celery", "-A", "aditus", "worker", "--queues", "batch", "--hostname", "of-this-test@%h"]
    env = environment(settings)

    with ExitStack() as stack:
        answers = stack.enter_context(running(*web, str(patient), env=env | {"WEB_CONCURRENCY": "2"}))
        breaks_off = stack.enter_context(
            running(*web, str(short), env=env | {"WEB_CONCURRENCY": "1", "SHUTDOWN_SECONDS": "0"})
        )
        works = stack.enter_context(running(*worker, env=env))
        wait_until(lambda: is_ready(patient) and is_ready(short))
        batch = batch_begun_at(patient, login)

        def stop_all_in_the_middle():
            wait_until(lambda: BatchItem.objects.filter(batch=batch, state="running").exists())
            hanging = AIProviderUsageLog.objects.filter(model_name=HANGING, status="started")
            wait_until(lambda: hanging.count() == CALLS)
            wait_until(lambda: sandbox.hits()["total"] >= 2 * CALLS)
            for process in (answers, breaks_off, works):
                process.terminate()
            connection.close()

        statuses = ask(
            token, [(patient, SLOW)] * CALLS + [(short, HANGING)] * CALLS, then=stop_all_in_the_middle
        )
        for process in (answers, breaks_off, works):
            process.wait(PATIENCE_SECONDS)

    assert statuses[:CALLS] == [200] * CALLS, "the server that may wait answers what it has begun"
    assert 200 not in statuses[CALLS:]
    rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert rows.count() == sandbox.hits()["total"]
    assert not rows.filter(status="started").exists(), "no sweeper ran"
    assert set(rows.filter(model_name=HANGING).values_list("status", "usage_source")) == {
        ("aborted", "estimated")
    }
    assert set(rows.filter(model_name=SLOW).values_list("status", flat=True)) == {"success"}
    assert counters() == sums_of_rows()
    states = set(BatchItem.objects.filter(batch=batch).values_list("state", flat=True))
    assert states == {"waiting", "done"}, "the worker ended what it had begun, and began no more"


def test_servers_end_when_the_process_that_started_them_is_killed(settings):
    port = free_port()
    with running("aditus.web", "--port", str(port), env=environment(settings, WEB_CONCURRENCY="2")) as web:
        wait_until(lambda: answers(port))

        web.kill()

        wait_until(lambda: not answers(port))


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
