"""`python -m bench.cluster`, beside the suite's own tests of the cluster: workers and beats that are killed
and told to end while batches run. It waits for real minutes: a dead worker's items are held for one, and
beat looks for them every minute."""

import os
from collections import Counter

import pytest
from django.conf import settings

from orchestration.batches import work
from orchestration.models import BatchItem
from tests.books import assert_books_balance
from tests.cluster.clients import post
from tests.orchestration.test_batches import posting
from tests.services import has_pgbouncer
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, AlertEvent, Heartbeat

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ITEMS = int(os.environ.get("CLUSTER_ITEMS", "40"))
BATCHES = "/api/v1/job-extractor/batches"


@pytest.fixture
def staff(cluster):
    """Two workers and two beats."""
    found = cluster.machines
    workers, beats = [found.worker() for _ in range(2)], [found.beat() for _ in range(2)]
    wait_until(lambda: {"worker", "beat"} <= set(Heartbeat.objects.values_list("role", flat=True)))
    return workers, beats


def done():
    return BatchItem.objects.filter(state="done").count()


def test_no_batch_is_stuck_and_nothing_is_sent_twice_whoever_dies(cluster, staff):
    workers, beats = staff
    user, _ = cluster.person()
    token = cluster.access(user)
    cluster.only_config(model_name="sandbox-mini@slow=1", is_default=True)
    items = {"items": [{"text": posting(number)} for number in range(ITEMS)]}
    assert post(cluster.proxy.url, BATCHES, items, token)[0] == 202

    for number, blow in enumerate((workers[0].kill, workers[1].terminate, beats[0].kill, beats[1].terminate)):
        before = done()
        wait_until(lambda before=before: done() > before)
        blow()
        (*workers, *beats)[number].start()
    wait_until(lambda: done() == ITEMS)
    wait_until(lambda: not cluster.vendor.hits()["in_flight"])
    cluster.sweep()

    assert Counter(BatchItem.objects.values_list("state", flat=True)) == {"done": ITEMS}
    jobs = BatchItem.objects.values_list("answer__job_id", flat=True)
    assert len(set(jobs)) == ITEMS
    # Those under way with whoever was killed were paid for once more, and are in the books.
    assert AIProviderUsageLog.objects.filter(user=user, attempt__gte=1).count() >= ITEMS
    # One worker was killed, which had four batches' turns at most, of so many items each.
    assert_books_balance(cluster.vendor, left=cluster.cut + 4 * work.LANES)
    told = Counter(AlertEvent.objects.filter(what="opened").values_list("alert_id", "episode"))
    assert set(told.values()) <= {1}, "two beats open an alert once"
    assert all(process.runs for process in (*workers, *beats, *cluster.webs))


@pytest.mark.skipif(not has_pgbouncer(), reason="needs pgbouncer")
def test_workers_give_up_behind_a_pooler_that_stands_still_and_go_on_after_it(cluster):
    worker, beat = cluster.machines.worker(DATABASE_PATIENCE_SECONDS="3"), cluster.machines.beat()
    user, _ = cluster.person()
    cluster.only_config(model_name="sandbox-mini@slow=1", is_default=True)
    items = {"items": [{"text": posting(10_000 + number)} for number in range(ITEMS)]}
    answered = done()
    assert post(cluster.proxy.url, BATCHES, items, cluster.access(user))[0] == 202
    wait_until(lambda: done() > answered)
    said = len(worker.said())

    cluster.machines.pooler.freeze()
    wait_until(lambda: "OperationalError" in worker.said()[said:])
    cluster.machines.pooler.thaw()
    wait_until(lambda: done() == answered + ITEMS)
    wait_until(lambda: not cluster.vendor.hits()["in_flight"])
    cluster.sweep()

    # What was reserved by a statement whose answer did not come, or which came late to the server, has a row
    # and no request: one of each lane, and of each connection, of three workers at most.
    assert_books_balance(cluster.vendor, left=cluster.cut + 3 * (work.LANES + settings.LEDGER_CONNECTIONS))
    assert worker.runs, worker.said()
    assert beat.runs, beat.said()
