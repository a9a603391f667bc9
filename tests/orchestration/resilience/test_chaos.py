"""Everything that can go wrong does so at random, from many threads at once; then the books are read.

Vendors fail in every way the sandbox knows, callers leave, and configs come and go. The seed decides what
goes wrong, the machine when. `make chaos` makes three thousand calls of it.
"""

import asyncio
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, TimeoutError  # noqa: A004
from contextlib import closing

import pytest
from django.db import connection
from pydantic import BaseModel

from accounts import concurrency
from accounts.audit import Actor
from accounts.concurrency import unfinished
from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.guards.base import Gate, get_guards
from orchestration.models import TaskPolicy
from providers.configs import deletion
from providers.models import AIProviderConfig
from tests.books import assert_nothing_is_held, counters, sums_of_rows
from tests.factories import make_user
from tests.orchestration.resilience.faults import FAULTS
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, ModelPrice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pauses", "priced")]

# One writer at a time, as SQLite has, makes for less of a mess in more time.
CALLS = int(os.environ.get("CHAOS_CALLS", "400" if connection.vendor == "postgresql" else "240"))
THREADS = 12
SEED = 20261121
# Seconds after which a caller leaves. Each who left makes the next more patient, until one is answered: on a
# busy machine nobody would be otherwise.
PATIENCE = (1.0, 3.0)
MORE_PATIENT, MOST_PATIENT = 1.2, 30
CHAOS = [*FAULTS, "rate_limited=0", "slow=0.05", "hang", "cached=2", "reasoning=5"]
VENDORS = ("openai", "claude", "gemini")


class Greeting(BaseModel):
    greeting: str | None


@pytest.fixture
def priced():
    """Money is counted too: every model has a price and every counter a limit that is never reached."""
    Plan.objects.update(
        daily_token_limit=10**12, daily_cost_limit_usd=10**6, max_concurrent_calls=THREADS * 2
    )
    for vendor in VENDORS:
        ModelPrice.objects.create(
            provider_type=vendor, model_name="sandbox-mini", input_mtok="1.37", output_mtok="9.1"
        )
    TaskPolicy.objects.create(task="cover_letter", votes=3)


class Chaos:
    """What the threads share."""

    def __init__(self, users, make_config):
        self.users, self.make_config = users, make_config
        self.left = CALLS
        self.lock = threading.Lock()
        self.outcomes, self.bugs, self.config_ids, self.deleted = Counter(), [], [], 0
        self.patience = 1.0

    def replace_a_config(self, dice):
        """Somebody is at the console: a healthy config comes, a broken one is deleted or switched off."""
        old = AIProviderConfig.objects.filter(is_active=True).order_by("pk").first()
        self.new_config(dice.choice(VENDORS))
        if dice.random() < 0.5 and self.delete(old.pk):
            return
        AIProviderConfig.objects.filter(pk=old.pk).update(is_active=False)

    def delete(self, config_id):
        """Whether no call was in the way."""
        try:
            deletion.delete(actor=Actor(door="system"), config_id=config_id)
        except deletion.ProviderBusy:
            return False
        self.deleted += 1
        return True

    def new_config(self, vendor):
        config = self.make_config(
            provider_type=vendor, max_concurrent_calls=THREADS, daily_cost_limit_usd=10**6, timeout=300
        )
        self.config_ids.append(config.pk)

    def run(self, number):
        dice = random.Random(SEED + number)
        with closing(connection):
            while True:
                with self.lock:
                    self.left -= 1
                    if self.left < 0:
                        return
                    if self.left % 8 == 0:
                        self.replace_a_config(dice)
                        # The calls take theirs from the same pool.
                        connection.close()
                outcome = self.one_call(dice)
                with self.lock:
                    self.outcomes[outcome] += 1

    def one_call(self, dice):
        question = AIOrchestrator().generate(
            user=dice.choice(self.users),
            task=dice.choice(["extraction", "extraction", "cover_letter"]),
            prompt=f"Greeting: {dice.choice(['habari', 'salut', 'moin', 'hei'])}",
            response_model=Greeting,
            is_repeatable=dice.random() < 0.3,
        )
        call = asyncio.run_coroutine_threadsafe(question, concurrency.background_loop.get())
        try:
            call.result(self.patience * dice.uniform(*PATIENCE))
        except DomainError as error:
            return error.code
        except TimeoutError:
            call.cancel()
            self.patience = min(self.patience * MORE_PATIENT, MOST_PATIENT)
            return "left"
        except CancelledError:
            return "left"
        except Exception as bug:  # noqa: BLE001 - the test fails with it, in its own thread
            self.bugs.append(repr(bug))
            return "bug"
        self.patience = 1.0
        return "answered"


def test_after_any_number_of_things_that_went_wrong_the_books_balance(config_at, sandbox):
    users = [make_user(f"user{number}@example.com") for number in range(4)]
    chaos = Chaos(users, config_at)
    for vendor in VENDORS * 3:
        chaos.new_config(vendor)
    sandbox.chaos(*CHAOS, probability=0.4, seed=SEED)

    threads = [threading.Thread(target=chaos.run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: not unfinished())
    wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())
    wait_until(lambda: sandbox.hits()["in_flight"] == 0)

    assert chaos.bugs == []
    assert chaos.outcomes.total() == CALLS
    assert chaos.outcomes["answered"] > 0
    # If calls were in the way of every deletion, none is any more.
    assert chaos.deleted or chaos.delete(AIProviderConfig.objects.order_by("pk").first().pk)
    rows, hits = AIProviderUsageLog.objects.filter(attempt__gte=1), sandbox.hits()
    # A caller may leave after the row was written and before its request was on its way.
    unanswered = rows.filter(status="aborted").count()
    assert rows.count() - unanswered <= hits["total"] <= rows.count()
    assert counters() == sums_of_rows()
    assert {reserved for _, reserved in counters().values()} == {0}
    assert sum(used for (scope, _), (used, _) in counters().items() if "-usd" in scope) > 0
    assert_nothing_is_held(user_ids=[user.pk for user in users], now=time.time())
    gates = [Gate(f"provider:{pk}") for pk in chaos.config_ids]
    states = [concurrency.run(get_guards().gate_state(gate)) for gate in gates]
    assert {state.under_way for state in states} == {0}
    report(
        calls=CALLS,
        hits=hits["total"],
        rows=rows.count(),
        aborted=unanswered,
        deleted=chaos.deleted,
        **chaos.outcomes,
    )


def report(**figures):
    """For `make chaos`, which shows what tests print."""
    print(", ".join(f"{name} {figure}" for name, figure in figures.items()))  # noqa: T201
