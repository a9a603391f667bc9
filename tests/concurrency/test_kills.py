"""kill -9 at random moments under load: whatever a dead process had begun is accounted for, and lapses.

A row is written before its request is sent, so a process can die in between: such a row was never a request,
and the sweep closes it as one that was, because nobody can tell any more. What cannot be is the reverse.
Sweeps come too early as well, while calls are under way, and rollups before either is settled.
"""

import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone

from accounts import concurrency
from accounts.models import Plan
from orchestration.guards.admission import gate_of
from orchestration.guards.base import get_guards
from orchestration.routing.snapshot import current_snapshot
from tests import services
from tests.books import assert_nothing_is_held, counters, sums_of_rows
from tests.concurrency.asking_process import work
from tests.concurrency.forked import Forked, forked, gone
from tests.factories import make_config
from tests.usage.ended import by_hand, counted
from tests.waiting import wait_until
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, UsageRollup
from usage.stats import Figures, rollup
from usage.stats.cells import figures_of
from usage.stats.dimensions import ALL_PROVIDERS
from usage.stats.figures import COUNTS

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

KILLS = int(os.environ.get("CHAOS_KILLS", "40"))
# Calls that are made at least, kills or not.
CALLS = int(os.environ.get("CHAOS_CALLS_OF_PROCESSES", "0"))
LANES = 4
LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)
TIMEOUT = 60


def test_processes_killed_at_random_moments_lose_no_row_and_no_place(user, sandbox, settings):
    settings.REDIS_URL = services.REDIS_URL
    Plan.objects.update(daily_token_limit=None, max_concurrent_calls=1_000)
    for vendor in ("openai", "claude", "gemini"):
        make_config(
            provider_type=vendor,
            model_name="sandbox-mini@slow=0.02",
            base_url=sandbox.base_url(vendor),
            api_key="AIza-test-key-0123456789abcdef",
            timeout=TIMEOUT,
            max_concurrent_calls=1_000,
        )
    moments = random.Random(4)
    with forked(work, user=user.pk) as processes:
        for process in processes:
            process.tell("start", lanes=LANES)
            process.hears()
        for kill in range(KILLS):
            if kill % 10 == 0:
                roll_up()
                # Of those that live, every call that is under way settles a row that is closed.
                sweep()
            settled = successes()
            wait_until(lambda settled=settled: successes() > settled)
            # At any moment of a call, not just after one was settled.
            time.sleep(moments.uniform(0, 0.05))
            victim = moments.randrange(len(processes))
            processes[victim].kill()
            processes[victim] = Forked(work, {"user": user.pk})
            assert processes[victim].hears() == "ready"
            processes[victim].tell("start", lanes=LANES)
            processes[victim].hears()
        while AIProviderUsageLog.objects.count() < CALLS:
            settled = successes()
            wait_until(lambda settled=settled: successes() > settled + 100)
            roll_up()
        for process in processes:
            process.tell("stop")
        assert [process.hears()["broken"] for process in processes] == [[]] * len(processes)
    gone()
    wait_until(lambda: sandbox.hits()["in_flight"] == 0)
    # So that what the sweep closes is late.
    roll_up()
    abandoned = AIProviderUsageLog.objects.filter(status="started").count()
    assert counters() == sums_of_rows()
    assert abandoned <= KILLS * LANES
    assert_places_are_at_most(abandoned + KILLS * LANES)

    assert sweep() == abandoned

    hits, rows = sandbox.hits(), AIProviderUsageLog.objects.filter(attempt__gte=1)
    asked = Counter({"openai": 0, "claude": 0, "gemini": 0})
    asked.update(rows.values_list("provider_type", flat=True))
    swept = Counter(rows.filter(swept=True).values_list("provider_type", flat=True))
    for vendor in asked:
        sent = hits["by_vendor"].get("anthropic" if vendor == "claude" else vendor, 0)
        assert asked[vendor] - swept[vendor] <= sent <= asked[vendor], vendor
    assert counters() == sums_of_rows()
    assert {reserved for _, reserved in counters().values()} == {0}
    roll_up()
    assert counted(rolled_up()) == by_hand(AIProviderUsageLog.objects.all())
    call_command("roll_up_usage", "--verify", stdout=StringIO(), stderr=StringIO())
    # The places of the dead lapse by themselves, a while after their calls would have timed out.
    assert_nothing_is_held(
        user_ids=[user.pk], now=time.time() + settings.CALL_DEADLINE_SECONDS + TIMEOUT + 61
    )
    report(kills=KILLS, rows=rows.count(), hits=hits["total"], swept=abandoned)


def roll_up():
    """With the running hour, whose calls are late from then on."""
    rollup.refresh(now=timezone.now() + timedelta(hours=1))


def sweep():
    """As if every row were late; how many were closed."""
    return concurrency.run(get_ledger().sweep(now=LONG_AFTER))


def rolled_up() -> Figures:
    """The sum of what is kept by the hour."""
    cells = UsageRollup.objects.filter(span="hour", dimension="total", provider=ALL_PROVIDERS)
    return figures_of(list(cells.aggregate(**{f"of_{name}": Sum(name) for name in COUNTS}).values()))


def successes():
    return AIProviderUsageLog.objects.filter(status="success").count()


def assert_places_are_at_most(most):
    gates = [gate_of(provider) for provider in current_snapshot().providers]
    states = [concurrency.run(get_guards().gate_state(gate)) for gate in gates]
    assert sum(state.under_way for state in states) <= most


def report(**figures):
    """For `make chaos`, which shows what tests print."""
    print(", ".join(f"{name} {figure}" for name, figure in figures.items()))  # noqa: T201
