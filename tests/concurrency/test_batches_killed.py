"""Workers killed at random moments under batches: every item is answered once, and every call has its row."""

import os
import random
import time
from datetime import UTC, datetime

import pytest

from accounts import concurrency
from accounts.models import Plan
from extraction.models import JobPosting
from orchestration.batches import queue
from orchestration.batches.work import LANES
from orchestration.models import BatchItem
from tests.books import counters, sums_of_rows
from tests.concurrency.batch_process import work
from tests.concurrency.forked import Forked, forked, gone
from tests.concurrency.test_kills import report
from tests.factories import make_config
from tests.orchestration.test_batches import posting
from tests.waiting import wait_until
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

BATCHES = 3
ITEMS = int(os.environ.get("CHAOS_BATCH_ITEMS", "10"))
KILLS = int(os.environ.get("CHAOS_BATCH_KILLS", "4"))
PROCESSES = 3
LEASE = {"held_for": 10, "held_every": 2}
LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)


def answered():
    return BatchItem.objects.filter(state="done").count()


def test_items_of_workers_killed_at_random_are_answered_once(user, sandbox, monkeypatch):
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda **_: None)
    Plan.objects.update(daily_token_limit=None)
    make_config(model_name="sandbox-mini@slow=0.05", base_url=sandbox.openai, is_default=True)
    for batch in range(BATCHES):
        items = [{"text": posting(batch * 1000 + number)} for number in range(ITEMS)]
        queue.start(user=user, kind="extract", items=items)
    moments, killed = random.Random(12), 0

    with forked(work, count=PROCESSES, **LEASE) as processes:
        while killed < KILLS and answered() < BATCHES * ITEMS:
            before = answered()
            wait_until(lambda before=before: answered() > before)
            # At any moment of an item, not just after one was answered.
            time.sleep(moments.uniform(0, 0.05))
            victim = moments.randrange(PROCESSES)
            processes[victim].kill()
            processes[victim] = Forked(work, LEASE)
            assert processes[victim].hears() == "ready"
            killed += 1
        wait_until(lambda: not BatchItem.objects.filter(state__in=["waiting", "running"]).exists())
    gone()
    wait_until(lambda: sandbox.hits()["in_flight"] == 0)
    swept = concurrency.run(get_ledger().sweep(now=LONG_AFTER))

    assert killed > 0
    done = BatchItem.objects.filter(state="done")
    # Given up is an item whose every worker died, which takes so many deaths.
    given_up = BatchItem.objects.filter(state="failed", tries=queue.MOST_TRIES)
    assert done.count() + given_up.count() == BATCHES * ITEMS
    assert killed >= queue.MOST_TRIES or not given_up
    assert not done.exclude(status=201).exclude(status=200).exists()
    jobs = set(done.values_list("answer__job_id", flat=True))
    assert len(jobs) == done.count() <= JobPosting.objects.count() <= BATCHES * ITEMS
    rows, hits = AIProviderUsageLog.objects.filter(attempt__gte=1), sandbox.hits()["total"]
    # A row is written before its request is sent, and a process may die in between.
    assert rows.count() - swept <= hits <= rows.count()
    # What was answered is never asked again; a death loses what was under way, and no more.
    assert hits <= BATCHES * ITEMS + killed * LANES
    assert counters() == sums_of_rows()
    assert {reserved for _, reserved in counters().values()} == {0}
    report(kills=killed, items=BATCHES * ITEMS, done=done.count(), rows=rows.count(), hits=hits, swept=swept)
