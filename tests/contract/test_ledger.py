"""What every ledger must do, whatever it is built on. A new implementation is one more line in LEDGERS."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from accounts.audit import Actor
from accounts.models import Plan, Subscription, TokenFamily
from accounts.personal_tokens import create, revoke, token_stamp_of
from accounts.standing import SignedOut, stamp_of
from orchestration.calls.accounting import Accounting
from providers.models import RoutingRevision
from tests.books import sums_of_rows
from tests.factories import make_config, make_user
from tests.usage.attempts import NOON, counters, make_attempt, run, success
from usage.ledger.base import Outcome, QuotaExceeded, StaleRouting, StaleStanding
from usage.ledger.limits import IN_FLIGHT_RETRY_SECONDS
from usage.ledger.portable import PortableLedger
from usage.ledger.postgres import PostgresLedger
from usage.metrics import observers
from usage.metrics.observers import Observer
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

LEDGERS = [
    pytest.param(PortableLedger, id="portable"),
    pytest.param(PostgresLedger, id="postgres", marks=pytest.mark.postgres),
]

DAY, MONTH = "day:2026-11-21", "month:2026-11"
REFUSED_BY_VENDOR = Outcome(
    status="error", usage=None, latency_ms=80, may_have_cost=False, error_kind="rate_limited"
)
TIMED_OUT = Outcome(status="timeout", usage=None, latency_ms=60_000, error_kind="timeout")


@pytest.fixture(params=LEDGERS)
def ledger(request):
    return request.param()


def the_row():
    return AIProviderUsageLog.objects.get()


def test_it_holds_the_tokens_in_every_counter_and_writes_the_row_before_the_call(ledger, user):
    config = make_config()

    reservation = run(ledger.reserve(make_attempt(user=user, config=config, daily=10_000)))

    held = (0, 100)
    assert counters() == {
        (f"user:{user.pk}", DAY): held,
        (f"user:{user.pk}", MONTH): held,
        (f"provider:{config.pk}", DAY): held,
        (f"provider:{config.pk}", MONTH): held,
    }
    row = the_row()
    assert (row.pk, row.status, row.attempt, row.reserved_tokens) == (reservation.log_id, "started", 1, 100)
    assert (row.user, row.provider_config, row.created_at) == (user, config, NOON)
    assert (row.total_tokens, row.estimated_cost_usd, row.settled_at) == (0, None, None)


def test_it_moves_no_counter_when_one_of_them_is_full(ledger, user):
    config = make_config()
    run(ledger.reserve(make_attempt(user=user, config=config, daily=1_000, config_daily=150)))
    before = counters()

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, config=config, daily=1_000, config_daily=150)))

    assert counters() == before
    assert AIProviderUsageLog.objects.count() == 1
    assert refusal.value.retry_after == IN_FLIGHT_RETRY_SECONDS
    assert refusal.value.details == {
        "scope": "provider",
        "task": "",
        "unit": "tokens",
        "window": "day",
        "limit": 150,
        "used": 0,
        "reserved": 100,
        "left": 50,
        "requested": 100,
        "resets_at": "2026-11-22T00:00:00+00:00",
        "time_zone": "UTC",
    }


def test_it_admits_to_the_last_token_and_not_beyond(ledger, user):
    run(ledger.reserve(make_attempt(user=user, daily=200)))
    run(ledger.reserve(make_attempt(user=user, daily=200)))

    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, daily=200, reserved_tokens=1, reserved_input_tokens=1)))

    assert refusal.value.details["left"] == 0


def test_it_counts_without_refusing_where_there_is_no_limit(ledger, user):
    for _ in range(3):
        run(ledger.reserve(make_attempt(user=user, reserved_tokens=10**9)))

    assert counters()[f"user:{user.pk}", DAY] == (0, 3 * 10**9)


def test_it_does_not_tell_a_client_to_wait_when_waiting_would_not_help(ledger, user):
    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, monthly=99)))

    assert refusal.value.retry_after is None
    assert (refusal.value.details["window"], refusal.value.details["left"]) == ("month", 99)
    assert "Shorten the input" in refusal.value.message


def test_it_reserves_nothing_on_a_snapshot_that_is_out_of_date(ledger, user):
    attempt = make_attempt(user=user)
    make_config()

    with pytest.raises(StaleRouting):
        run(ledger.reserve(attempt))

    assert counters() == {}
    assert not AIProviderUsageLog.objects.exists()


def test_settling_turns_what_was_held_into_what_was_used(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, daily=10_000)))

    settlement = run(ledger.settle(reservation, success(50, 20, settled_at=NOON + timedelta(seconds=2))))

    # 50 at $0.25 and 20 at $2 a million
    assert settlement.cost_usd == Decimal("0.0000525")
    assert (settlement.usage.total_tokens, settlement.usage_source) == (70, "vendor")
    assert counters() == {(f"user:{user.pk}", DAY): (70, 0), (f"user:{user.pk}", MONTH): (70, 0)}
    row = the_row()
    assert (row.status, row.input_tokens, row.output_tokens, row.total_tokens) == ("success", 50, 20, 70)
    assert row.estimated_cost_usd == Decimal("0.0000525")
    assert row.unit_prices["input_mtok"] == "0.25"
    assert (row.latency_ms, row.settled_at) == (1234, NOON + timedelta(seconds=2))


def test_settling_twice_changes_nothing(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    first = run(ledger.settle(reservation, success(50, 20)))

    second = run(ledger.settle(reservation, success(7, 7)))

    assert second == first
    assert (first.is_news, second.is_news) == (True, False)
    assert counters()[f"user:{user.pk}", DAY] == (70, 0)


def test_settling_a_row_that_is_gone_breaks_nothing(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    AIProviderUsageLog.objects.all().delete()

    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert settlement.usage.total_tokens == 70
    assert counters()[f"user:{user.pk}", DAY] == (0, 100), "nobody knows whether it was closed before"


def test_settlement_is_never_capped_and_the_next_call_feels_it(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, daily=100)))

    run(ledger.settle(reservation, success(90, 60)))

    assert counters()[f"user:{user.pk}", DAY] == (150, 0)
    with pytest.raises(QuotaExceeded) as refusal:
        run(ledger.reserve(make_attempt(user=user, daily=100, reserved_tokens=1, reserved_input_tokens=0)))
    assert (refusal.value.details["used"], refusal.value.details["left"]) == (150, 0)


def test_a_call_the_vendor_refused_costs_nothing_and_frees_its_tokens(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))

    settlement = run(ledger.settle(reservation, REFUSED_BY_VENDOR))

    assert (settlement.usage.total_tokens, settlement.usage_source, settlement.cost_usd) == (0, "none", 0)
    assert counters()[f"user:{user.pk}", DAY] == (0, 0)
    assert (the_row().status, the_row().error_kind) == ("error", "rate_limited")
    assert the_row().settled_at is not None


def test_a_call_that_may_have_been_billed_is_charged_its_estimate_and_says_so(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))

    settlement = run(ledger.settle(reservation, TIMED_OUT))

    # 60 at $0.25 and 40 at $2 a million
    assert settlement.cost_usd == Decimal("0.000095")
    assert (settlement.usage_source, the_row().usage_source) == ("estimated", "estimated")
    assert counters()[f"user:{user.pk}", DAY] == (100, 0)


def test_a_price_nobody_knows_is_null(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user, model_name="gpt-nobody-knows")))

    settlement = run(ledger.settle(reservation, success(50, 20)))

    assert settlement.cost_usd is None
    assert (the_row().estimated_cost_usd, the_row().total_tokens) == (None, 70)


def test_error_messages_are_stored_redacted_and_cut(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    message = "bad key sk-canary0123456789abcdef " + "x" * 600

    run(ledger.settle(reservation, success(status="error", error_message=message)))

    assert the_row().error_message.startswith("bad key [redacted] xxx")
    assert len(the_row().error_message) == 500


@pytest.mark.parametrize("is_sent", [True, False], ids=["settled", "refused"])
def test_texts_are_cut_to_what_their_columns_take(ledger, user, is_sent):
    kind = "k" * 999
    if is_sent:
        texts = {"error_kind": kind, "model_name": "m" * 999, "service_tier": "t" * 999}
        run(ledger.settle(run(ledger.reserve(make_attempt(user=user))), success(50, 20, **texts)))
    else:
        run(ledger.record_refusal(make_attempt(user=user), error_kind=kind, error_message="used up"))

    row = the_row()
    for name in ("error_kind", "reported_model", "service_tier") if is_sent else ("error_kind",):
        assert len(getattr(row, name)) == row._meta.get_field(name).max_length, name


@pytest.mark.parametrize(
    ("said", "is_timed", "stored"),
    [(-5, True, 0), (0, True, 0), (10**12, True, 2**31 - 1), (70, False, None)],
    ids=["a clock put back", "at once", "absurdly long", "nobody waited"],
)
def test_how_long_a_call_took(ledger, user, said, is_timed, stored):
    reservation = run(ledger.reserve(make_attempt(user=user)))

    run(ledger.settle(reservation, success(latency_ms=said, is_timed=is_timed)))

    assert the_row().latency_ms == stored


def test_the_model_that_answered_is_what_is_paid(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))

    settlement = run(ledger.settle(reservation, success(50, 20, model_name="gpt-5")))

    # 50 at $1.25 and 20 at $10 a million
    assert settlement.cost_usd == Decimal("0.0002625")
    assert (the_row().model_name, the_row().reported_model) == ("gpt-5-mini", "gpt-5")


def test_a_call_settled_after_midnight_is_charged_to_the_day_it_was_made(ledger, user):
    before_midnight = NOON.replace(hour=23, minute=59, second=58)
    reservation = run(ledger.reserve(make_attempt(user=user, started_at=before_midnight)))

    run(ledger.settle(reservation, success(settled_at=before_midnight + timedelta(seconds=4))))

    assert counters() == {(f"user:{user.pk}", DAY): (70, 0), (f"user:{user.pk}", MONTH): (70, 0)}


def test_deleting_the_user_and_the_config_meanwhile_keeps_the_row_and_frees_the_counters(ledger):
    user, config = make_user("leaver@example.com"), make_config()
    keys = {
        (f"{scope}", window)
        for scope in (f"user:{user.pk}", f"provider:{config.pk}")
        for window in (DAY, MONTH)
    }
    reservation = run(ledger.reserve(make_attempt(user=user, config=config)))
    config.delete()
    user.delete()

    run(ledger.settle(reservation, success()))

    assert counters() == dict.fromkeys(keys, (70, 0))
    assert (the_row().user, the_row().provider_config, the_row().status) == (None, None, "success")


def test_the_sweep_closes_calls_past_their_time_at_what_was_held(ledger, user):
    run(ledger.reserve(make_attempt(user=user)))
    run(ledger.reserve(make_attempt(user=user, started_at=NOON + timedelta(minutes=5), number=2)))

    swept = run(ledger.sweep(now=NOON + timedelta(minutes=3)))

    assert swept == 1
    row = AIProviderUsageLog.objects.get(attempt=1)
    assert (row.status, row.usage_source, row.total_tokens, row.latency_ms) == (
        "aborted",
        "estimated",
        100,
        None,
    )
    assert (row.input_tokens, row.output_tokens) == (60, 40)
    assert row.estimated_cost_usd == Decimal("0.000095")
    assert AIProviderUsageLog.objects.get(attempt=2).status == "started"
    assert counters()[f"user:{user.pk}", DAY] == (100, 100)


def test_the_sweep_closes_every_kind_of_row_in_batches_and_the_books_balance(ledger, user, monkeypatch):
    for module in ("portable", "postgres"):
        monkeypatch.setattr(f"usage.ledger.{module}.SWEEP_BATCH", 4)
    config = make_config()
    attempts = [
        make_attempt(user=user, config=config, daily_usd="1", number=1),
        make_attempt(user=user, config=config, number=2),
        make_attempt(number=3, config_id=None, limits=()),
        make_attempt(user=user, model_name="nobody-knows", number=4),
        make_attempt(user=user, number=5),
        make_attempt(number=6, limits=()),
    ]
    reservations = [run(ledger.reserve(attempt)) for attempt in attempts]
    run(ledger.settle(reservations[4], success()))

    assert run(ledger.sweep(now=NOON + timedelta(hours=1))) == 5

    assert not AIProviderUsageLog.objects.filter(status="started").exists()
    assert counters() == sums_of_rows()
    costs = AIProviderUsageLog.objects.order_by("attempt").values_list("estimated_cost_usd", flat=True)
    assert [cost is None for cost in costs] == [False, False, False, True, False, False]


def test_a_row_that_cannot_be_closed_does_not_stop_the_sweep(ledger, user, outsider, caplog):
    run(ledger.reserve(make_attempt(user=outsider)))
    run(ledger.reserve(make_attempt(user=user)))
    QuotaCounter.objects.filter(scope=f"user:{outsider.pk}", window=DAY).update(reserved=0)

    swept = run(ledger.sweep(now=NOON + timedelta(hours=1)))

    assert swept == 1
    assert "cannot be swept" in caplog.text
    assert counters()[f"user:{user.pk}", DAY] == (100, 0)
    assert AIProviderUsageLog.objects.get(user=user).settled_at == NOON + timedelta(hours=1)
    assert AIProviderUsageLog.objects.get(user=outsider).status == "started"


class Listening(Observer):
    """Notes what a sweeper tells of: when it looks, and each row with how it ended."""

    def __init__(self):
        self.looked, self.closed = 0, []

    def sweeping(self):
        self.looked += 1

    def swept(self, found):
        self.closed += [(row.pk, columns["status"]) for row, columns in found]


def test_whoever_measures_is_told_of_each_look_and_of_what_was_closed(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    listening = Listening()

    with observers.added(listening):
        for _ in range(2):
            run(ledger.sweep(now=NOON + timedelta(hours=1)))

    assert (listening.looked, listening.closed) == (2, [(reservation.log_id, "aborted")])


def test_sweeping_again_finds_nothing(ledger, user):
    run(ledger.reserve(make_attempt(user=user)))
    run(ledger.sweep(now=NOON + timedelta(hours=1)))

    assert run(ledger.sweep(now=NOON + timedelta(hours=1))) == 0

    assert counters()[f"user:{user.pk}", DAY] == (100, 0)


def test_a_call_that_was_swept_too_early_is_corrected_when_it_settles(ledger, user):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    run(ledger.sweep(now=NOON + timedelta(hours=1)))

    first = run(ledger.settle(reservation, success(300, 20)))
    second = run(ledger.settle(reservation, success(1, 1)))

    assert counters()[f"user:{user.pk}", DAY] == (320, 0)
    row = the_row()
    assert (row.status, row.usage_source, row.total_tokens, row.swept) == ("success", "vendor", 320, False)
    assert (row.error_kind, row.error_message) == ("", "")
    assert second == first
    assert (first.corrects_sweep, second.corrects_sweep) == (True, False)


def test_a_refusal_leaves_a_row_and_moves_nothing(ledger, user):
    attempt = make_attempt(user=user, number=0)

    run(ledger.record_refusal(attempt, error_kind="quota_exceeded", error_message="used up"))

    row = the_row()
    assert (row.attempt, row.status, row.error_kind, row.error_message) == (
        0,
        "error",
        "quota_exceeded",
        "used up",
    )
    assert (row.total_tokens, row.estimated_cost_usd, row.reserved_tokens) == (0, 0, 0)
    assert row.settled_at == NOON
    assert counters() == {}


@pytest.mark.parametrize(("said", "stored"), [(12, 12), (0, 0), (-3, 0)])
def test_a_call_that_is_answered_again_leaves_a_row_that_cost_nothing(ledger, user, said, stored):
    run(ledger.record_cached(make_attempt(user=user, daily=1_000), latency_ms=said))

    row = the_row()
    assert (row.user, row.status, row.cached, row.attempt) == (user, "success", True, 0)
    assert (row.latency_ms, row.settled_at) == (stored, NOON)
    assert (row.total_tokens, row.estimated_cost_usd, row.reserved_tokens) == (0, 0, 0)
    assert counters() == {}


def test_parallel_calls_in_one_process_are_admitted_exactly(ledger, user):
    attempt = make_attempt(user=user, daily=700)

    async def all_at_once():
        return await asyncio.gather(*(ledger.reserve(attempt) for _ in range(40)), return_exceptions=True)

    results = run(all_at_once())

    assert sum(isinstance(result, QuotaExceeded) for result in results) == 33
    assert AIProviderUsageLog.objects.count() == 7
    assert counters()[f"user:{user.pk}", DAY] == (0, 700)


@pytest.mark.postgres
def test_it_holds_no_connection_between_its_operations(ledger, user):
    connection.close()
    before = lent_connections()

    run(ledger.settle(run(ledger.reserve(make_attempt(user=user))), success()))
    connection.close()

    assert lent_connections() == before


def lent_connections():
    """Not simply none: threads of earlier tests may hold some of this process's pool."""
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


@pytest.mark.parametrize(
    ("outcome", "tokens"),
    [
        (success(99_999_999_999_999_999_999, 3), 100),
        (success(3, 10**30), 100),
        (success(usage={"input_tokens": 3}), 100),
        (success(service_tier=7, model_name=["gpt-5"]), 70),
        (success(service_tier="\x00\ud800" * 40, model_name="\u202e\x07" * 300), 70),
        (success(error_message="\x00\ud800"), 70),
        (success(latency_ms=10**12), 70),
    ],
    ids=["absurd input", "absurd output", "no usage", "no texts", "unprintable", "message", "latency"],
)
def test_a_row_can_be_settled_whatever_a_vendor_said(ledger, user, outcome, tokens):
    reservation = run(ledger.reserve(make_attempt(user=user, daily=1_000, daily_usd="1")))

    settlement = run(ledger.settle(reservation, outcome))

    row = the_row()
    assert row.status == "success"
    assert row.total_tokens == settlement.usage.total_tokens == tokens
    assert settlement.usage_source == ("vendor" if tokens == 70 else "estimated")
    assert (row.model_name + row.reported_model + row.service_tier + row.error_message).isprintable()
    assert {reserved for _, reserved in counters().values()} == {0}
    assert counters()[f"user:{user.pk}", DAY] == (row.total_tokens, 0)


@pytest.mark.parametrize("may_have_cost", [True, False])
def test_what_cannot_be_written_is_settled_without_what_the_vendor_said(ledger, user, may_have_cost):
    reservation = run(ledger.reserve(make_attempt(user=user)))
    said = {"model_name": "gpt-5", "service_tier": "flex", "error_message": "odd"}

    run(ledger.settle(reservation, success(usage={"a": 3}, may_have_cost=may_have_cost, **said)))

    row = the_row()
    assert (row.total_tokens, row.usage_source) == (100, "estimated"), "it spoke of usage"
    assert (row.reported_model, row.service_tier, row.error_message) == ("", "", "")


def test_a_loop_that_is_torn_down_while_it_settles_loses_nothing(ledger, user):
    attempt = make_attempt(user=user, daily=1_000_000)

    async def torn_down(turns):
        """The loop ends so many turns after the settlement began, and breaks it off."""
        accounting = Accounting(ledger)
        settling = asyncio.ensure_future(accounting.settle(await accounting.reserve(attempt), success()))
        for _ in range(turns):
            await asyncio.sleep(0)
        return settling

    for turns in range(8):
        run(torn_down(turns))
    run(ledger.sweep(now=attempt.expires_at + timedelta(seconds=1)))

    rows = AIProviderUsageLog.objects.all()
    assert {row.total_tokens for row in rows} <= {70, 100}, "as settled, or as swept"
    assert (rows.count(), rows.filter(status="started").count()) == (8, 0)
    assert counters() == sums_of_rows()


def test_it_reserves_nothing_for_a_login_that_has_ended(ledger, user):
    family = TokenFamily.objects.create(user=user, good_token="x")
    attempt = make_attempt(user=user, daily=1_000, login_family=str(family.pk))
    run(ledger.reserve(attempt))
    before = counters()
    TokenFamily.objects.update(ended_at=NOON)

    with pytest.raises(SignedOut):
        run(ledger.reserve(attempt))

    assert counters() == before
    assert AIProviderUsageLog.objects.count() == 1


def test_it_reserves_nothing_by_an_access_token_that_is_gone(ledger, user):
    token, _ = create(user=user, name="CI", actor=Actor.system())
    stamps = {"stamp": stamp_of(user.pk), "token_stamp": token_stamp_of(token.pk)}
    attempt = make_attempt(user=user, daily=1_000, personal_token=token.pk, **stamps)
    run(ledger.reserve(attempt))
    before = counters()
    token.delete()

    with pytest.raises(StaleStanding):
        run(ledger.reserve(attempt))

    assert counters() == before


@pytest.mark.postgres
@pytest.mark.parametrize("changed", ["account", "routing", "token"])
def test_it_reserves_nothing_for_who_went_by_what_is_not_so_any_more(ledger, user, changed):
    family = TokenFamily.objects.create(user=user, good_token="x")
    stamp = stamp_of(user.pk)
    token, _ = create(user=user, name="CI", actor=Actor.system())
    attempt = make_attempt(
        user=user,
        daily=1_000,
        stamp=stamp,
        login_family=str(family.pk),
        personal_token=token.pk,
        token_stamp=token_stamp_of(token.pk),
    )
    run(ledger.settle(run(ledger.reserve(attempt)), success()))
    before = counters()
    if changed == "account":
        Plan.objects.filter(is_default=True).update(daily_token_limit=1)
    elif changed == "token":
        revoke(token=token, actor=Actor.system())
    else:
        RoutingRevision.bump()

    refusals = {
        "account": StaleStanding,
        "routing": StaleRouting,
        "token": StaleStanding,
    }
    with pytest.raises(refusals[changed]):
        run(ledger.reserve(attempt))

    assert counters() == before
    assert AIProviderUsageLog.objects.count() == 1


@pytest.mark.postgres
def test_a_stamp_stands_while_nothing_changes_and_no_longer(user):
    stamps = [stamp_of(user.pk), stamp_of(user.pk)]
    assert stamps[0] == stamps[1] is not None
    subscription = Subscription.objects.create(user=user, plan=Plan.objects.get(slug="pro_monthly"))
    stamps.append(stamp_of(user.pk))
    Plan.objects.filter(slug="pro_monthly").update(name="Another")
    stamps.append(stamp_of(user.pk))
    with transaction.atomic():
        # Two versions by one transaction.
        for name in ("A", "B"):
            type(user).objects.update(full_name=name)
            stamps.append(stamp_of(user.pk))
    subscription.delete()
    stamps.append(stamp_of(user.pk))

    assert len(set(stamps)) == len(stamps) - 1
    assert stamp_of(0) is None
