"""Quotas and rows under four real processes: exact, leak-free, without deadlock."""

import threading
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection, transaction

from tests.books import sums_of_rows
from tests.concurrency.processes import PROCESSES, answers_of, heard_from, kill, start, workers
from tests.factories import make_config
from tests.locks import somebody_waits
from tests.usage.attempts import NOON, PICOS_HELD, counters, make_attempt, run
from tests.usage.calls import make_calls
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.ledger.base import StaleRouting
from usage.ledger.portable import PortableLedger
from usage.ledger.postgres import PostgresLedger
from usage.models import AIProviderUsageLog

HOLD = import_module("usage.migrations.0015_ledger_verifies_tokens").HOLD

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

DAY = "day:2026-11-21"
WORKER = "ledger_worker"
LEDGERS = {"portable": PortableLedger, "postgres": PostgresLedger}


EVERY_KIND = [
    "user:1",
    "user-usd:1",
    "task:1:extraction",
    "task-usd:1:extraction",
    "access_token:1",
    "access_token-usd:1",
    "provider:1",
    "provider-usd:1",
]


@pytest.fixture
def ledger():
    """By its name, for the processes: the one that PostgreSQL is used with."""
    return "postgres"


@pytest.fixture(params=LEDGERS)
def each_ledger(request):
    """The portable one keeps the same contract in one process, and what processes can do to it here."""
    return request.param


def test_exactly_as_many_calls_are_admitted_as_there_is_room_for(each_ledger):
    answers = answers_of(
        WORKER, ledger=each_ledger, mode="reserve", calls=50, scopes=["user:1", "provider:1"], limit=3_700
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == 37
    assert sum(answer["refused"] for answer in answers) == 163
    assert AIProviderUsageLog.objects.count() == 37
    assert counters() == {("user:1", DAY): (0, 3_700), ("provider:1", DAY): (0, 3_700)}


@pytest.mark.parametrize("scope", ["user-usd:1", "task-usd:1:extraction", "provider-usd:1"])
def test_exactly_as_many_calls_are_admitted_as_there_is_money_for(ledger, scope):
    room = 37 * PICOS_HELD + PICOS_HELD - 1

    answers = answers_of(
        WORKER, ledger=ledger, mode="reserve", calls=50, scopes=["user:1", scope], usd_limit=room
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == 37
    assert AIProviderUsageLog.objects.count() == 37
    assert counters() == {("user:1", DAY): (0, 3_700), (scope, DAY): (0, 37 * PICOS_HELD)}


def test_exactly_as_many_calls_are_admitted_as_the_quota_of_a_task_has_room_for(ledger):
    scopes = ["user:1", "task:1:extraction", "access_token:1"]
    answers = answers_of(WORKER, ledger=ledger, mode="reserve", calls=50, scopes=scopes, limit=3_700)

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == 37
    assert counters() == {(scope, DAY): (0, 3_700) for scope in scopes}


def test_a_cap_that_all_processes_meet_at_once_begins_once_with_what_was_spent_before(ledger, user):
    make_calls(5, None, user=user, at=NOON - timedelta(hours=1), cost="0.01")
    scope, spent = f"user-usd:{user.pk}", 5 * 10**10

    answers = answers_of(
        WORKER,
        ledger=ledger,
        mode="reserve",
        calls=50,
        scopes=[scope],
        usd_limit=spent + 37 * PICOS_HELD,
        user=user.pk,
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == 37
    assert counters() == {(scope, DAY): (spent, 37 * PICOS_HELD)}


@pytest.mark.parametrize("scope", ["user:1", "user-usd:1", "task:1:extraction"])
def test_the_race_is_real_when_the_guard_is_off(scope):
    """The negative control: the same run through read-compare-add admits too many."""
    room = {"limit": 3_700, "usd_limit": 37 * PICOS_HELD}

    answers = answers_of(WORKER, mode="reserve", calls=50, scopes=[scope], unguarded=True, **room)

    assert sum(answer["admitted"] for answer in answers) > 37


@pytest.fixture
def careless_function():
    """`ledger_hold` without its condition: it looks without a lock, and writes what it decided."""
    careless = HOLD.replace("AND (limits[i] IS NULL OR", "AND (false AND").replace("FOR UPDATE;", ";")
    careless = careless.replace("-- Locked now, so this look is the last word.", "PERFORM pg_sleep(0.02);")
    assert careless.count("false") == careless.count("pg_sleep") == 1
    assert "FOR UPDATE" not in careless
    with connection.cursor() as cursor:
        cursor.execute(careless)
        yield
        cursor.execute(HOLD)


def test_the_race_is_real_when_the_function_of_the_database_forgets_its_condition(careless_function):
    answers = answers_of(WORKER, ledger="postgres", mode="reserve", calls=50, scopes=["user:1"], limit=3_700)

    assert sum(answer["admitted"] for answer in answers) > 37


@pytest.mark.parametrize(
    ("limit", "admitted", "held"),
    [
        pytest.param(3_690, 37, 3_690, id="the last one with the 90 that are left"),
        pytest.param(3_680, 37, 3_680, id="the last one with the 80 that it takes at least"),
        pytest.param(3_679, 36, 3_600, id="79 are too few"),
        pytest.param(3_700, 37, 3_700, id="nothing is left"),
        pytest.param(85, 1, 85, id="the whole quota is smaller than the most"),
    ],
)
def test_exactly_one_call_of_all_processes_gets_what_is_left(ledger, limit, admitted, held):
    scopes = ["user:1", "task:1:extraction", "provider:1"]

    answers = answers_of(
        WORKER, ledger=ledger, mode="reserve", calls=50, scopes=scopes, limit=limit, least=80
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == admitted
    assert sum(answer["refused"] for answer in answers) == 200 - admitted
    assert counters() == {(scope, DAY): (0, held) for scope in scopes}
    assert counters() == sums_of_rows()


def test_exactly_one_call_of_all_processes_gets_the_money_that_is_left(ledger):
    # After 36 calls there is money for 60 tokens of prompt and 25 of reply.
    room = 36 * PICOS_HELD + 15_000_000 + 25 * 2_000_000
    scopes = ["user:1", "user-usd:1", "provider-usd:1"]

    answers = answers_of(
        WORKER, ledger=ledger, mode="reserve", calls=50, scopes=scopes, usd_limit=room, least=80
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert sum(answer["admitted"] for answer in answers) == 37
    assert counters() == {
        ("user:1", DAY): (0, 3_685), ("user-usd:1", DAY): (0, room), ("provider-usd:1", DAY): (0, room)
    }  # fmt: skip
    assert counters() == sums_of_rows()


@pytest.mark.parametrize("room", [{"limit": 3_690}, {"usd_limit": 36 * PICOS_HELD + 65_000_000}])
def test_the_race_for_what_is_left_is_real_when_the_guard_is_off(room):
    """The negative control: the same run through read-compare-add hands out what is left many times."""
    scope = "user:1" if "limit" in room else "user-usd:1"

    answers = answers_of(WORKER, mode="reserve", calls=50, scopes=[scope], least=80, unguarded=True, **room)

    assert sum(answer["admitted"] for answer in answers) > 37


def test_processes_that_use_a_quota_up_together_overshoot_nothing_and_leave_less_than_a_call(ledger):
    scopes = ["user:1", "provider:1"]

    answers = answers_of(WORKER, ledger=ledger, mode="use_up", calls=6, scopes=scopes, limit=5_000, least=80)

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert counters() == sums_of_rows()
    (used, reserved), *others = counters().values()
    assert others == [(used, reserved)]
    assert (5_000 - 80 < used <= 5_000, reserved) == (True, 0)
    assert min(answer["shortest"] for answer in answers if answer["calls"]) >= 20


def test_processes_killed_in_mid_call_leave_no_reservation_behind(each_ledger):
    with workers(WORKER, ledger=each_ledger, mode="churn", calls=6, scopes=EVERY_KIND) as processes:
        start(processes)
        for enough, process in enumerate(processes, start=3):
            for _ in range(enough):
                assert heard_from(process) == "settled"
            process.kill()
        kill(processes)
    in_flight = AIProviderUsageLog.objects.filter(status="started").count()
    assert in_flight >= PROCESSES
    assert counters() == sums_of_rows()

    swept = run(LEDGERS[each_ledger]().sweep(now=datetime(2099, 1, 1, tzinfo=UTC)))

    assert swept == in_flight
    assert not AIProviderUsageLog.objects.filter(status="started").exists()
    assert {reserved for _, reserved in counters().values()} == {0}
    assert counters() == sums_of_rows()


def test_calls_that_share_counters_do_not_deadlock(ledger):
    scopes = [f"user:{number}" for number in range(4)] + ["provider:1", "provider:2", "user-usd:1"]

    answers = answers_of(WORKER, ledger=ledger, mode="overlap", calls=50, scopes=scopes)

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert AIProviderUsageLog.objects.filter(status="success").count() == 200
    assert len(counters()) == len(scopes)
    assert counters() == sums_of_rows()


def test_sweepers_in_parallel_with_late_settlements_charge_each_call_once(each_ledger):
    """Four processes sweep and settle the same overdue calls."""
    answers = answers_of(
        WORKER, ledger=each_ledger, mode="settle_and_sweep", calls=25, scopes=["user:1", "user-usd:1"]
    )

    assert [answer["broken"] for answer in answers] == [[]] * PROCESSES
    assert set(AIProviderUsageLog.objects.values_list("status", "total_tokens")) == {("success", 50)}
    calls, cost = PROCESSES * 25, 30 * 250_000 + 20 * 2_000_000
    assert counters() == {("user:1", DAY): (calls * 50, 0), ("user-usd:1", DAY): (calls * cost, 0)}


def test_a_config_deleted_while_a_call_reserves_leaves_no_trace_of_the_call(ledger):
    """The reservation has read the old revision by then; its foreign key waits for the deletion to commit."""
    config = make_config()
    attempt = make_attempt(config=config)
    deleted = threading.Event()

    def delete_and_commit_once_somebody_waits():
        with transaction.atomic():
            config.delete()
            deleted.set()
            wait_until(somebody_waits)
        connection.close()

    thread = threading.Thread(target=delete_and_commit_once_somebody_waits)
    thread.start()
    assert deleted.wait(PATIENCE_SECONDS)

    with pytest.raises(StaleRouting):
        run(LEDGERS[ledger]().reserve(attempt))

    thread.join()
    assert not AIProviderUsageLog.objects.exists()
    assert counters() == {}
