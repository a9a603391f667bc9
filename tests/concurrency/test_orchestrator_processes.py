"""The whole call under four real processes: quota, requests at the vendor and rows agree to the last one."""

from datetime import UTC, datetime

import pytest

from accounts import concurrency
from accounts.models import Plan
from providers.adapters.base import GenerationRequest
from tests.concurrency.processes import PROCESSES, answers_of, kill, start, workers
from tests.factories import make_config
from tests.waiting import wait_until
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, QuotaCounter
from usage.quotas import estimate_input_tokens

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

CALLS, ROOM = 50, 37
LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)

INPUT = estimate_input_tokens(GenerationRequest(prompt="Say hello."))
OUTPUT = 64


def room_for(calls):
    """Limit the plan to the reservations of so many calls."""
    Plan.objects.filter(slug="freemium").update(daily_token_limit=calls * (INPUT + OUTPUT))


def reserved():
    return sum(QuotaCounter.objects.values_list("reserved", flat=True))


def test_room_for_k_calls_sends_exactly_k_requests(user, sandbox):
    # A call uses exactly what it reserved, so that settling one makes no room for another.
    make_config(model_name=f"sandbox-mini@usage={INPUT},{OUTPUT}", base_url=sandbox.openai)
    room_for(ROOM)

    answers = answers_of("orchestrator_worker", user=user.pk, calls=CALLS)

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["answered"] for answer in answers) == ROOM
    assert sum(answer["refused"].get("quota_exceeded", 0) for answer in answers) == PROCESSES * CALLS - ROOM
    assert sandbox.hits()["total"] == ROOM
    assert AIProviderUsageLog.objects.filter(attempt__gte=1, status="success").count() == ROOM
    assert AIProviderUsageLog.objects.filter(attempt=0).count() == PROCESSES * CALLS - ROOM
    assert reserved() == 0


def test_without_the_guard_the_same_run_overshoots(user, sandbox):
    make_config(model_name="sandbox-mini@slow=3", base_url=sandbox.openai)
    room_for(5)

    answers = answers_of("orchestrator_worker", user=user.pk, calls=10, unguarded=True)

    assert sum(answer["answered"] for answer in answers) > 5
    assert sandbox.hits()["total"] > 5


def test_processes_killed_while_the_vendor_works_lose_no_row(user, sandbox):
    make_config(model_name="sandbox-mini@hang", base_url=sandbox.openai, timeout=300)
    Plan.objects.filter(slug="freemium").update(daily_token_limit=None)
    with workers("orchestrator_worker", user=user.pk, calls=10) as processes:
        start(processes)
        wait_until(lambda: sandbox.hits()["total"] == PROCESSES * 10)
        kill(processes)
    assert AIProviderUsageLog.objects.filter(status="started").count() == PROCESSES * 10

    concurrency.run(get_ledger().sweep(now=LONG_AFTER))

    rows = AIProviderUsageLog.objects.filter(attempt__gte=1)
    assert rows.count() == sandbox.hits()["total"] == PROCESSES * 10
    assert set(rows.values_list("status", "usage_source")) == {("aborted", "estimated")}
    assert reserved() == 0
