"""kill -9 at random moments of vendors' batches: nothing is sent, answered or billed twice, or lost."""

import os
import random
import time

import pytest
from django.db.models.functions import Now

from accounts.models import Plan
from orchestration.batches import queue
from orchestration.models import BatchItem, VendorBatch
from tests.concurrency.economy_process import work_on
from tests.concurrency.forked import Forked, gone
from tests.factories import make_config
from tests.orchestration.test_batches import posting
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

KILLS = int(os.environ.get("CHAOS_KILLS", "15"))
BATCHES, ITEMS = 3, 10


@pytest.fixture(autouse=True)
def no_worker_here(monkeypatch):
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: None)


def test_workers_killed_at_random_send_and_bill_each_item_once(user, sandbox):
    Plan.objects.update(daily_token_limit=None, max_concurrent_calls=1_000)
    make_config(model_name="gpt-5-mini", base_url=sandbox.openai, is_default=True)
    # The vendor has it, and says so a little later: time to die in between.
    sandbox.fault("slow=0.1@batch_slow=3", times=10_000, on="batch")
    moments = random.Random(12)
    for number in range(BATCHES):
        items = [{"text": posting(100 * number + item)} for item in range(ITEMS)]
        queue.start(user=user, kind="extract", items=items, economy=True)

    for _ in range(KILLS):
        worker = started()
        # At any moment of its work.
        time.sleep(moments.uniform(0, 0.6))
        worker.kill()
        it_is_known_to_be_dead()
    worker = started()
    wait_until(lambda: not BatchItem.objects.filter(state__in=["waiting", "running"]).exists())
    worker.kill()
    it_is_known_to_be_dead()

    assert set(BatchItem.objects.values_list("state", flat=True)) == {"done"}
    called = AIProviderUsageLog.objects.filter(attempt__gt=0)
    assert sandbox.hits()["total"] == called.count() == BATCHES * ITEMS
    assert set(called.values_list("status", "service_tier")) == {("success", "batch")}
    assert called.values("request_id").distinct().count() == BATCHES * ITEMS
    assert sandbox.hits()["batches"] == {"openai": VendorBatch.objects.count()}
    assert not QuotaCounter.objects.exclude(reserved=0).exists()


def started():
    worker = Forked(work_on, {})
    assert worker.hears() == "ready"
    worker.tell("go")
    return worker


def it_is_known_to_be_dead():
    """At once, and not after the minutes for which a worker is believed to live."""
    gone()
    BatchItem.objects.exclude(claim="").filter(state="running").update(held_until=Now(), tries=0)
    VendorBatch.objects.update(held_until=None)
