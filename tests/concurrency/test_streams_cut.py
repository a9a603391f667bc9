"""Streams of the real server that are cut at random: every request has its row, nothing stays reserved."""

import asyncio
import os
import random
import time

import aiohttp
import pytest
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Plan
from drafting.models import Draft
from tests.books import assert_books_balance, assert_nothing_is_held
from tests.concurrency.test_kills import report
from tests.concurrency.test_server import server
from tests.drafting.conftest import JOB, load_profile
from tests.factories import make_config
from tests.project.test_generating_posts import CV_TEXT, POSTING
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

STREAMS = int(os.environ.get("CHAOS_STREAMS", "16"))
# Every so manieth is heard to its end.
PATIENT = 8


def request_of(number, resume):
    """Path and body: the four kinds of streams by turns."""
    sources = {"job_data": JOB, "master_profile": resume}
    return (
        ("cv-drafter/draft", sources),
        ("cover-letter/generate", sources),
        ("job-extractor/extract", {"text": f"{POSTING} Opening number {number}."}),
        ("profiles/import", {"text": f"{CV_TEXT}\n- Handled {number} tickets."}),
    )[number % 4]


async def heard(session, root, number, dice, resume):
    """What became of one stream: left before its answer, cut, or the name of its last event."""
    path, body = request_of(number, resume)
    is_patient = number % PATIENT == 0
    leaves_at_once = dice.random() < 0.2 and not is_patient
    pieces = None if is_patient else dice.randrange(1, 12)
    asking = session.post(
        f"{root}/api/v1/{path}",
        json=body,
        timeout=aiohttp.ClientTimeout(total=0.05 + dice.random() if leaves_at_once else PATIENCE_SECONDS),
    )
    try:
        async with asking as reply:
            last = ""
            async for line in reply.content:
                last = line.decode().strip().removeprefix("event: ") if line.startswith(b"event") else last
                if pieces is not None and line.startswith(b"event: delta"):
                    pieces -= 1
                    if pieces == 0:
                        reply.close()
                        return "cut"
            return last or ("left" if leaves_at_once else f"status {reply.status}")
    except TimeoutError:
        return "left"


async def everybody(root, token, resume):
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        dice = random.Random(30)
        return await asyncio.gather(
            *(heard(session, root, number, dice, resume) for number in range(STREAMS))
        )


def test_streams_cut_at_random_leave_the_books_in_balance(user, sandbox, settings):
    Plan.objects.update(daily_token_limit=None, max_concurrent_calls=None)
    make_config(model_name="sandbox-mini@drip=0.01", base_url=sandbox.openai, is_default=True, timeout=300)

    with server() as (root, _):
        ends = asyncio.run(everybody(root, str(AccessToken.for_user(user)), load_profile("complete")))
        wait_until(lambda: sandbox.hits()["in_flight"] == 0)
        wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())

    told = {end: ends.count(end) for end in set(ends)}
    assert told.keys() <= {"left", "cut", "done"}, told
    assert set(ends[::PATIENT]) == {"done"}
    assert told["cut"] > 0
    assert_books_balance(sandbox, left=told["cut"] + told.get("left", 0))
    assert_nothing_is_held(user_ids=[user.pk], now=time.time())
    rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert set(rows.values_list("status", flat=True)) <= {"success", "aborted"}
    hits = sandbox.hits()["total"]
    report(streams=STREAMS, **told, drafts=Draft.objects.count(), rows=rows.count(), hits=hits)
