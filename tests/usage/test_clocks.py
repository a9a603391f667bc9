"""Clocks of processes that differ by five minutes either way, and what they share in the database; what they
share in Redis is in `tests.concurrency.test_clocks_apart`."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import idempotency
from accounts.concurrency import run
from accounts.models import IdempotencyKey, Plan
from accounts.tokens import issue_pair
from aditus.celery import app
from orchestration.batches import queue, vendor_queue
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.errors import TooManyCalls
from orchestration.models import BatchItem, VendorBatch
from tests.books import assert_books_balance
from tests.factories import make_config
from usage import heartbeats
from usage.alerts.rounds import make_round
from usage.alerts.watchdog import watch
from usage.ledger.limits import QuotaExceeded
from usage.models import Heartbeat, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OFF = timedelta(minutes=5)


def ask_at(moment, user, number):
    """As a process whose clock says so."""
    with time_machine.travel(moment):
        try:
            run(
                AIOrchestrator().generate(
                    user=user, task="chat", prompt=f"Say {number}.", max_output_tokens=50
                )
            )
        except (QuotaExceeded, TooManyCalls):
            return "refused"
        return "answered"


def test_a_quota_is_never_overshot_whoever_is_ahead(user, sandbox):
    limit = 150
    Plan.objects.update(daily_token_limit=limit)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai)

    moments = [NOON + (OFF if number % 2 else -OFF) for number in range(30)]
    said = Counter(ask_at(moment, user, number) for number, moment in enumerate(moments))

    assert set(said) == {"answered", "refused"}
    assert QuotaCounter.objects.get(scope=f"user:{user.pk}", window="day:2026-11-30").used <= limit
    assert_books_balance(sandbox)


def test_a_login_of_a_process_ahead_holds_at_one_behind_and_the_other_way_round(user):
    answers = []
    for issued, used in ((OFF, -OFF), (-OFF, OFF)):
        with time_machine.travel(NOON + issued):
            pair = issue_pair(user=user, verified_at=None)
        client = APIClient(headers={"Authorization": f"Bearer {pair['access']}"})
        with time_machine.travel(NOON + used):
            refreshed = client.post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}, format="json")
            answers += [client.get("/api/v1/me").status_code, refreshed.status_code]

    assert answers == [200] * 4


def test_what_one_works_on_another_that_is_ahead_does_not_take(user, sandbox):
    """A request with its key, an item of a batch, a batch at a vendor: whoever has one keeps it for a while
    by the database's clock."""
    batch = queue.start(user=user, kind="extract", items=[{"text": "one"}])
    VendorBatch.objects.create(batch=batch, provider_type="openai", model_name="gpt-5-mini")
    vendor_batch = VendorBatch.objects.get().pk
    held = [
        idempotency.claim(user.pk, "key", "asked"),
        queue.claim_next(batch.pk),
        vendor_queue.claim(vendor_batch),
    ]

    with time_machine.travel(timezone.now() + OFF):
        with pytest.raises(idempotency.RequestInProgress):
            idempotency.claim(user.pk, "key", "asked")
        taken = [queue.claim_next(batch.pk), vendor_queue.claim(vendor_batch), queue.left_to_do()]

    assert all(held)
    assert taken == [None, None, []]


def test_what_one_that_was_ahead_has_left_is_taken_when_its_time_is_up(user):
    """It would have been its own for five minutes longer."""
    batch = queue.start(user=user, kind="extract", items=[{"text": "one"}])
    with time_machine.travel(timezone.now() + OFF):
        idempotency.claim(user.pk, "key", "asked")
        queue.claim_next(batch.pk)

    for model, held_for in ((IdempotencyKey, idempotency.HELD_FOR), (BatchItem, queue.HELD_FOR)):
        model.objects.update(held_until=F("held_until") - held_for - timedelta(seconds=1))

    assert queue.claim_next(batch.pk)
    assert idempotency.claim(user.pk, "key", "asked")


@pytest.mark.parametrize("off", [-OFF, OFF])
def test_a_worker_lives_whatever_its_clock_says(settings, off):
    settings.WORKERS_EXPECTED = True
    with time_machine.travel(timezone.now() + off):
        heartbeats.beat(role=Heartbeat.Role.WORKER)
        make_round(now=timezone.now())

    assert watch().parts == {"alerts": "ok", "worker": "ok", "beat": "late"}
    with time_machine.travel(timezone.now() - off):
        assert watch().parts == {"alerts": "ok", "worker": "ok", "beat": "late"}


@pytest.mark.parametrize("entry", sorted(app.conf.beat_schedule))
def test_what_beat_sends_is_taken_by_a_worker_that_is_ahead(entry):
    """It would throw away as too old what expires by the clock of the machine that sent it."""
    expires = app.conf.beat_schedule[entry].get("options", {}).get("expires")

    assert expires is None or expires > (2 * OFF).total_seconds()
